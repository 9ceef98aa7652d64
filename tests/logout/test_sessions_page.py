"""Where a person is signed in, on the page of their connections: theirs alone, and how to end it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages import get_messages
from django.template import RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone

from oidc_login.models import SignedInSession
from oidc_login.testing import GitHubStyleProvider
from tests.logout.test_back_channel import shown
from tests.support.browser import Browser
from tests.support.databases import failing
from tests.support.markup import Markup
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_middleware")]

PAGE = "/oauth/connections/"
END, END_OTHERS = "/oauth/connections/sessions/end/", "/oauth/connections/sessions/end-others/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]

Op = RecordingOpenIDProvider


def signed_in(op: Any, key: str = "op", *, user: str = "alice", agent: str = FIREFOX) -> Browser:
    browser = Browser()
    browser.end(browser.authorize(op, browser.begin(key), user), headers={"user-agent": agent})
    assert browser.user is not None
    return browser


def forms_of(browser: Browser, action: str) -> list[dict[str, str]]:
    forms = Markup(browser.get(PAGE).content.decode()).forms
    return [dict(form.fields) for form in forms if form.action == action]


def text_of(browser: Browser) -> str:
    return " ".join(browser.get(PAGE).content.decode().split())


# What is shown.


def test_page_shows_each_session_and_marks_this_one(op: Op, github: GitHubStyleProvider) -> None:
    here = signed_in(op)
    signed_in(op, agent=CHROME)
    signed_in(github, "github", agent="curl/8")

    text = text_of(here)

    assert text.count("(this browser)") == 1
    assert text.index("Firefox, Linux") < text.index("(this browser)") < text.index("Chrome, Windows")
    assert "Signed in with Op on" in text and "Signed in with GitHub on" in text and "Unknown browser" in text
    assert len(forms_of(here, END)) == 2


def test_page_shows_nobody_elses_session(op: Op) -> None:
    here = signed_in(op)
    signed_in(op, user="bob", agent=CHROME)

    assert "Chrome, Windows" not in text_of(here)
    assert forms_of(here, END) == forms_of(here, END_OTHERS) == []


def test_page_shows_none_that_expired(op: Op) -> None:
    here = signed_in(op)
    signed_in(op, agent=CHROME)
    SignedInSession.objects.filter(browser="Chrome, Windows").update(expires_at=timezone.now() - timedelta(seconds=1))

    assert "Chrome, Windows" not in text_of(here)


def test_page_of_a_password_session_shows_the_others(op: Op) -> None:
    elsewhere = signed_in(op)
    here = Browser()
    here.log_in(elsewhere.user)

    assert "(this browser)" not in text_of(here)
    assert len(forms_of(here, END)) == len(forms_of(here, END_OTHERS)) == 1


def test_page_without_sessions_says_nothing_of_them(op: Op, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert "Where you are signed in" not in text_of(browser)


def test_what_a_browser_calls_itself_is_never_shown_or_kept(op: Op) -> None:
    here = signed_in(op, agent=f"<b>{FIREFOX}</b>")

    assert "Firefox, Linux" in text_of(here) and "Gecko" not in text_of(here)
    assert SignedInSession.objects.get().browser == "Firefox, Linux"


def test_page_tells_no_key_and_no_token(op: Op) -> None:
    here = signed_in(op)
    other = signed_in(op)

    text = text_of(here)

    assert not [secret for secret in (here.session_key, other.session_key, *op.sessions) if str(secret) in text]


def test_session_of_a_provider_that_is_gone_goes_by_its_key(op: Op, settings: Settings) -> None:
    here = signed_in(op)
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert "Signed in with op on" in text_of(here)


def test_page_asks_once_for_all_sessions(op: Op, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    here = [signed_in(op) for _ in range(5)][0]

    with django_assert_max_num_queries(6):  # the session, its row, the user, connections, ways in, sessions
        here.get(PAGE)


# Ending one.


@pytest.mark.parametrize("engine", ENGINES)
def test_one_session_is_ended(op: Op, settings: Settings, engine: str) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    here, other, third = signed_in(op), signed_in(op, agent=CHROME), signed_in(op)
    (fields,) = [
        fields
        for fields in forms_of(here, END)
        if SignedInSession.objects.get(pk=fields["session"]).browser == "Chrome, Windows"
    ]

    response = here.post(END, fields)

    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert [shown(browser) for browser in (here, other, third)] == ["alice", "", "alice"]
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["You signed out on that device."]


def test_session_of_somebody_else_cannot_be_ended(op: Op) -> None:
    here, bob = signed_in(op), signed_in(op, user="bob")
    row = SignedInSession.objects.get(user=bob.user)

    assert here.post(END, {"session": row.pk}).status_code == 404
    assert shown(bob) == "bob"


def test_this_session_is_ended_by_signing_out_alone(op: Op) -> None:
    here = signed_in(op)
    row = SignedInSession.objects.get()

    assert here.post(END, {"session": row.pk}).status_code == 404
    assert shown(here) == "alice"


@pytest.mark.parametrize("named", ["", "unknown", "0" * 32, "a\0", "x" * 10_000, "' OR 1=1 --"])
def test_name_that_is_none_ends_nothing(op: Op, named: str) -> None:
    here, other = signed_in(op), signed_in(op)

    assert here.post(END, {"session": named}).status_code == 404
    assert here.post(END).status_code == 404
    assert [shown(browser) for browser in (here, other)] == ["alice", "alice"]


def test_session_that_ended_meanwhile_is_not_found(op: Op) -> None:
    here, other = signed_in(op), signed_in(op)
    (fields,) = forms_of(here, END)
    other.post("/oauth/logout/")

    assert here.post(END, fields).status_code == 404


# Ending all others.


@pytest.mark.parametrize("engine", ENGINES)
def test_all_other_sessions_are_ended(op: Op, settings: Settings, engine: str) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    here, *others = [signed_in(op) for _ in range(4)]
    bob = signed_in(op, user="bob")
    (fields,) = forms_of(here, END_OTHERS)

    response = here.post(END_OTHERS, fields)

    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert [shown(browser) for browser in (here, *others, bob)] == ["alice", "", "", "", "bob"]
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["You signed out on 3 other devices."]


def test_password_session_ends_all_through_providers(op: Op) -> None:
    elsewhere = signed_in(op)
    here = Browser()
    here.log_in(elsewhere.user)

    here.post(END_OTHERS)

    assert [shown(browser) for browser in (here, elsewhere)] == ["alice", ""]


# Who may ask.

Ask = Callable[[Browser], Any]


@pytest.mark.parametrize("url", [END, END_OTHERS])
def test_it_takes_a_post_with_a_csrf_token_of_somebody_who_is_signed_in(op: Op, browser: Browser, url: str) -> None:
    here, other = signed_in(op), signed_in(op)
    (fields,) = forms_of(here, END)

    assert here.request("POST", url, {"session": fields["session"]}).status_code == 403
    assert here.get(url, {"session": fields["session"]}).status_code == 405
    response = browser.post(url, {"session": fields["session"]})
    assert (response.status_code, response["Location"]) == (302, f"/oauth/?next={PAGE}")
    assert [shown(one) for one in (here, other)] == ["alice", "alice"]


@pytest.mark.parametrize("url", [END, END_OTHERS, "/oauth/logout/"])
def test_csrf_token_is_asked_for_without_djangos_middleware_too(op: Op, settings: Settings, url: str) -> None:
    here, other = signed_in(op), signed_in(op)
    (fields,) = forms_of(here, END)
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "csrf" not in path]
    # Django's client keeps the middleware of its first request.
    same = Browser()
    same.jar = here.jar

    assert same.request("POST", url, {"session": fields["session"]}).status_code == 403
    assert [shown(one) for one in (here, other)] == ["alice", "alice"]


def test_next_stays_on_this_host(op: Op) -> None:
    here = signed_in(op)

    assert here.post(END_OTHERS, {"next": "/settings/"})["Location"] == "/settings/"
    assert here.post(END_OTHERS, {"next": "https://evil.example/"})["Location"] == PAGE


@pytest.mark.django_db(transaction=True)
def test_database_that_fails_is_no_500(op: Op) -> None:
    here, other = signed_in(op), signed_in(op)
    with failing("oidc_login_signedinsession", verb="DELETE"):
        response = here.post(END_OTHERS)

    assert response.status_code == 503
    assert list(Markup(response.content.decode()).links.values()) == [PAGE]
    assert here.post(END_OTHERS).status_code == 302
    assert [shown(browser) for browser in (here, other)] == ["alice", ""]


# A site's own page.


def render(source: str, request: Any) -> str:
    return Template("{% load oidc_login %}" + source).render(RequestContext(request, {}))


def test_tag_shows_the_sessions(op: Op) -> None:
    here = signed_in(op)
    signed_in(op, agent=CHROME)
    request: Any = RequestFactory().get("/settings/")
    request.user, request.session = here.user, here.session

    text = render("{% sessions next='/settings/' %}", request)

    forms = {form.action: dict(form.fields) for form in Markup(text).forms}
    assert forms[END]["next"] == forms[END_OTHERS]["next"] == "/settings/"
    assert "csrfmiddlewaretoken" in forms[END]
    assert "(this browser)" in text


def test_tag_shows_nobody_anything(op: Op) -> None:
    signed_in(op)
    request: Any = RequestFactory().get("/")
    request.user, request.session = AnonymousUser(), Browser().session

    assert render("{% sessions %}", request).strip() == ""
    assert render("{% sessions %}", RequestFactory().get("/")).strip() == ""


def test_label_of_the_provider_is_shown_as_text(op: Op, settings: Settings) -> None:
    configure(settings, "op", label="<i>Acme</i>")

    assert "&lt;i&gt;Acme" in text_of(signed_in(op))
