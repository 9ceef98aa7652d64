"""Sessions that are confirmed by `prompt=none`: the browser goes to the provider and back (Core 3.1.2.1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.db import connections

from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.sessions import logout
from oidc_login.testing import Answer, AuthorizationAnswer
from tests.logout.notices import notify, sid_of
from tests.sessions.conftest import (
    IN_GRACE,
    OVERDUE,
    change_session,
    forget_attempts,
    grow_old,
    is_fresh,
    remove_connections_beside_django,
    the_connection,
    usernames,
)
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.markup import Markup
from tests.support.served import ALICE, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Later = Callable[[float], None]
SCRIPTS = {
    "XHR": {"x-requested-with": "XMLHttpRequest"},
    "wants JSON": {"accept": "application/json"},
    "prefers JSON": {"accept": "application/json, text/html;q=0.8"},
    "fetch": {"accept": "*/*", "sec-fetch-dest": "empty"},
}
scripts = pytest.mark.parametrize("headers", SCRIPTS.values(), ids=SCRIPTS)


def signed_in(browser: Browser, op: RecordingOpenIDProvider, *, overdue: float = IN_GRACE) -> Browser:
    browser.sign_in(op)
    grow_old(browser, overdue)
    op.clear()
    return browser


def sent_away(browser: Browser, url: str = "/page/") -> Any:
    """The redirect to the provider, as the browser gets it."""
    response = browser.get(url)
    assert response.status_code == 302, response.content
    browser.begun.append(parameters_of(response))
    return response


def parameters_of(response: Any) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def is_sent_away(response: Any) -> bool:
    return response.status_code == 302 and "prompt=none" in response["Location"]


# The way there and back.


def test_browser_is_sent_away(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    response = sent_away(browser)

    assert response["Location"].startswith(op.authorization_endpoint + "?")
    sent = parameters_of(response)
    assert sent["prompt"] == "none"
    assert sent["login_hint"] == the_connection().email
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["nonce"]) >= 43
    assert response["Cache-Control"] == "no-store"
    assert op.asked() == [], "nothing but the browser's way"


@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_same_person_is_back_at_the_page_in_the_same_session(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness, overdue: float
) -> None:
    signed_in(browser, op, overdue=overdue)
    change_session(browser, cart=["a book"])
    key, csrf, user = browser.session_key, browser.csrf_token(), browser.user
    last_login, began = user.last_login, browser.session["oidc_login"]["at"]

    response = browser.end(browser.authorize(op, sent_away(browser, "/page/?a=1&b=2")))

    assert (response.status_code, response["Location"]) == (302, "/page/?a=1&b=2")
    assert is_fresh(browser)
    assert (browser.session_key, browser.csrf_token()) == (key, csrf), "open forms can still be posted"
    assert browser.session["cart"] == ["a book"]
    assert browser.user == user
    assert browser.user.last_login == last_login, "nobody signed in"
    assert browser.session["oidc_login"]["at"] >= began
    assert usernames() == ["alice"]
    assert browser.get("/page/").content == b"alice:"
    witness.assert_no_secrets(browser, response)


def test_what_the_provider_says_by_now_is_kept(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    before = SignedInSession.objects.get()
    kept = (before.sid, before.id_token)
    op.users.change(ALICE.sub, email="moved@example.org")

    browser.end(browser.authorize(op, sent_away(browser)))

    after = SignedInSession.objects.get()
    assert after.pk == before.pk
    assert after.sid not in ("", kept[0])
    assert after.id_token not in ("", kept[1])
    assert after.session_key == before.session_key


def test_page_with_a_long_address_ends_elsewhere(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    response = browser.end(browser.authorize(op, sent_away(browser, "/page/?a=" + 2000 * "x")))

    assert response["Location"] == "/"


def test_sign_in_of_this_moment_is_not_asked_for(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    """With max_age=0 no answer without a page is possible, and providers refuse the two together."""
    configure(settings, "op", max_age=0)
    signed_in(browser, op)

    response = sent_away(browser)

    assert "max_age" not in parameters_of(response)
    browser.end(browser.authorize(op, response))
    assert is_fresh(browser)


def test_max_age_of_the_provider_is_asked_for(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    configure(settings, "op", max_age=7200)
    signed_in(browser, op)

    assert parameters_of(sent_away(browser))["max_age"] == "7200"


def test_prompt_of_the_settings_gives_way(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", prompt="login", authorization_params={"prompt": "consent"})
    signed_in(browser, op)

    assert parameters_of(sent_away(browser))["prompt"] == "none"


def test_strict_session(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    """The browser withholds the session from the redirect of the provider: the answer passes on to ourselves."""
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    signed_in(browser, op)
    browser.jar["sessionid"]["samesite"] = "Strict"

    first = browser.end(browser.authorize(op, sent_away(browser)))
    assert not is_fresh(browser)
    second = browser.get(Markup(first.content.decode()).links["Continue"])

    assert Markup(second.content.decode()).links["Continue"] == "/page/"
    assert is_fresh(browser)


def test_posted_answer(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", response_mode="form_post")
    browser = Browser(https=True)
    browser.end(browser.authorize(op, browser.begin()))
    browser.sign_in(op)
    bounced = browser.sign_in(op)
    browser.get(bounced["Location"])
    grow_old(browser)

    handed_over = browser.end(browser.authorize(op, sent_away(browser)))
    assert handed_over.status_code == 303
    response = browser.get(handed_over["Location"])

    assert response["Location"] == "/page/"
    assert is_fresh(browser)


@pytest.mark.parametrize("engine", ["cached_db", "cache", "file", "signed_cookies"])
def test_session_engines(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, tmp_path: Any, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": f"freshness-{engine}"}
    }
    signed_in(browser, op)

    response = browser.end(browser.authorize(op, sent_away(browser)))

    assert response["Location"] == "/page/"
    assert is_fresh(browser)
    assert browser.get("/page/").content == b"alice:"


# The provider does not confirm it.


def with_error(error: str) -> Callable[[AuthorizationAnswer], AuthorizationAnswer]:
    return lambda good: good.without("code").with_(error=error)


def signed_out(browser: Browser, response: Any, *, next: str = "%2Fpage%2F") -> bool:
    """Whether the person is told, on the page with all ways to sign in, and no circle has begun."""
    told = [str(message) for message in get_messages(response.wsgi_request)]
    assert told == [
        "You have been signed out because we could not confirm that you are still signed in elsewhere. "
        "Please sign in again."
    ]
    assert (response.status_code, response["Location"]) == (302, f"/oauth/?next={next}")
    assert browser.get("/page/").content == b":", "not sent away once more"
    return browser.user is None


@pytest.mark.parametrize(
    "error",
    [
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "access_denied",
        "invalid_request",
    ],
)
@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_session_ends_where_the_provider_says_no(
    op: RecordingOpenIDProvider, browser: Browser, witness: Witness, error: str, overdue: float
) -> None:
    signed_in(browser, op, overdue=overdue)
    op.bend("authorize", with_error(error))

    response = browser.end(browser.authorize(op, sent_away(browser)))

    assert signed_out(browser, response)
    assert op.asked() == []
    assert [failed.code for failed in witness.errors] == ["cancelled"]
    assert witness.errors[0].reason == error
    assert not SignedInSession.objects.exists()
    witness.assert_no_secrets(browser, response)


def test_another_person_at_the_provider_ends_the_session(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """A shared computer: whoever is signed in there by now is not let into this session, nor does it go on."""
    signed_in(browser, op)

    response = browser.end(browser.authorize(op, sent_away(browser), "bob"))

    assert signed_out(browser, response)
    assert usernames() == ["alice"]


def test_another_account_of_this_site_ends_the_session(op: RecordingOpenIDProvider, browser: Browser) -> None:
    Browser().sign_in(op, user="bob")
    signed_in(browser, op)

    response = browser.end(browser.authorize(op, sent_away(browser), "bob"))

    assert signed_out(browser, response)


def test_policy_that_says_no_by_now_ends_the_session(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    signed_in(browser, op)
    configure(settings, "op", allowed_email_domains=["elsewhere.example"])

    assert signed_out(browser, browser.end(browser.authorize(op, sent_away(browser))))


def test_identity_disconnected_meanwhile_ends_the_session(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    begun = sent_away(browser)
    remove_connections_beside_django()

    assert signed_out(browser, browser.end(browser.authorize(op, begun)))
    assert usernames() == ["alice"], "nobody signs up by it"
    assert not OAuthConnection.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_session_ended_by_the_provider_meanwhile(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """A logout that comes while the answer is under way is not undone by it."""
    signed_in(browser, op)
    answer = browser.authorize(op, sent_away(browser))

    def sign_out(good: Answer) -> Answer:
        SignedInSession.objects.all().delete()
        connections.close_all()
        return good

    op.bend("token", sign_out)
    response = browser.end(answer)

    assert signed_out(browser, response)


@pytest.mark.django_db(transaction=True)
def test_logout_that_names_the_newer_session(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """It comes before the row has got that name, and finds nothing to end yet."""
    signed_in(browser, op)
    answer = browser.authorize(op, sent_away(browser))

    def sign_out(good: Answer) -> Answer:
        newest = list(op.sessions)[-1]
        logout.remember_logout("op", op.issuer, subject="", sid=newest)
        logout.end_sessions("op", op.issuer, subject="", sid=newest)
        connections.close_all()
        return good

    op.bend("token", sign_out)
    response = browser.end(answer)

    assert signed_out(browser, response)


@pytest.mark.parametrize("named", ["session", "person"])
def test_logout_ends_a_session_that_another_identity_has_confirmed(
    op: RecordingOpenIDProvider, browser: Browser, named: str
) -> None:
    """The provider may answer with the person's other identity; from then on it is that one's session."""
    browser.sign_in(op)
    browser.connect(op, user="bob")
    grow_old(browser, IN_GRACE)
    browser.end(browser.authorize(op, sent_away(browser), "bob"))
    assert browser.get("/page/").content == b"alice:"

    sid = {"sid": sid_of(op)} if named == "session" else {}
    assert notify(op.logout_token(user="bob", **sid)).status_code == 200

    assert browser.get("/page/").content == b":"


def test_logout_of_the_identity_before_does_not_end_it(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    browser.connect(op, user="bob")
    grow_old(browser, IN_GRACE)
    browser.end(browser.authorize(op, sent_away(browser), "bob"))

    notify(op.logout_token(user="alice"))

    assert browser.get("/page/").content == b"alice:"


def test_person_who_signed_out_meanwhile_stays_so(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    answer = browser.authorize(op, sent_away(browser))
    browser.post("/oauth/logout/")

    response = browser.end(answer)

    assert response["Location"] == "/page/"
    assert browser.user is None


def test_somebody_who_signed_in_meanwhile_stays_so(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    answer = browser.authorize(op, sent_away(browser))
    another: Any = get_user_model().objects.create_user("another")
    browser.log_in(another)

    response = browser.end(answer)

    assert response["Location"] == "/page/"
    assert browser.user == another


@pytest.mark.parametrize("error", ["login_required", "server_error"])
def test_answer_about_another_session_ends_none(op: RecordingOpenIDProvider, browser: Browser, error: str) -> None:
    """What was said of the person before does not end the session of somebody who signed in meanwhile."""
    signed_in(browser, op)
    op.bend("authorize", with_error(error))
    answer = browser.authorize(op, sent_away(browser))
    another: Any = get_user_model().objects.create_user("another")
    browser.log_in(another)

    response = browser.end(answer)

    assert response["Location"] == "/page/"
    assert browser.user == another


def test_answer_counts_once(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    answer = browser.authorize(op, sent_away(browser))
    browser.end(answer)
    op.clear()

    again = browser.end(answer)

    assert again["Location"] == "/page/", "the same person, by the back button"
    assert op.asked() == []


def test_answer_in_another_browser(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    answer = browser.authorize(op, sent_away(browser))
    victim = Browser()
    victim.sign_in(op, user="bob")

    response = victim.end(answer)

    assert response.status_code == 400
    assert victim.user.get_username() == "bob"


# The provider cannot say at the moment.

FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "authorization server error": ("authorize", with_error("server_error")),
    "temporarily unavailable": ("authorize", with_error("temporarily_unavailable")),
    "token endpoint 500": ("token", lambda good: Answer(status=500)),
    "connection closed": ("token", lambda good: Answer(raw=lambda send: None)),
    "ID token that cannot be verified": ("id_token", lambda token: "not.a.token"),
    "userinfo 500": ("userinfo", lambda good: Answer(status=500)),
}
faults = pytest.mark.parametrize(("name", "fault"), FAULTS.values(), ids=FAULTS)


@faults
def test_fault_leaves_the_session_for_a_while(
    op: RecordingOpenIDProvider,
    browser: Browser,
    witness: Witness,
    settings: Settings,
    name: str,
    fault: Callable[[Any], Any],
) -> None:
    configure(settings, "op", userinfo="always")
    signed_in(browser, op)
    op.bend(name, fault)

    response = browser.end(browser.authorize(op, sent_away(browser)))

    assert (response.status_code, response["Location"]) == (302, "/page/")
    assert browser.get("/page/").content == b"alice:", "no circle"
    assert not is_fresh(browser)
    witness.assert_no_secrets(browser, response)
    forget_attempts()
    assert is_sent_away(browser.get("/page/")), "after a minute once more"


@faults
def test_fault_that_lasts(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, name: str, fault: Callable[[Any], Any]
) -> None:
    configure(settings, "op", userinfo="always")
    signed_in(browser, op, overdue=OVERDUE)
    op.bend(name, fault)

    response = browser.end(browser.authorize(op, sent_away(browser)))

    assert response.status_code in (502, 503)
    assert b"alice" not in response.content
    assert browser.user is not None, "the provider may be well again"
    op.mend()
    assert browser.end(browser.authorize(op, sent_away(browser)))["Location"] == "/page/"
    assert is_fresh(browser)


def test_provider_that_is_not_there_leaves_the_session_for_a_while(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    signed_in(browser, op)
    op.bend("discovery", lambda good: Answer(status=500))
    forget_attempts()
    configure(settings, "op", timeout=5)

    assert browser.get("/page/").content == b"alice:"
    op.clear()
    assert browser.get("/page/").content == b"alice:"
    assert op.asked() == [], "not with every request"


def test_provider_that_stays_away(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    signed_in(browser, op, overdue=OVERDUE)
    op.bend("discovery", lambda good: Answer(status=500))
    forget_attempts()
    configure(settings, "op", timeout=5)

    response = browser.get("/page/")

    assert response.status_code == 503
    assert browser.user is not None
    op.mend()
    assert is_sent_away(browser.get("/page/"))


# What cannot be sent away.


@scripts
@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_script_is_told_where_to_sign_in(
    op: RecordingOpenIDProvider, browser: Browser, headers: dict[str, str], overdue: float
) -> None:
    signed_in(browser, op, overdue=overdue)

    response = browser.get("/api/", headers=headers)

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["provider"]) == ("session_unconfirmed", "op")
    assert response["WWW-Authenticate"] == "Session"
    assert response["Cache-Control"] == "no-store"
    assert b"Continue with" in browser.get(response.json()["login_url"]).content
    assert is_sent_away(browser.get("/page/")), "the page that the script belongs to may be loaded again"


def test_script_that_posts_is_told_too(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    response = browser.post("/page/", {"note": "x"}, headers=SCRIPTS["XHR"])

    assert response.status_code == 401
    assert "note" not in browser.session


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "", "text/html"])
def test_what_pages_are_asked_for_with(op: RecordingOpenIDProvider, browser: Browser, accept: str) -> None:
    signed_in(browser, op)

    assert is_sent_away(browser.get("/page/", headers={"accept": accept}))


def test_navigation_is_one_whatever_it_accepts(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    assert is_sent_away(browser.get("/page/", headers={"accept": "*/*", "sec-fetch-dest": "document"}))


def test_form_is_posted_within_the_grace(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    assert browser.post("/page/", {"note": "a long letter"}).content == b"alice:a long letter"


def test_form_after_the_grace(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op, overdue=OVERDUE)

    response = browser.post("/page/", {"note": "late"})

    assert (response.status_code, response["Location"]) == (303, "/")
    assert "note" not in browser.session
    assert is_sent_away(browser.get("/"))


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-dest": "image"}, {"sec-purpose": "prefetch"}, {"sec-purpose": "prefetch;prerender"}],
    ids=["image", "prefetch", "prerender"],
)
@pytest.mark.parametrize("overdue", [IN_GRACE, OVERDUE])
def test_what_nobody_looks_at_is_no_page(
    op: RecordingOpenIDProvider, browser: Browser, overdue: float, headers: dict[str, str]
) -> None:
    signed_in(browser, op, overdue=overdue)

    response = browser.get("/page/", headers=headers)

    assert response.status_code == (200 if overdue == IN_GRACE else 303)
    assert is_sent_away(browser.get("/page/")), "no attempt was wasted"


# One attempt at a time.


def test_another_tab_goes_on_meanwhile(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    sent_away(browser)

    assert browser.get("/page/").content == b"alice:"
    assert browser.get("/api/", headers=SCRIPTS["XHR"]).json() == {"user": "alice"}


def test_another_tab_waits_after_the_grace(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """As when a browser opens yesterday's tabs: one of them asks, the others look again a little later."""
    signed_in(browser, op, overdue=OVERDUE)
    begun = sent_away(browser)

    waiting = browser.get("/page/?tab=2")

    seen = Markup(waiting.content.decode())
    assert waiting.status_code == 200
    assert b"alice" not in waiting.content
    assert waiting["Cache-Control"] == "no-store"
    refresh = [meta["content"] for meta in seen.all("meta") if meta.get("http-equiv") == "refresh"]
    assert refresh == ["2;url=/page/?tab=2"]
    assert seen.links["Continue"] == "/page/?tab=2"
    browser.end(browser.authorize(op, begun))
    assert browser.get("/page/?tab=2").content == b"alice:"


def test_attempt_that_never_comes_back(op: RecordingOpenIDProvider, browser: Browser, later: Later) -> None:
    signed_in(browser, op)
    sent_away(browser)
    assert browser.get("/page/").content == b"alice:"

    later(61)

    assert is_sent_away(browser.get("/page/"))


def test_other_browsers_of_the_person_are_asked_for_themselves(op: RecordingOpenIDProvider, later: Later) -> None:
    first, second = signed_in(Browser(), op), Browser()
    later(1)
    signed_in(second, op)

    sent_away(first)

    assert is_sent_away(second.get("/page/"))


def test_cache_that_fails(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    """Without it nobody knows of attempts: the session goes on for a while, and then nothing is shown."""
    signed_in(browser, op)
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.BrokenCache", "LOCATION": "broken"}}

    assert browser.get("/page/").content == b"alice:"
    grow_old(browser, OVERDUE)
    assert b"alice" not in browser.get("/page/").content


# Which requests and sessions.


@pytest.mark.parametrize("url", ["/oauth/", "/oauth/op/login/", "/oauth/logout/", "/oauth/confirm-link/"])
def test_pages_for_signing_in_and_out(op: RecordingOpenIDProvider, browser: Browser, url: str) -> None:
    signed_in(browser, op, overdue=OVERDUE)

    response = browser.get(url)

    assert not is_sent_away(response)
    assert response.status_code == (302 if "confirm" in url else 200)


def test_page_of_connections_is_like_any_other(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    assert is_sent_away(browser.get("/oauth/connections/"))


def test_connecting_after_the_grace(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op, overdue=OVERDUE)

    assert browser.begin(view="connect").status_code == 303


def test_page_of_the_site_with_the_name_of_one_of_ours(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)

    assert is_sent_away(browser.get("/shop/logout/"))


@pytest.mark.parametrize("exempt", ["page", "/page/"])
def test_urls_that_the_site_exempts(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, exempt: str
) -> None:
    settings.OIDC_EXEMPT_URLS = [exempt]
    signed_in(browser, op, overdue=OVERDUE)

    assert browser.get("/page/").content == b"alice:"
    assert is_sent_away(browser.get("/page/7/"))


@pytest.mark.parametrize("exempt", ["numbered", r"re:/page/[0-9]+/"])
def test_many_urls_that_the_site_exempts(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, exempt: str
) -> None:
    import re

    pattern = exempt.removeprefix("re:")
    settings.OIDC_EXEMPT_URLS = [re.compile(pattern) if exempt.startswith("re:") else exempt]
    signed_in(browser, op, overdue=OVERDUE)

    assert browser.get("/page/7/").content == b"alice:"
    assert is_sent_away(browser.get("/page/"))


def test_visitors_pages_can_be_cached(op: RecordingOpenIDProvider, browser: Browser) -> None:
    response = browser.get("/public/")

    assert response.content == b"for everybody"
    assert "Vary" not in response.headers


def test_password_sessions_go_on(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert browser.get("/page/").content == b"somebody:"


def test_account_that_was_deactivated(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """Django has signed its person out already: nobody is asked about."""
    signed_in(browser, op, overdue=OVERDUE)
    get_user_model().objects.update(is_active=False)

    assert browser.get("/page/").content == b":"
    assert op.asked() == []


def test_password_after_a_sign_in(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """Whoever signs in by password in an old session is not asked at the provider."""
    signed_in(browser, op, overdue=OVERDUE)
    browser.log_in(browser.user)

    assert browser.get("/page/").content == b"alice:"


def test_session_from_before_ends_when_it_is_due(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """One of mozilla-django-oidc: nobody knows which identity it belongs to."""
    signed_in(browser, op)
    session: Any = browser.session
    del session["oidc_login"]
    session["oidc_id_token_expiration"] = time.time() + 60
    session.save()
    assert browser.get("/page/").content == b"alice:"

    grow_old(browser, 1)

    assert browser.get("/page/").content == b":"
    assert browser.user is None


def test_session_from_before_of_another_backend_goes_on(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """What says the same of a time need not be ours to end."""
    browser.log_in(get_user_model().objects.create_user("somebody"))
    grow_old(browser)

    assert browser.get("/page/").content == b"somebody:"


def test_session_that_the_site_made_itself_goes_on(op: RecordingOpenIDProvider, browser: Browser) -> None:
    user = get_user_model().objects.create_user("somebody")
    browser.client.force_login(user, backend="oidc_login.backends.OIDCLoginBackend")
    browser._keep({"sessionid": browser.client.cookies["sessionid"]})

    assert browser.get("/page/").content == b"somebody:"


def test_session_without_a_time_has_to_be_confirmed(op: RecordingOpenIDProvider, browser: Browser) -> None:
    signed_in(browser, op)
    session: Any = browser.session
    del session["oidc_id_token_expiration"]
    session.save()

    assert is_sent_away(browser.get("/page/"))
