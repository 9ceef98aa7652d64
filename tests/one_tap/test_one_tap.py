"""One Tap: the ID token that the provider's script posts from a page, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from oidc_login.models import OAuthConnection
from oidc_login.testing import generate_key
from tests.one_tap.page import attributes_in, id_token, nonce_in, page, page_without_request, post_credential
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def tagged(request: HttpRequest) -> HttpResponse:
    return page(request, request.GET["tag"], csp_nonce="abc")


urlpatterns = [
    path("", page, name="home"),
    path("shop/", page),
    path("tagged/", tagged),
    path("oauth/", include("oidc_login.urls")),
    path("one-tap/", include("oidc_login.contrib.one_tap.urls")),
]


@pytest.fixture(autouse=True)
def provider(op: RecordingOpenIDProvider, settings: Settings) -> None:
    entry = {**settings.OIDC_LOGIN_PROVIDERS["op"], "class": "tests.one_tap.page.OneTapProvider"}
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry, "other": {**entry, "client_id": "client"}}


# The tag.


def test_page_tells_the_script(browser: Browser) -> None:
    response = browser.get("/shop/?week=2")
    told = attributes_in(response)
    assert (told["client_id"], told["login_uri"]) == ("client", "http://testserver/one-tap/op/")
    assert told["nonce"]
    assert "auto_select" not in told
    assert '<script src="https://op.example/script.js" async></script>' in response.content.decode()
    assert "Cookie" in response["Vary"], "the nonce is of one browser"


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ('{% one_tap "op" auto_select=True %}', 'data-auto_select="true"'),
        ('{% one_tap "op" %}', 'async nonce="abc"'),
        ('{% one_tap "nobody" %}', ""),
        ("{% one_tap %}", ""),
    ],
)
def test_tag(browser: Browser, tag: str, found: str) -> None:
    shown = browser.get("/tagged/", {"tag": tag}).content.decode()
    assert found in shown
    assert ("script" in shown) == bool(found)


def test_tag_shows_nothing_to_a_person_who_is_signed_in(browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("local"))
    assert browser.get("/").content == b"<p>A page.</p>"


def test_tag_shows_nothing_without_a_request_or_a_script(browser: Browser, settings: Settings) -> None:
    assert page_without_request('{% one_tap "op" %}') == ""
    entry = dict(settings.OIDC_LOGIN_PROVIDERS["op"])
    del entry["class"]
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}
    assert browser.get("/").content == b"<p>A page.</p>"
    assert post_credential(browser, "x").status_code == 404


# Signing in.


def test_person_is_signed_in_and_stays_on_the_page(browser: Browser, op: RecordingOpenIDProvider) -> None:
    nonce = nonce_in(browser.get("/shop/?week=2"))
    response = post_credential(browser, id_token(op, nonce=nonce))
    assert (response.status_code, response["Location"]) == (302, "/shop/?week=2")
    assert response["Cache-Control"] == "no-store"
    assert browser.user.email == ALICE.email
    assert OAuthConnection.objects.get().link_reason == "signed_up"
    assert "/token" not in op.asked()


@pytest.mark.parametrize(("next_url", "end"), [("/a/", "/a/"), ("https://evil.example/", "/"), ("/" + "x" * 600, "/")])
def test_next(browser: Browser, op: RecordingOpenIDProvider, next_url: str, end: str) -> None:
    tag = f'{{% one_tap "op" next="{next_url}" %}}'
    response = post_credential(browser, id_token(op, nonce=nonce_in(browser.get("/tagged/", {"tag": tag}))))
    assert response["Location"] == end


def test_a_login_required_site_takes_it(browser: Browser, op: RecordingOpenIDProvider, settings: Settings) -> None:
    nonce = nonce_in(browser.get("/"))
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert post_credential(browser, id_token(op, nonce=nonce))["Location"] == "/"


# What is refused.

Attack = Callable[[Browser, RecordingOpenIDProvider, str], Any]


def with_token(**claims: Any) -> Attack:
    return lambda browser, op, nonce: post_credential(browser, id_token(op, **{"nonce": nonce, **claims}))


def in_another_browser(browser: Browser, op: RecordingOpenIDProvider, nonce: str) -> Any:
    """Login CSRF: the stranger's own token and cookie, in the browser of somebody who has seen a page too."""
    stranger = Browser()
    return post_credential(browser, id_token(op, nonce=nonce_in(stranger.get("/"))))


def twice(browser: Browser, op: RecordingOpenIDProvider, nonce: str) -> Any:
    post_credential(browser, id_token(op, nonce=nonce, aud="another"))
    return post_credential(browser, id_token(op, nonce=nonce))


def signed_by_somebody_else(browser: Browser, op: RecordingOpenIDProvider, nonce: str) -> Any:
    token = op.unsigned_token({"iss": op.issuer, "sub": ALICE.sub, "aud": "client", "nonce": nonce})
    token.key = generate_key("RSA", kid="evil")
    return post_credential(browser, token.signed())


def posted(**fields: Any) -> Attack:
    return lambda browser, op, nonce: post_credential(browser, id_token(op, nonce=nonce), **fields)


ATTACKS: dict[str, tuple[Attack, int, str]] = {
    "of another client": (with_token(aud="another", azp="another"), 401, "id_token_invalid"),
    "asked for by a stranger": (with_token(azp="another"), 401, "id_token_invalid"),
    "of another issuer": (with_token(iss="https://evil.example"), 401, "id_token_invalid"),
    "expired": (with_token(exp=1), 401, "id_token_invalid"),
    "signed by somebody else": (signed_by_somebody_else, 401, "id_token_invalid"),
    "no token": (lambda browser, op, nonce: post_credential(browser, "nonsense"), 401, "id_token_invalid"),
    "without a nonce": (with_token(nonce=None), 400, "nonce_invalid"),
    "with a nonce of its own": (with_token(nonce="made up"), 400, "nonce_invalid"),
    "of another browser": (in_another_browser, 400, "nonce_invalid"),
    "a second time": (twice, 400, "nonce_invalid"),
    "for another entry": (posted(key="other"), 400, "nonce_invalid"),
    "without the cookie": (posted(cookie=""), 403, "csrf_failed"),
    "with another cookie": (posted(cookie="another"), 403, "csrf_failed"),
    "without the field": (posted(g_csrf_token=None), 400, "parameter_invalid"),
    "with the field twice": (posted(g_csrf_token=["x", "x"]), 400, "parameter_invalid"),
    "with two tokens": (lambda browser, op, nonce: post_credential(browser, ["x", "x"]), 400, "parameter_invalid"),
    "too long": (lambda browser, op, nonce: post_credential(browser, "x" * 20_000), 400, "parameter_invalid"),
}


@pytest.mark.parametrize(("attack", "status", "code"), ATTACKS.values(), ids=ATTACKS)
def test_attack(
    browser: Browser, op: RecordingOpenIDProvider, witness: Witness, attack: Attack, status: int, code: str
) -> None:
    nonce = nonce_in(browser.get("/"))
    response = attack(browser, op, nonce)
    assert (response.status_code, witness.errors[-1].code) == (status, code)
    assert not get_user_model().objects.exists()
    assert browser.user is None
    assert nonce not in response.content.decode() + witness.caplog.text


def test_nonce_expires(browser: Browser, op: RecordingOpenIDProvider, settings: Settings, witness: Witness) -> None:
    nonce = nonce_in(browser.get("/"))
    settings.OIDC_LOGIN_FLOW_LIFETIME = -1
    assert post_credential(browser, id_token(op, nonce=nonce)).status_code == 400
    assert witness.errors[-1].code == "nonce_invalid"


def test_nonce_of_a_page_is_none_of_an_app(browser: Browser, op: RecordingOpenIDProvider, witness: Witness) -> None:
    """And a sign-in with the audience of an app is none of a page."""
    from oidc_login.contrib.headless.nonces import new_nonce

    browser.get("/")
    assert post_credential(browser, id_token(op, nonce=new_nonce("op"))).status_code == 400
    assert witness.errors[-1].code == "nonce_invalid"


def test_a_get_shows_nothing(browser: Browser) -> None:
    assert browser.get("/one-tap/op/").status_code == 405
