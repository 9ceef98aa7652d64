"""An API that takes access tokens: whose, for whom, and what becomes of every other one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from oidc_login.access_tokens import judge
from oidc_login.contrib.drf import bearer_token
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, generate_key
from tests.drf.conftest import API, Call, jwt, opaque
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
Change = Callable[[Answer], Answer]


@pytest.fixture
def alice(op: RecordingOpenIDProvider) -> Any:
    """Somebody who has connected her identity at the provider before."""
    user = get_user_model().objects.create_user("alice")
    OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=ALICE.sub, link_reason="signed_up"
    )
    op.clear()
    return user


@pytest.mark.parametrize(
    ("token", "stored", "status"),
    [({}, {}, 401), ({"groups": []}, {}, 200), ({}, {"groups": ["a"]}, 200), ({"hasgroups": True}, {}, 200)],
    ids=["in neither", "in the token", "at the last sign-in", "unavailable"],
)
def test_person_without_the_claim_about_groups_is_refused_where_the_settings_say_so(
    op: RecordingOpenIDProvider,
    settings: Settings,
    alice: Any,
    call: Call,
    token: dict[str, Any],
    stored: dict[str, Any],
    status: int,
) -> None:
    configure(settings, "op", groups_claim="groups", groups_missing="refuse")
    OAuthConnection.objects.update(claims=stored)

    assert call("/whoami/", jwt(op, **token)).status_code == status


def asked(op: RecordingOpenIDProvider, path: str = "/introspect") -> int:
    return sum(request.path == path for request in op.requests)


def answering(**members: Any) -> Change:
    """Change members of the introspection answer; `None` leaves one out."""

    def change(answer: Answer) -> Answer:
        said = {**answer.json, **members}
        return Answer.of_json({name: value for name, value in said.items() if value is not None})

    return change


# Tokens that are good.


def test_jwt_is_verified_without_asking_the_provider(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    response = call("/whoami/", jwt(op))

    assert (response.status_code, response.json()) == (200, {"user": "alice"})
    assert asked(op) == 0


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_type_of_an_access_token_in_any_case(op: RecordingOpenIDProvider, alice: Any, call: Call, typ: str) -> None:
    assert call("/whoami/", jwt(op, header={"typ": typ})).status_code == 200


def test_audience_may_be_one_text(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert call("/whoami/", jwt(op, aud=API)).status_code == 200


def test_one_of_several_audiences(op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": ["https://old.example", API]}

    assert call("/whoami/", jwt(op)).status_code == 200


def test_list_of_keys_takes_tokens_for_the_client(
    op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings
) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = ["op"]

    assert call("/whoami/", jwt(op, aud="client")).status_code == 200
    assert call("/whoami/", jwt(op)).status_code == 401


def test_token_signed_with_new_keys(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert call("/whoami/", jwt(op)).status_code == 200
    op.rotate_keys()

    assert call("/whoami/", jwt(op)).status_code == 200


def test_opaque_token_is_introspected_once(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    op.bend("introspection", answering(aud=API))
    token = opaque(op)

    for _time in range(3):
        assert call("/whoami/", token).json() == {"user": "alice"}

    assert asked(op) == 1


def test_opaque_token_without_audience_must_be_of_this_client(
    op: RecordingOpenIDProvider, alice: Any, call: Call
) -> None:
    with op.bend("introspection", answering(aud=None)):
        assert call("/whoami/", opaque(op)).status_code == 200
    with op.bend("introspection", answering(aud=None, client_id="another client")):
        assert call("/whoami/", opaque(op)).status_code == 401
    with op.bend("introspection", answering(aud=None, client_id=None)):
        assert call("/whoami/", opaque(op)).status_code == 401


def test_token_without_expiry_is_asked_about_once_in_a_minute(
    op: RecordingOpenIDProvider, alice: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    op.bend("introspection", answering(aud=API, exp=None))
    token = opaque(op)

    assert [call("/whoami/", token).status_code for _time in range(2)] == [200, 200]
    assert asked(op) == 1
    shifted = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: shifted)
    assert call("/whoami/", token).status_code == 200
    assert asked(op) == 2


def test_remembered_token_ends_with_its_life(
    op: RecordingOpenIDProvider, alice: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    op.bend("introspection", answering(aud=API))
    token = opaque(op, lifetime=100)
    assert call("/whoami/", token).status_code == 200
    shifted = time.time() + 200
    monkeypatch.setattr(time, "time", lambda: shifted)

    assert call("/whoami/", token).status_code == 401


def test_remembered_token_is_judged_anew(
    op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings
) -> None:
    op.bend("introspection", answering(aud=API))
    token = opaque(op)
    assert call("/whoami/", token).status_code == 200
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": "https://other.example"}

    assert call("/whoami/", token).status_code == 401


# Tokens that open nothing.

BAD_CLAIMS = {
    "iss of another provider": {"iss": "https://evil.example"},
    "no iss": {"iss": None},
    "iss with a slash": {"iss": "slash"},
    "aud of another API": {"aud": "https://other.example"},
    "aud is part of ours": {"aud": API[:-1]},
    "no aud": {"aud": None},
    "aud an object": {"aud": {API: True}},
    "aud empty": {"aud": []},
    "aud of a list of lists": {"aud": [[API]]},
    "expired": {"exp": 1},
    "no exp": {"exp": None},
    "exp true": {"exp": True},
    "exp text": {"exp": "9999999999"},
    "not yet": {"nbf": 9_999_999_999},
    "no sub": {"sub": None},
    "sub a number": {"sub": 7},
    "sub with NUL": {"sub": "a\0b"},
    "sub of nobody here": {"sub": "stranger"},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_claims_that_open_nothing(op: RecordingOpenIDProvider, alice: Any, call: Call, claims: dict[str, Any]) -> None:
    if claims.get("iss") == "slash":
        claims = {"iss": f"{op.issuer}/"}

    response = call("/whoami/", jwt(op, **claims))

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert get_user_model().objects.count() == 1
    assert OAuthConnection.objects.count() == 1


@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": "logout+jwt"}, {"crit": ["x"]}, {"alg": "none"}, {"alg": "HS256"}, {"kid": "unknown"}],
    ids=lambda header: str(*header.items()),
)
def test_headers_that_open_nothing(op: RecordingOpenIDProvider, alice: Any, call: Call, header: dict[str, Any]) -> None:
    assert call("/whoami/", jwt(op, header=header)).status_code == 401


def test_id_token_is_no_access_token(op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings) -> None:
    """Its audience is the client's, its issuer and signature are good: the type alone tells."""
    settings.OIDC_LOGIN_BEARER_PROVIDERS = ["op"]
    now = int(time.time())
    claims = {"iss": op.issuer, "sub": ALICE.sub, "aud": "client", "iat": now, "exp": now + 300}

    assert call("/whoami/", op.unsigned_token(claims).signed()).status_code == 401


def test_signature_of_a_stranger(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    now = int(time.time())
    token = op.unsigned_token({"iss": op.issuer, "sub": ALICE.sub, "aud": API, "iat": now, "exp": now + 300})
    token.header |= {"typ": "at+jwt"}
    token.key = generate_key("RSA")

    assert call("/whoami/", token.signed()).status_code == 401


def test_key_that_signs_for_another_issuer(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    def bound(answer: Answer) -> Answer:
        return Answer.of_json({"keys": [{**key, "issuer": "https://other.example"} for key in answer.json["keys"]]})

    op.bend("jwks", bound)

    assert call("/whoami/", jwt(op)).status_code == 401


def test_mac_is_never_taken_even_where_id_tokens_may_have_one(
    op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings
) -> None:
    configure(settings, "op", id_token_signing_algs=["HS256", "RS256"])
    op.signing_alg = "HS256"

    assert call("/whoami/", jwt(op)).status_code == 401


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "not active": {"active": False},
    "active is text": {"active": "true"},
    "active is missing": {"active": None},
    "aud of another API": {"aud": "https://other.example"},
    "iss of another provider": {"iss": "https://evil.example"},
    "expired": {"exp": 1},
    "exp true": {"exp": True},
    "a refresh token": {"token_type": "refresh_token"},
    "no token type": {"token_type": None},
    "token type empty": {"token_type": ""},
    "token type a number": {"token_type": 1},
    "token type of a proof": {"token_type": "DPoP"},
    "a refresh token, Hydra says so": {"token_use": "refresh_token"},
    "a refresh token, Keycloak says so": {"token_type": None, "typ": "Refresh"},
    "an ID token, Keycloak says so": {"typ": "ID"},
    "a token of the client for itself": {"client_id": ALICE.sub},
    "no sub": {"sub": None},
    "sub a list": {"sub": ["x"]},
    "sub of nobody here": {"sub": "stranger"},
}


@pytest.mark.parametrize("members", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_introspection_that_opens_nothing(
    op: RecordingOpenIDProvider, alice: Any, call: Call, members: dict[str, Any]
) -> None:
    op.bend("introspection", answering(**{"aud": API, **members}))

    response = call("/whoami/", opaque(op))

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"token_type": "bearer"},
        {"token_type": None, "token_use": "access_token"},
        {"token_type": None, "typ": "Bearer"},
    ],
    ids=str,
)
def test_introspection_says_that_it_is_an_access_token(
    op: RecordingOpenIDProvider, alice: Any, call: Call, members: dict[str, Any]
) -> None:
    op.bend("introspection", answering(**{"aud": API, **members}))

    assert call("/whoami/", opaque(op)).status_code == 200


def test_refresh_token_is_no_access_token(op: RecordingOpenIDProvider, call: Call, settings: Settings) -> None:
    """The provider says of it what it says of an access token, but for the type."""
    settings.OIDC_LOGIN_BEARER_PROVIDERS = ["op"]
    op.always_refresh_token = True
    Browser().sign_in(op)
    connection = OAuthConnection.objects.get()

    assert call("/whoami/", connection.access_token).status_code == 200
    assert call("/whoami/", connection.refresh_token).status_code == 401


OF_A_CLIENT = {
    "named as the person": {"client_id": ALICE.sub},
    "named as the person in azp": {"azp": ALICE.sub},
    "Okta": {"cid": ALICE.sub},
    "Entra": {"appid": ALICE.sub},
    "Entra says so": {"idtyp": "app"},
    "Auth0 says so": {"gty": "client-credentials"},
}


@pytest.mark.parametrize("claims", OF_A_CLIENT.values(), ids=OF_A_CLIENT.keys())
def test_client_that_acts_for_itself_is_no_person(
    op: RecordingOpenIDProvider, alice: Any, call: Call, claims: dict[str, Any]
) -> None:
    """RFC 9068 5: whoever registers a client could give it the name of a person's subject."""
    assert call("/whoami/", jwt(op, **claims)).status_code == 401


def test_client_that_acts_for_a_person(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    claims: dict[str, Any] = {
        "azp": "another client",
        "cid": "another client",
        "gty": ["refresh_token"],
        "idtyp": "user",
    }

    assert call("/whoami/", jwt(op, **claims)).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=200, headers={"Content-Type": "text/html"}, body=b"<html>"),
        Answer.of_json([]),
        Answer.of_json({"active": True}, status=400),
        Answer(status=302, headers={"Location": "http://localhost/"}, body=b""),
    ],
    ids=["html", "list", "400", "redirect"],
)
def test_introspection_that_says_nothing(op: RecordingOpenIDProvider, alice: Any, call: Call, answer: Answer) -> None:
    op.bend("introspection", lambda good: answer)

    assert call("/whoami/", opaque(op)).status_code == 401


def test_nobody_can_tell_now(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    op.bend("introspection", lambda good: Answer(status=503, headers={"Retry-After": "7"}, body=b""))

    response = call("/whoami/", opaque(op))

    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")


def test_unknown_token_is_asked_about_once(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert [call("/whoami/", "made-up").status_code for _time in range(5)] == [401] * 5

    assert asked(op) == 1


def test_unknown_token_may_be_known_later(
    op: RecordingOpenIDProvider, alice: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The servers of a provider may take a moment to tell each other."""
    token = opaque(op)
    with op.bend("introspection", lambda good: Answer.of_json({"active": False})):
        assert call("/whoami/", token).status_code == 401
    op.bend("introspection", answering(aud=API))
    later = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: later)

    assert call("/whoami/", token).status_code == 200


def test_flood_of_unknown_tokens_asks_the_provider_a_bounded_number_of_times(
    op: RecordingOpenIDProvider, alice: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    op.bend("introspection", answering(aud=API))
    known = opaque(op)
    assert call("/whoami/", known).status_code == 200
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)

    statuses = [call("/whoami/", f"made-up-{number}").status_code for number in range(150)]

    assert statuses == [401] * 100 + [503] * 50
    assert asked(op) == 101
    assert call("/whoami/", known).status_code == 200
    monkeypatch.setattr(time, "monotonic", lambda: now + 1)
    assert call("/whoami/", opaque(op)).status_code == 200


def test_flood_of_unknown_tokens_leaves_the_cache_alone(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    """What is kept there is what others need: documents, and which states were used."""
    call("/whoami/", "made-up")
    kept = set(cache._cache)  # type: ignore[attr-defined]  # of LocMemCache

    for number in range(20):
        call("/whoami/", f"made-up-{number}")

    assert set(cache._cache) == kept  # type: ignore[attr-defined]


def test_provider_without_introspection_takes_jwts_alone(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    def without(answer: Answer) -> Answer:
        return Answer.of_json({k: v for k, v in answer.json.items() if k != "introspection_endpoint"})

    op.bend("discovery", without)

    assert call("/whoami/", jwt(op)).status_code == 200
    assert call("/whoami/", opaque(op)).status_code == 401


def test_provider_that_may_not_issue(op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = []

    assert call("/whoami/", jwt(op)).status_code == 401
    assert call("/whoami/", opaque(op)).status_code == 401
    assert asked(op) == 0


def test_provider_that_is_gone_or_speaks_no_openid_connect(
    op: RecordingOpenIDProvider, alice: Any, call: Call, settings: Settings
) -> None:
    configure(settings, "github", **{"class": "oidc_login.providers.GitHubProvider", "client_id": "x"})
    for key in ("gone", "github"):
        settings.OIDC_LOGIN_BEARER_PROVIDERS = {key: API}

        assert call("/whoami/", opaque(op)).status_code == 401


def test_inactive_user(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    alice.is_active = False
    alice.save()

    assert call("/whoami/", jwt(op)).status_code == 401


def test_refusal_is_one_record_of_what_was_wrong(
    op: RecordingOpenIDProvider, alice: Any, call: Call, witness: Witness
) -> None:
    call("/whoami/", jwt(op, aud="https://other.example"))

    (record,) = [record for record in witness.caplog.records if record.name == "oidc_login"]
    assert (record.levelno, record.getMessage()) == (
        logging.INFO,
        "access token refused: access_token_invalid (aud)",
    )


# The header.


def test_without_a_token_no_error_is_named(op: RecordingOpenIDProvider, call: Call) -> None:
    response = call("/whoami/")

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize("header", ["Basic eDp5", "bearerx abc", ""])
def test_another_scheme_is_not_ours(op: RecordingOpenIDProvider, call: Call, header: str) -> None:
    assert call("/whoami/", header=header).headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "bearer ü", "Bearer " + "a" * 70_000, "Bearer a\x0bb"],
    ids=["none", "empty", "two", "comma", "umlaut", "long", "control"],
)
def test_malformed_header_is_a_bad_request(op: RecordingOpenIDProvider, call: Call, header: str) -> None:
    response = call("/whoami/", header=header)

    assert response.status_code == 400
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_request"'
    assert op.requests == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_in_any_case(op: RecordingOpenIDProvider, alice: Any, call: Call, scheme: str) -> None:
    assert call("/whoami/", header=f"{scheme} {jwt(op)}").status_code == 200


def test_token_is_read_from_the_header_alone(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert call(f"/whoami/?access_token={jwt(op)}").status_code == 401


# Scopes.


def test_scope_that_was_granted(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    assert call("/orders/", jwt(op)).status_code == 200
    assert call("/orders/", jwt(op, scope=["orders.read"])).status_code == 200


@pytest.mark.parametrize("scope", ["openid", "", None, "orders.readx", 7, ["x"], {"orders.read": 1}])
def test_scope_that_was_not_granted(op: RecordingOpenIDProvider, alice: Any, call: Call, scope: Any) -> None:
    response = call("/orders/", jwt(op, scope=scope))

    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", error="insufficient_scope", scope="orders.read"'


def test_session_has_no_scopes(op: RecordingOpenIDProvider, alice: Any, call: Call, client: Any) -> None:
    client.force_login(alice)

    assert client.get("/either/").status_code == 403
    assert call("/either/", jwt(op)).status_code == 200


# What is left behind.


def test_token_leaves_no_session_and_changes_no_row(op: RecordingOpenIDProvider, alice: Any, call: Call) -> None:
    before = OAuthConnection.objects.values().get()

    response = call("/whoami/", jwt(op))

    assert not response.cookies
    assert OAuthConnection.objects.values().get() == before


def test_person_who_signed_in_can_call_with_the_very_token(
    op: RecordingOpenIDProvider, call: Call, settings: Settings
) -> None:
    """A sign-in, and then an API call of the same client with the token that it brought."""
    settings.OIDC_LOGIN_BEARER_PROVIDERS = ["op"]
    browser = Browser()
    browser.sign_in(op)
    connection = OAuthConnection.objects.get()

    response = call("/whoami/", connection.access_token)

    assert response.json() == {"user": connection.user.get_username()}


def test_representation_shows_nobody(op: RecordingOpenIDProvider, alice: Any) -> None:
    assert ALICE.sub not in repr(judge(jwt(op))[0])


def test_bearer_token_needs_a_header(rf: Any) -> None:
    assert bearer_token(rf.get("/")) is None
