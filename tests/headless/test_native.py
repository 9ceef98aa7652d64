"""Native sign-in: the ID token of a phone's SDK for a session or an app token, and what is refused."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.providers import OIDCProvider
from oidc_login.testing import Answer, generate_key
from oidc_login.testing.grants import Grant
from tests.headless.conformance import check_answer
from tests.headless.frontend import API, FrontEnd, problem
from tests.support.invariant import CANARY, Witness
from tests.support.served import ALICE, BOB, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Made = Callable[[RecordingOpenIDProvider, str], str]

APP = "com.example.app"
OTHER_APP = "com.example.watch"


@pytest.fixture
def phone(site: Settings, client: Client, witness: Witness) -> Client:
    """An app on a phone, which has no cookies and gets an app token."""
    site.OIDC_LOGIN_APP_SESSIONS = True
    site.OIDC_LOGIN_PROVIDERS = {"op": {**site.OIDC_LOGIN_PROVIDERS["op"], "native_client_ids": [APP, OTHER_APP]}}
    return client


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    response = client.post(API + path, body or {}, content_type="application/json", headers=headers)
    assert not response.cookies, "an app token needs no cookie"
    check_answer("POST", API + path, response)
    return response


def nonce_of(client: Client, key: str = "op") -> str:
    return str(post(client, f"{key}/nonce/").json()["nonce"])


def id_token(
    op: RecordingOpenIDProvider, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """An ID token as the SDK of an app gets it; `None` leaves a claim out."""
    now = int(time.time())
    good = {
        "iss": op.issuer,
        "sub": ALICE.sub,
        "aud": APP,
        "iat": now,
        "exp": now + 600,
        "email": ALICE.email,
        "email_verified": True,
    }
    token = op.unsigned_token({name: value for name, value in {**good, **claims}.items() if value is not None})
    token.header = {**token.header, **(header or {})}
    if key is not None:
        token.key = key
    return str(token.signed())


def sign_in(client: Client, op: RecordingOpenIDProvider, **claims: Any) -> Any:
    nonce = nonce_of(client)
    return post(client, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce, **claims)})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# What is accepted.


def test_an_app_gets_an_app_token(phone: Client, op: RecordingOpenIDProvider) -> None:
    answer = sign_in(phone, op).json()
    user = get_user_model().objects.get()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] > 0
    assert answer["user"]["id"] == str(user.pk)
    connection = OAuthConnection.objects.get()
    assert (connection.link_reason, connection.provider_user_id) == ("native", ALICE.sub)
    session = phone.get(f"{API}session/", headers=bearer(answer["app_token"]))
    assert session.status_code == 200
    assert session.json()["user"]["id"] == str(user.pk)
    assert not session.cookies


def test_a_front_end_gets_a_session_with_its_csrf_token(
    phone: Client, frontend: FrontEnd, op: RecordingOpenIDProvider
) -> None:
    nonce = frontend.post("op/nonce/").json()["nonce"]
    body = {"nonce": nonce, "id_token": id_token(op, nonce=nonce), "result": "session"}
    assert problem(frontend.post("op/token/", body, token="")) == (403, "csrf_failed")
    assert frontend.post("op/token/", body).json()["provider"] == "op"
    assert frontend.get("session/").status_code == 200


def test_the_same_person_has_one_account_on_the_web_and_in_the_app(
    phone: Client, frontend: FrontEnd, op: RecordingOpenIDProvider
) -> None:
    frontend.sign_in(op)
    assert sign_in(phone, op).status_code == 200
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1


def test_the_nonce_may_be_hashed(phone: Client, op: RecordingOpenIDProvider) -> None:
    """As apps do with Apple."""
    nonce = nonce_of(phone)
    hashed = hashlib.sha256(nonce.encode()).hexdigest()
    response = post(phone, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=hashed)})
    assert response.status_code == 200


def test_one_app_may_ask_for_another(phone: Client, op: RecordingOpenIDProvider) -> None:
    assert sign_in(phone, op, aud=APP, azp=OTHER_APP).status_code == 200


def test_a_token_that_comes_alone_may_name_its_access_token(phone: Client, op: RecordingOpenIDProvider) -> None:
    assert sign_in(phone, op, at_hash="of an access token that stays in the app").status_code == 200


def test_an_access_token_that_comes_along_must_be_the_one(phone: Client, op: RecordingOpenIDProvider) -> None:
    nonce = nonce_of(phone)
    body = {"nonce": nonce, "id_token": id_token(op, nonce=nonce, at_hash="of another"), "access_token": "this one"}
    assert problem(post(phone, "op/token/", body)) == (401, "id_token_invalid")


def test_the_name_of_the_first_consent_is_kept(phone: Client, op: RecordingOpenIDProvider) -> None:
    nonce = nonce_of(phone)
    name = {"given_name": "Ada", "family_name": "Byron", "email": "victim@example.org"}
    post(phone, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce), "name": name})
    claims = OAuthConnection.objects.get().claims
    assert (claims["given_name"], claims["family_name"], claims["email"]) == ("Ada", "Byron", ALICE.email)


def test_a_verified_address_is_linked(phone: Client, op: RecordingOpenIDProvider) -> None:
    user = get_user_model().objects.create_user("local", email=ALICE.email)
    assert sign_in(phone, op).json()["user"]["id"] == str(user.pk)
    assert OAuthConnection.objects.get().link_reason == "native"


def code_of(op: RecordingOpenIDProvider, user: str = ALICE.sub, **grant: Any) -> str:
    """A code that an SDK gives for the site's own client, without a redirect."""
    grant = {"redirect_uri": "", "scope": "openid email", **grant}
    return str(op.grants.issue_code(Grant(sub=user, **grant), lifetime=60))


def sign_in_with_code(client: Client, op: RecordingOpenIDProvider, code: str) -> Any:
    nonce = nonce_of(client)
    return post(client, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce), "code": code})


def test_the_code_of_an_app_is_exchanged_for_its_tokens(phone: Client, op: RecordingOpenIDProvider) -> None:
    op.always_refresh_token = True
    assert sign_in_with_code(phone, op, code_of(op)).status_code == 200
    connection = OAuthConnection.objects.get()
    assert (connection.provider_user_id, connection.link_reason) == (ALICE.sub, "native")
    connection.refresh_access_token()
    assert connection.has_scopes("email")


BAD_CODES: dict[str, tuple[Made, int, str]] = {
    "of somebody else": (lambda op, _: code_of(op, BOB.sub), 401, "id_token_invalid"),
    "of a sign-in in a browser": (lambda op, _: code_of(op, redirect_uri="https://s.example/"), 400, "code_refused"),
    "of another nonce": (lambda op, _: code_of(op, nonce="another"), 401, "id_token_invalid"),
    "made up": (lambda op, _: "made up", 400, "code_refused"),
}


@pytest.mark.parametrize(("made", "status", "code"), BAD_CODES.values(), ids=BAD_CODES)
def test_a_code_is_refused(
    phone: Client, op: RecordingOpenIDProvider, made: Made, status: int, code: str, witness: Witness
) -> None:
    response = sign_in_with_code(phone, op, made(op, ""))
    assert problem(response) == (status, code)
    assert not get_user_model().objects.exists()
    assert not SignedInSession.objects.exists()
    assert CANARY not in response.content.decode() + witness.caplog.text


def test_a_code_works_once(phone: Client, op: RecordingOpenIDProvider) -> None:
    code = code_of(op)
    assert sign_in_with_code(phone, op, code).status_code == 200
    assert problem(sign_in_with_code(phone, op, code)) == (400, "code_refused")


def test_a_code_comes_with_an_id_token(phone: Client, op: RecordingOpenIDProvider) -> None:
    op.bend("token", lambda good: Answer.of_json({k: v for k, v in good.json.items() if k != "id_token"}))
    assert problem(sign_in_with_code(phone, op, code_of(op))) == (401, "id_token_invalid")


class ToldOnce(OIDCProvider):
    """Tells the name with the first consent only, as Apple does."""

    claims_told_once = ("name", "given_name", "family_name")


def test_the_name_of_the_first_consent_lasts(phone: Client, op: RecordingOpenIDProvider, site: Settings) -> None:
    entry = {**site.OIDC_LOGIN_PROVIDERS["op"], "class": "tests.headless.test_native.ToldOnce"}
    site.OIDC_LOGIN_PROVIDERS = {"op": entry}
    for name in ({"given_name": "Ada"}, None, {"given_name": "\0"}, {"given_name": 1}, "", {"email": "x@example.org"}):
        nonce = nonce_of(phone)
        body = {"nonce": nonce, "id_token": id_token(op, nonce=nonce), "name": name}
        assert post(phone, "op/token/", body).status_code == 200
        claims = OAuthConnection.objects.get().claims
        assert (claims["given_name"], claims["email"]) == ("Ada", ALICE.email)


def test_a_provider_of_another_tenant(phone: Client, op: RecordingOpenIDProvider, site: Settings) -> None:
    """Two tenants' entries share their apps: the ID token of one tenant is none for the other."""
    entry = site.OIDC_LOGIN_PROVIDERS["op"]
    other = {**entry, "metadata": {"issuer": "https://other.example/"}, "issuer": "https://other.example/"}
    site.OIDC_LOGIN_PROVIDERS = {"op": entry, "other": {**other, "discovery_url": op.discovery_url}}
    nonce = nonce_of(phone, "other")
    response = post(phone, "other/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce)})
    assert problem(response)[1] in ("id_token_invalid", "metadata_invalid")
    assert not get_user_model().objects.exists()


# What is refused.

REFUSED: dict[str, Made] = {
    "for the web client": lambda op, nonce: id_token(op, nonce=nonce, aud="client"),
    "for another app": lambda op, nonce: id_token(op, nonce=nonce, aud="com.evil.app"),
    "for no audience": lambda op, nonce: id_token(op, nonce=nonce, aud=None),
    "for several audiences": lambda op, nonce: id_token(op, nonce=nonce, aud=[APP, "com.evil.app"]),
    "asked for by a stranger": lambda op, nonce: id_token(op, nonce=nonce, azp="com.evil.app"),
    "without a nonce": lambda op, nonce: id_token(op),
    "with another nonce": lambda op, nonce: id_token(op, nonce="another"),
    "with the upper-case hash": lambda op, nonce: id_token(
        op, nonce=hashlib.sha256(nonce.encode()).hexdigest().upper()
    ),
    "of another issuer": lambda op, nonce: id_token(op, nonce=nonce, iss="https://evil.example"),
    "expired": lambda op, nonce: id_token(op, nonce=nonce, exp=int(time.time()) - 600),
    "old": lambda op, nonce: id_token(op, nonce=nonce, iat=int(time.time()) - 3600),
    "without a subject": lambda op, nonce: id_token(op, nonce=nonce, sub=None),
    "signed by somebody else": lambda op, nonce: id_token(op, nonce=nonce, key=generate_key("RSA", kid="evil")),
    "an access token": lambda op, nonce: id_token(op, nonce=nonce, header={"typ": "at+jwt"}),
    "a logout token": lambda op, nonce: id_token(op, nonce=nonce, events={}),
    "unsigned": lambda op, nonce: id_token(op, nonce=nonce).rsplit(".", 1)[0] + ".",
    "no token": lambda op, nonce: "nonsense",
}


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED)
def test_a_token_is_refused(phone: Client, op: RecordingOpenIDProvider, witness: Witness, made: Made) -> None:
    nonce = nonce_of(phone)
    raw = made(op, nonce)
    response = post(phone, "op/token/", {"nonce": nonce, "id_token": raw})
    assert problem(response) == (401, "id_token_invalid")
    assert not get_user_model().objects.exists()
    assert not SignedInSession.objects.exists()
    seen = response.content.decode() + witness.caplog.text
    assert CANARY not in seen
    assert raw not in seen
    assert nonce not in seen


def test_a_nonce_works_once(phone: Client, op: RecordingOpenIDProvider) -> None:
    nonce = nonce_of(phone)
    body = {"nonce": nonce, "id_token": id_token(op, nonce=nonce)}
    assert post(phone, "op/token/", body).status_code == 200
    assert problem(post(phone, "op/token/", body)) == (400, "nonce_invalid")


def test_a_nonce_is_used_up_by_a_token_that_is_refused(phone: Client, op: RecordingOpenIDProvider) -> None:
    nonce = nonce_of(phone)
    post(phone, "op/token/", {"nonce": nonce, "id_token": "nonsense"})
    response = post(phone, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce)})
    assert problem(response) == (400, "nonce_invalid")


@pytest.mark.parametrize("nonce", ["made up", "ä", "x" * 80])
def test_a_nonce_is_one_of_ours(phone: Client, op: RecordingOpenIDProvider, nonce: str) -> None:
    response = post(phone, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce)})
    assert problem(response) == (400, "nonce_invalid")


def test_a_nonce_expires(phone: Client, op: RecordingOpenIDProvider, site: Settings) -> None:
    nonce = nonce_of(phone)
    site.OIDC_LOGIN_FLOW_LIFETIME = -1
    response = post(phone, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce)})
    assert problem(response) == (400, "nonce_invalid")


def test_a_nonce_is_for_one_provider(phone: Client, op: RecordingOpenIDProvider, site: Settings) -> None:
    entry = site.OIDC_LOGIN_PROVIDERS["op"]
    site.OIDC_LOGIN_PROVIDERS = {"op": entry, "other": entry}
    nonce = nonce_of(phone, "other")
    response = post(phone, "op/token/", {"nonce": nonce, "id_token": id_token(op, nonce=nonce)})
    assert problem(response) == (400, "nonce_invalid")


@pytest.mark.parametrize("path", ["op/nonce/", "op/token/"])
def test_a_provider_without_apps_takes_none(phone: Client, site: Settings, path: str) -> None:
    site.OIDC_LOGIN_PROVIDERS = {"op": {**site.OIDC_LOGIN_PROVIDERS["op"], "native_client_ids": []}}
    assert problem(post(phone, path)) == (404, "provider_unknown")


@pytest.mark.parametrize("body", [{}, {"id_token": "x"}, {"nonce": "x"}, {"nonce": 1, "id_token": "x"}])
def test_a_member_is_missing(phone: Client, body: Any) -> None:
    assert problem(post(phone, "op/token/", body)) == (400, "field_invalid")


def test_an_app_token_needs_the_setting(phone: Client, op: RecordingOpenIDProvider, site: Settings) -> None:
    site.OIDC_LOGIN_APP_SESSIONS = False
    nonce = nonce_of(phone)
    body = {"nonce": nonce, "id_token": id_token(op, nonce=nonce), "result": "app_token"}
    assert problem(post(phone, "op/token/", body)) == (400, "field_invalid")


def test_the_audience_of_an_app_counts_nowhere_else(
    phone: Client, frontend: FrontEnd, op: RecordingOpenIDProvider
) -> None:
    op.bend("id_token", lambda token: replace(token, claims={**token.claims, "aud": APP}))
    assert frontend.sign_in(op, next="https://app.example.com/")["Location"].endswith("?error=id_token_invalid")


# App tokens.


def test_an_app_token_is_rotated(phone: Client, op: RecordingOpenIDProvider) -> None:
    first = sign_in(phone, op).json()["app_token"]
    second = post(phone, "op/token/", **bearer(first)).json()["app_token"]
    assert second != first
    assert phone.get(f"{API}session/", headers=bearer(second)).status_code == 200
    assert problem(phone.get(f"{API}session/", headers=bearer(first))) == (401, "not_signed_in")
    assert problem(post(phone, "op/token/", **bearer(first))) == (401, "not_signed_in")


def test_an_app_token_is_stored_as_a_hash(phone: Client, op: RecordingOpenIDProvider) -> None:
    token = sign_in(phone, op).json()["app_token"]
    (row,) = SignedInSession.objects.values()
    assert not any(token in str(value) for value in row.values())


def test_an_app_token_is_listed_and_ended(phone: Client, frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    token = sign_in(phone, op).json()["app_token"]
    (own,) = phone.get(f"{API}sessions/", headers=bearer(token)).json()["sessions"]
    assert own["current"]
    frontend.sign_in(op)
    assert frontend.delete(f"sessions/{own['id']}/").status_code == 204
    assert problem(phone.get(f"{API}session/", headers=bearer(token))) == (401, "not_signed_in")


def test_an_app_signs_out(phone: Client, op: RecordingOpenIDProvider) -> None:
    token = sign_in(phone, op).json()["app_token"]
    assert post(phone, "logout/", **bearer(token)).json() == {"end_session_url": None}
    assert problem(phone.get(f"{API}session/", headers=bearer(token))) == (401, "not_signed_in")


def test_a_logout_at_the_provider_ends_the_app_token(phone: Client, op: RecordingOpenIDProvider) -> None:
    token = sign_in(phone, op).json()["app_token"]
    notice = urlencode({"logout_token": op.logout_token(user="alice")})
    answer = phone.post("/oauth/op/backchannel-logout/", notice, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200, answer.content
    assert problem(phone.get(f"{API}session/", headers=bearer(token))) == (401, "not_signed_in")


def test_an_app_token_expires(phone: Client, op: RecordingOpenIDProvider, site: Settings) -> None:
    site.SESSION_COOKIE_AGE = 0
    token = sign_in(phone, op).json()["app_token"]
    assert problem(phone.get(f"{API}session/", headers=bearer(token))) == (401, "not_signed_in")


def test_an_app_token_of_an_inactive_account(phone: Client, op: RecordingOpenIDProvider) -> None:
    token = sign_in(phone, op).json()["app_token"]
    get_user_model().objects.update(is_active=False)
    response = phone.get(f"{API}session/", headers=bearer(token))
    assert problem(response) == (401, "not_signed_in")
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("rule", [{"allow_login": False}, {"allowed_email_domains": ["corp.example"]}])
def test_an_app_token_is_judged_each_time(
    phone: Client, op: RecordingOpenIDProvider, site: Settings, rule: dict[str, Any]
) -> None:
    token = sign_in(phone, op).json()["app_token"]
    site.OIDC_LOGIN_PROVIDERS = {"op": {**site.OIDC_LOGIN_PROVIDERS["op"], **rule}}
    assert problem(phone.get(f"{API}session/", headers=bearer(token))) == (401, "not_signed_in")


def test_an_app_token_begins_no_flow_of_a_browser(phone: Client, op: RecordingOpenIDProvider) -> None:
    token = sign_in(phone, op).json()["app_token"]
    assert problem(post(phone, "op/connect/", **bearer(token))) == (401, "not_signed_in")


def test_an_invalid_app_token_does_not_fall_back_to_the_cookie(
    phone: Client, frontend: FrontEnd, op: RecordingOpenIDProvider
) -> None:
    frontend.sign_in(op)
    response = frontend.get("session/", Authorization="Bearer oidc_app_made_up")
    assert problem(response) == (401, "not_signed_in")
