"""Signing out at the site, then at the provider, and coming back (RP-Initiated Logout 1.0)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.template import RequestContext, Template
from django.test import RequestFactory

from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.providers import OIDCProvider
from oidc_login.testing import Answer, GitHubStyleProvider
from tests.hostile.forging import encrypted, private_jwk
from tests.hostile.rows import source
from tests.support.browser import Browser
from tests.support.databases import failing
from tests.support.invariant import Witness
from tests.support.markup import Markup
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

URL, DONE = "/oauth/logout/", "/oauth/logout/done/"
ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]

Later = Callable[[float], None]


def parameters_of(response: Any) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def come_back(browser: Browser, url: str) -> Any:
    target = urlsplit(url)
    return browser.get(f"{target.path}?{target.query}", cross_site=True)


def logout_cookies(browser: Browser) -> list[str]:
    return [name for name in browser.jar if "oidc_login_logout" in name]


# The local session.


def test_session_ends_here_and_the_person_goes_on_to_the_provider(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness
) -> None:
    browser.sign_in(op)
    sent = parameters_of(response := browser.post(URL))

    assert response.status_code == 302
    assert response["Location"].startswith(op.metadata()["end_session_endpoint"] + "?")
    assert browser.user is None
    assert "no-store" in response["Cache-Control"]
    assert (sent["client_id"], sent["post_logout_redirect_uri"]) == ("client", f"http://testserver{DONE}")
    assert len(sent["state"]) >= 43
    assert sent["id_token_hint"] in [answer["id_token"] for answer in op.answered]
    assert "id_token_hint" not in witness.caplog.text and sent["id_token_hint"] not in witness.caplog.text


@source("oidcc-client-test-rp-init-logout")
def test_whole_way_ends_both_sessions(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "/bye/"
    browser.sign_in(op)
    assert len(op.sessions) == 1

    response = come_back(browser, op.end_session(browser.post(URL)["Location"]))

    assert (response.status_code, response["Location"]) == (302, "/bye/")
    assert (browser.user, dict(op.sessions)) == (None, {})
    assert logout_cookies(browser) == []
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("engine", ENGINES)
def test_hint_is_kept_with_every_session_engine_and_not_in_it(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    browser.sign_in(op)
    held = repr(dict(browser.session.items()))

    sent = parameters_of(browser.post(URL))

    assert browser.user is None
    hint = sent["id_token_hint"]
    assert op.end_session(f"{op.metadata()['end_session_endpoint']}?id_token_hint={hint}")
    assert hint not in held
    assert len(held) < 1000


def test_hint_is_encrypted_at_rest(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    (stored,) = SignedInSession.objects.values_list("id_token", "session_key")

    assert all(value.startswith("oidc_login.1.") for value in stored)
    row = SignedInSession.objects.get()
    assert (row.id_token, row.session_key) == (op.answered[-1]["id_token"], browser.session_key)


def test_post_without_csrf_token_ends_nothing(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    assert browser.request("POST", URL).status_code == 403
    assert browser.user is not None


def test_get_shows_a_button_and_ends_nothing(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    response = browser.get(URL, {"next": "/bye/"}, cross_site=True)

    (form,) = Markup(response.content.decode()).forms
    assert (form.action, dict(form.fields)["next"]) == (URL, "/bye/")
    assert "csrfmiddlewaretoken" in dict(form.fields)
    assert browser.user is not None


def test_who_signed_in_with_a_password_stays_here(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))

    response = browser.post(URL)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert browser.user is None


def test_password_after_a_provider_in_one_session_stays_here(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """The session is no longer the provider's."""
    browser.sign_in(op)
    browser.log_in(browser.user)

    assert browser.post(URL)["Location"] == "/"
    assert not SignedInSession.objects.exists()


def test_nobody_signs_out(browser: Browser, op: RecordingOpenIDProvider) -> None:
    response = browser.post(URL)

    assert (response.status_code, response["Location"]) == (302, "/")


def test_provider_without_openid_connect_is_not_asked(github: GitHubStyleProvider, browser: Browser) -> None:
    browser.sign_in(github, "github")

    assert browser.post(URL)["Location"] == "/"
    assert browser.user is None
    assert SignedInSession.objects.count() == 0


def test_provider_without_the_endpoint_is_not_asked(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    configure(settings, "op", metadata={"end_session_endpoint": None})
    browser.sign_in(op)
    assert SignedInSession.objects.get().id_token == ""

    assert browser.post(URL)["Location"] == "/"
    assert browser.user is None


# What must not keep a session alive.


@pytest.mark.parametrize("status", [500, 404])
def test_provider_that_is_down_keeps_no_session_alive(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    browser.sign_in(op)
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**settings.OIDC_LOGIN_PROVIDERS["op"], "label": "as in a new process"}}
    _forget_documents(settings)
    op.bend("discovery", lambda answer: Answer.of_json({}, status=status))

    response = browser.post(URL)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert browser.user is None
    assert "RP-initiated logout skipped" in caplog.text


def test_slow_provider_holds_nobody_up(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oidc_login.views import logout

    monkeypatch.setattr(logout, "TIME_FOR_METADATA", 0.2)
    browser.sign_in(op)
    _forget_documents(settings)
    op.bend("discovery", lambda answer: Answer(delay=2, json=answer.json))

    begun = time.monotonic()
    assert browser.post(URL)["Location"] == "/"
    assert time.monotonic() - begun < 1
    assert browser.user is None


def test_provider_that_is_gone_keeps_no_session_alive(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    browser.sign_in(op)
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert browser.post(URL)["Location"] == "/"
    assert browser.user is None


def test_hint_that_cannot_be_read_any_more_is_left_out(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    browser.sign_in(op)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["a new secret, and the old one is lost " * 2]

    sent = parameters_of(browser.post(URL))

    assert "id_token_hint" not in sent
    assert sent["client_id"] == "client"
    assert browser.user is None


@pytest.mark.django_db(transaction=True)
def test_database_that_fails_keeps_no_cookie_session_alive(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser.sign_in(op)
    with failing("oidc_login_signedinsession"):
        sent = parameters_of(browser.post(URL))

    assert sent["client_id"] == "client" and "id_token_hint" not in sent
    assert browser.user is None


class BrokenFarewell(OIDCProvider):
    def get_end_session_url(self, **kwargs: Any) -> str:
        raise KeyError("logout_uri")


def test_class_of_a_site_that_fails_keeps_no_session_alive(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    configure(settings, "op", **{"class": BrokenFarewell})
    browser.sign_in(op)

    assert browser.post(URL)["Location"] == "/"
    assert browser.user is None


def _forget_documents(settings: Settings) -> None:
    """Be a process that has only just started, with an empty cache."""
    from django.core.cache import cache

    cache.clear()
    configure(settings, "op", label=f"at {time.monotonic()}")


# The hint.


def test_hint_that_is_too_long_for_a_url_is_left_out(op: RecordingOpenIDProvider, browser: Browser) -> None:
    op.claims_in_id_token = True
    op.users.change("alice", claims={"given_name": "A" * 2048})
    browser.sign_in(op)

    sent = parameters_of(browser.post(URL))

    assert "id_token_hint" not in sent
    assert sent["client_id"] == "client"


def test_hint_is_decrypted(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    """The provider takes the signed token alone (RP-Initiated Logout 2)."""
    configure(settings, "op", client_key=private_jwk())
    op.bend("id_token", lambda token: encrypted(token.signed()))
    browser.sign_in(op)

    hint = parameters_of(browser.post(URL))["id_token_hint"]

    assert hint.count(".") == 2
    assert op.end_session(f"{op.metadata()['end_session_endpoint']}?id_token_hint={hint}")


def test_site_that_keeps_no_tokens_keeps_no_hint(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    configure(settings, "op", store_tokens=False)
    browser.sign_in(op)

    assert SignedInSession.objects.get().id_token == ""
    assert "id_token_hint" not in parameters_of(browser.post(URL))


def test_query_of_the_endpoint_is_kept(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", metadata={"end_session_endpoint": op.url("/end_session?tenant=x")})
    browser.sign_in(op)

    assert parameters_of(browser.post(URL))["tenant"] == "x"


# The way back.


def test_request_chooses_nothing_of_what_the_provider_is_told(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    chosen = {"post_logout_redirect_uri": "https://evil.example", "state": "s", "client_id": "x", "id_token_hint": "y"}

    sent = parameters_of(browser.post(f"{URL}?state=s", chosen))

    assert not set(sent.values()) & set(chosen.values())


def test_base_url_is_where_the_provider_returns_to(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.OIDC_LOGIN_BASE_URL = "https://your.site"
    browser = Browser(https=True)
    browser.sign_in(op)

    assert parameters_of(browser.post(URL))["post_logout_redirect_uri"] == f"https://your.site{DONE}"


def test_next_is_where_the_person_ends_up(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    response = browser.post(URL, {"next": "/bye/?a=1"})

    assert come_back(browser, op.end_session(response["Location"]))["Location"] == "/bye/?a=1"


def test_next_counts_without_a_provider_too(op: RecordingOpenIDProvider, browser: Browser) -> None:
    assert browser.post(URL, {"next": "/bye/"})["Location"] == "/bye/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_next_that_leads_elsewhere_is_dropped(op: RecordingOpenIDProvider, browser: Browser, elsewhere: str) -> None:
    assert browser.post(URL, {"next": elsewhere})["Location"] == "/"
    browser.sign_in(op)
    response = browser.post(URL, {"next": elsewhere})
    assert come_back(browser, op.end_session(response["Location"]))["Location"] == "/"


def test_next_is_judged_by_the_host_of_the_return(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    location = browser.post(URL, {"next": "http://testserver/bye/"})["Location"]
    browser.host = "localhost"

    assert come_back(browser, op.end_session(location))["Location"] == "/"


def test_logout_redirect_url_may_be_a_name(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "oidc_login:providers"

    assert browser.post(URL)["Location"] == "/oauth/"


def test_without_logout_redirect_url_it_is_the_root(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.LOGOUT_REDIRECT_URL = None

    assert browser.post(URL)["Location"] == "/"


RETURNS = [
    pytest.param(lambda url: url + "_INVALID", id="another state"),
    pytest.param(lambda url: url.partition("?")[0], id="no state"),
    pytest.param(lambda url: url + "&state=second", id="two states"),
    pytest.param(lambda url: url.partition("?")[0] + "?state=%ff%00", id="bytes"),
]


@source("oidcc-client-test-rp-init-logout-other-state oidcc-client-test-rp-init-logout-no-state")
@pytest.mark.parametrize("change", RETURNS)
def test_return_with_another_state_is_not_believed(
    op: RecordingOpenIDProvider, browser: Browser, change: Callable[[str], str]
) -> None:
    browser.sign_in(op)
    url = op.end_session(browser.post(URL, {"next": "/bye/"})["Location"])
    browser.sign_in(op)

    response = come_back(browser, change(url))

    assert (response.status_code, response["Location"]) == (302, "/")
    assert browser.user is not None


def test_return_in_another_browser_is_not_believed(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    url = op.end_session(browser.post(URL, {"next": "/bye/"})["Location"])

    assert come_back(Browser(), url)["Location"] == "/"


def test_return_works_once(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    url = op.end_session(browser.post(URL, {"next": "/bye/"})["Location"])

    assert [come_back(browser, url)["Location"] for _ in range(2)] == ["/bye/", "/"]


def test_return_is_not_expected_for_ever(op: RecordingOpenIDProvider, browser: Browser, later: Later) -> None:
    browser.sign_in(op)
    url = op.end_session(browser.post(URL, {"next": "/bye/"})["Location"])

    later(601)

    assert come_back(browser, url)["Location"] == "/"


def test_cookie_of_another_kind_is_not_believed(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    url = op.end_session(browser.post(URL, {"next": "/bye/"})["Location"])
    browser.begin()
    (flow_cookie,) = browser.flow_cookies.values()
    (name,) = logout_cookies(browser)
    browser.jar[name].set(name, flow_cookie, flow_cookie)

    assert come_back(browser, url)["Location"] == "/"


def test_return_signs_nobody_out_who_has_signed_in_again(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    url = op.end_session(browser.post(URL)["Location"])
    browser.sign_in(op)
    key = browser.session_key

    come_back(browser, url)

    assert (browser.user.username, browser.session_key) == ("alice", key)


def test_cookie_is_sealed_and_bound_to_the_host_on_https(op: RecordingOpenIDProvider, settings: Settings) -> None:
    browser = Browser(https=True)
    browser.sign_in(op)
    response = browser.post(URL, {"next": "/bye/"})

    (name,) = logout_cookies(browser)
    cookie = browser.jar[name]
    assert name == "__Host-oidc_login_logout"
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert (cookie["domain"], cookie["max-age"]) == ("", 600)
    assert parameters_of(response)["state"] not in cookie.value
    assert come_back(browser, op.end_session(response["Location"]))["Location"] == "/bye/"
    assert logout_cookies(browser) == []


# For a site's own page.


def test_button_for_a_sites_own_page(op: RecordingOpenIDProvider) -> None:
    request = RequestFactory().get("/")
    text = Template("{% load oidc_login %}{% logout_button next='/bye/' %}").render(RequestContext(request, {}))

    (form,) = Markup(text).forms
    assert (form.action, dict(form.fields)["next"]) == (URL, "/bye/")
    assert "csrfmiddlewaretoken" in dict(form.fields)


def test_button_drops_a_next_that_leads_elsewhere(op: RecordingOpenIDProvider) -> None:
    request = RequestFactory().get("/")
    source = "{% load oidc_login %}{% logout_button next='https://evil.example/' %}"

    assert "evil.example" not in Template(source).render(RequestContext(request, {}))


def test_sites_own_logout_leaves_no_row(op: RecordingOpenIDProvider, browser: Browser) -> None:
    from django.contrib.auth import logout

    browser.sign_in(op)
    request = RequestFactory().post("/")
    request.session = browser.session

    logout(request)

    assert OAuthConnection.objects.exists()
    assert not SignedInSession.objects.exists()


def test_levels_of_what_is_logged(
    op: RecordingOpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    come_back(browser, f"http://testserver{DONE}?state=x")

    assert [record.levelno for record in caplog.records if "logout" in record.getMessage()] == [logging.INFO]
