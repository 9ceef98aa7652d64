"""The OpenID provider does what the specifications ask of one; driven with plain HTTP and PyJWT."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
from jwt.algorithms import get_default_algorithms

from oidc_login.testing import AuthorizationRefused, OpenIDProvider, User, serve
from oidc_login.testing.signing import KEY_TYPE_OF_ALG
from tests.testing.conftest import CALLBACK, CHALLENGE, PEOPLE, VERIFIER, Client, parameters_of


def verified(op: OpenIDProvider, id_token: str) -> dict[str, Any]:
    """The claims as PyJWT sees them with the published keys."""
    header = jwt.get_unverified_header(id_token)
    keys = {key["kid"]: key for key in op.jwks()["keys"]}
    key = jwt.PyJWK.from_dict({**keys[header["kid"]], "alg": header["alg"]})
    claims: dict[str, Any] = jwt.decode(id_token, key, algorithms=[header["alg"]], audience="client", issuer=op.issuer)
    return claims


# Discovery and keys


def test_discovery_document_names_its_own_endpoints(op: OpenIDProvider, client: Client) -> None:
    answer = client.get(f"{op.issuer}/.well-known/openid-configuration")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    document = answer.json()
    assert document["issuer"] == op.issuer
    assert document["authorization_response_iss_parameter_supported"] is True
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(op.issuer), name


def test_key_set_has_public_halves_only(op: OpenIDProvider, client: Client) -> None:
    answer = client.get(op.metadata()["jwks_uri"])
    keys = answer.json()["keys"]
    assert [(key["kty"], key.get("crv")) for key in keys] == [
        ("RSA", None),
        ("EC", "P-256"),
        ("EC", "P-384"),
        ("EC", "P-521"),
        ("OKP", "Ed25519"),
    ]
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert not any(private & key.keys() for key in keys)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", ["/tenant", "/", "/a/b"])
def test_issuer_may_have_a_path(path: str) -> None:
    op = OpenIDProvider(users=PEOPLE, issuer_path=path)
    with serve(op) as url:
        client = Client(op)
        assert op.issuer == url + path
        document = client.get(f"{op.issuer.rstrip('/')}/.well-known/openid-configuration").json()
        assert document["issuer"] == op.issuer
        assert verified(op, client.tokens()["id_token"])["iss"] == op.issuer


def test_rotated_key_stays_published_and_a_withdrawn_one_does_not(op: OpenIDProvider, client: Client) -> None:
    before = client.tokens()["id_token"]
    op.rotate_keys()
    assert verified(op, before)
    after = client.tokens()["id_token"]
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    op.rotate_keys(keep_old=False)
    with pytest.raises(KeyError):
        verified(op, after)


def test_two_providers_never_share_a_key() -> None:
    one, other = OpenIDProvider(), OpenIDProvider()
    assert not {key.kid for key in one.published_keys} & {key.kid for key in other.published_keys}


# The id_token


@pytest.mark.parametrize("alg", KEY_TYPE_OF_ALG)
def test_signs_with_every_advertised_algorithm(op: OpenIDProvider, client: Client, alg: str) -> None:
    op.signing_alg = alg
    tokens = client.tokens()
    claims = verified(op, tokens["id_token"])
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == alg
    digest = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}.get(alg[-3:], hashlib.sha512)
    half = digest(tokens["access_token"].encode()).digest()
    assert claims["at_hash"] == base64.urlsafe_b64encode(half[: len(half) // 2]).rstrip(b"=").decode()


def test_signs_hs256_with_the_client_secret(op: OpenIDProvider, client: Client) -> None:
    op.signing_alg, op.client_secret = "HS256", "s" * 40
    answer = client.redeem(client.code(), auth=("client", "s" * 40)).json()
    assert jwt.decode(answer["id_token"], "s" * 40, algorithms=["HS256"], audience="client")["sub"] == "alice"


def test_id_token_says_who_when_and_for_whom(op: OpenIDProvider, client: Client) -> None:
    claims = verified(op, client.tokens()["id_token"])
    assert claims["sub"] == "alice"
    assert claims["aud"] == "client"
    assert claims["nonce"] == "the nonce"
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["exp"] == claims["iat"] + 300
    assert claims["auth_time"] <= claims["iat"]
    assert claims["sid"] in op.sessions
    assert "email" not in claims


def test_id_token_carries_the_scopes_claims_when_told_to(op: OpenIDProvider, client: Client) -> None:
    op.claims_in_id_token = True
    claims = verified(op, client.tokens(scope="openid email")["id_token"])
    assert (claims["email"], claims["email_verified"]) == ("alice@example.org", True)
    assert "name" not in claims


def test_claims_parameter_asks_by_name(op: OpenIDProvider, client: Client) -> None:
    wanted = '{"id_token": {"email": null}, "userinfo": {"department": {"essential": true}}}'
    tokens = client.tokens("bob", scope="openid", claims=wanted)
    assert verified(op, tokens["id_token"])["email"] == "bob@example.org"
    userinfo = client.get(op.metadata()["userinfo_endpoint"], token=tokens["access_token"]).json()
    assert userinfo == {"sub": "bob", "department": "sales"}


def test_acr_values_are_answered(op: OpenIDProvider, client: Client) -> None:
    claims = verified(op, client.tokens(acr_values="urn:two-factor urn:one")["id_token"])
    assert claims["acr"] == "urn:two-factor"


# Authorization without a browser


def test_callback_has_code_state_and_issuer(op: OpenIDProvider, client: Client) -> None:
    callback = op.authorize(client.authorization_url(), "ash")
    assert callback.startswith(f"{CALLBACK}?code=")
    assert parameters_of(callback).keys() == {"code", "state", "iss"}
    assert parameters_of(callback)["state"] == "the state"
    assert parameters_of(callback)["iss"] == op.issuer


def test_query_of_redirect_uri_is_kept(op: OpenIDProvider, client: Client) -> None:
    callback = op.authorize(client.authorization_url(redirect_uri=f"{CALLBACK}?tenant=1"))
    assert parameters_of(callback)["tenant"] == "1"


def test_cancelling_is_access_denied(op: OpenIDProvider, client: Client) -> None:
    answer = parameters_of(op.authorize(client.authorization_url(), None))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the state", op.issuer)
    assert "code" not in answer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"client_id": "other"}, "invalid_client", id="client_id"),
        pytest.param({"redirect_uri": None}, "invalid_request", id="no redirect_uri"),
        pytest.param({"redirect_uri": "/callback"}, "invalid_request", id="relative redirect_uri"),
        pytest.param({"redirect_uri": f"{CALLBACK}#f"}, "invalid_request", id="fragment"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="response_type"),
        pytest.param({"response_mode": "fragment"}, "invalid_request", id="response_mode"),
        pytest.param({"scope": "email"}, "invalid_scope", id="no openid"),
        pytest.param({"state": None}, "invalid_request", id="no state"),
        pytest.param({"nonce": ""}, "invalid_request", id="empty nonce"),
        pytest.param({"code_challenge": None}, "invalid_request", id="no challenge"),
        pytest.param({"code_challenge": "short"}, "invalid_request", id="short challenge"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain"),
        pytest.param({"claims": "[]"}, "invalid_request", id="claims"),
    ],
)
def test_refuses_authorization_request(
    op: OpenIDProvider, client: Client, changes: dict[str, str | None], error: str
) -> None:
    with pytest.raises(AuthorizationRefused) as refused:
        op.authorize(client.authorization_url(**changes))
    assert refused.value.error == error


def test_refuses_repeated_parameter(op: OpenIDProvider, client: Client) -> None:
    with pytest.raises(AuthorizationRefused, match="state is there twice"):
        op.authorize(client.authorization_url() + "&state=x")


def test_refuses_unregistered_redirect_uri(op: OpenIDProvider, client: Client) -> None:
    op.redirect_uris = [CALLBACK]
    assert op.authorize(client.authorization_url())
    with pytest.raises(AuthorizationRefused, match="not registered"):
        op.authorize(client.authorization_url(redirect_uri=CALLBACK + "x"))


def test_unknown_person_is_named(op: OpenIDProvider, client: Client) -> None:
    with pytest.raises(LookupError, match="'carol'.*alice, bob"):
        op.authorize(client.authorization_url(), "carol")


# The token endpoint


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code": "guessed"}, "invalid_grant", id="code"),
        pytest.param({"redirect_uri": CALLBACK + "x"}, "invalid_grant", id="redirect_uri"),
        pytest.param({"redirect_uri": None}, "invalid_grant", id="no redirect_uri"),
        pytest.param({"code_verifier": "w" * 43}, "invalid_grant", id="verifier"),
        pytest.param({"code_verifier": None}, "invalid_grant", id="no verifier"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="grant_type"),
    ],
)
def test_refuses_code(op: OpenIDProvider, client: Client, changes: dict[str, str | None], error: str) -> None:
    given = {"code": client.code()} | changes
    answer = client.redeem(**given)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_code_works_once_and_its_second_use_ends_the_tokens(op: OpenIDProvider, client: Client) -> None:
    code = client.code()
    tokens = client.redeem(code).json()
    assert client.redeem(code).json() == {"error": "invalid_grant"}
    userinfo = client.get(op.metadata()["userinfo_endpoint"], token=tokens["access_token"])
    assert userinfo.status_code == 401


def test_code_expires(op: OpenIDProvider, client: Client) -> None:
    code = client.code()
    op.now = lambda: time.time() + 61
    assert client.redeem(code).json() == {"error": "invalid_grant"}


def test_verifier_without_challenge_is_refused(op: OpenIDProvider, client: Client) -> None:
    op.require_pkce = False
    code = client.code(code_challenge=None, code_challenge_method=None)
    assert client.redeem(code).json() == {"error": "invalid_grant"}


def test_get_of_the_token_endpoint_is_refused(op: OpenIDProvider, client: Client) -> None:
    assert client.get(op.token_endpoint).status_code == 405


# Client authentication


def test_basic_credentials_are_form_encoded_first() -> None:
    op = OpenIDProvider(client_id="the client:1", client_secret="a%b c+d:é", users=PEOPLE)
    with serve(op):
        client = Client(op)
        code = client.code(client_id="the client:1")
        encoded = quote_plus("the client:1"), quote_plus("a%b c+d:é")
        assert client.redeem(code, auth=encoded).status_code == 200
        assert client.redeem(code, auth=(b"the client:1", "a%b c+d:é".encode())).status_code == 401


def test_secret_in_the_body(op: OpenIDProvider, client: Client) -> None:
    given = {"client_id": "client", "client_secret": "secret"}
    assert client.redeem(client.code(), auth=None, **given).status_code == 200


def test_public_client_needs_its_id_alone(op: OpenIDProvider, client: Client) -> None:
    op.client_secret = ""
    assert op.metadata()["token_endpoint_auth_methods_supported"] == ["none"]
    assert client.redeem(client.code(), auth=None, client_id="client").status_code == 200


def assertion(op: OpenIDProvider, key: Any, alg: str, **changes: Any) -> dict[str, str]:
    claims = {"iss": "client", "sub": "client", "aud": op.issuer, "exp": time.time() + 60, "jti": "1"} | changes
    return {
        "client_id": "client",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key, algorithm=alg, headers={"kid": "k"}),
    }


def test_assertion_signed_with_the_secret(op: OpenIDProvider, client: Client) -> None:
    op.client_secret = "s" * 40
    given = assertion(op, "s" * 40, "HS256")
    assert client.redeem(client.code(), auth=None, **given).status_code == 200


def test_assertion_signed_with_a_private_key(op: OpenIDProvider, client: Client) -> None:
    key = OpenIDProvider().signing_keys["P-256"].private_key
    public = get_default_algorithms()["ES256"].to_jwk(key.public_key(), as_dict=True)
    op.client_jwks = {"keys": [{**public, "kid": "k"}]}
    op.token_endpoint_auth_method = "private_key_jwt"
    given = assertion(op, key, "ES256", aud=op.token_endpoint)
    assert client.redeem(client.code(), auth=None, **given).status_code == 200
    # The same assertion again (RFC 7523 3, rule 7).
    assert client.redeem(client.code(), auth=None, **given).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "https://other.example"}, id="aud"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"iss": "other"}, id="iss"),
        pytest.param({"sub": "other"}, id="sub"),
    ],
)
def test_refuses_assertion(op: OpenIDProvider, client: Client, changes: dict[str, Any]) -> None:
    op.client_secret = "s" * 40
    given = assertion(op, "s" * 40, "HS256", **changes)
    assert client.redeem(client.code(), auth=None, **given).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("auth", "changes"),
    [
        pytest.param(("client", "wrong"), {}, id="wrong secret"),
        pytest.param(("other", "secret"), {}, id="wrong client"),
        pytest.param(None, {"client_id": "client"}, id="no secret"),
        pytest.param(("client", "secret"), {"client_secret": "secret"}, id="two ways at once"),
        pytest.param(None, {"client_assertion": "x", "client_assertion_type": "y"}, id="unknown assertion"),
    ],
)
def test_refuses_client(op: OpenIDProvider, client: Client, auth: Any, changes: dict[str, str]) -> None:
    answer = client.redeem(client.code(), auth=auth, **changes)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == "Basic"


def test_refuses_another_method_than_the_registered_one(op: OpenIDProvider, client: Client) -> None:
    op.token_endpoint_auth_method = "client_secret_post"
    assert client.redeem(client.code()).status_code == 401


# Userinfo


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", {"sub"}),
        ("openid email", {"sub", "email", "email_verified"}),
        ("openid profile", {"sub", "department"}),
        ("openid phone", {"sub", "phone_number"}),
    ],
)
def test_userinfo_follows_the_scope(op: OpenIDProvider, client: Client, scope: str, names: set[str]) -> None:
    tokens = client.tokens("bob", scope=scope)
    answer = client.get(op.metadata()["userinfo_endpoint"], token=tokens["access_token"])
    assert answer.json().keys() == names


def test_userinfo_shows_the_account_as_it_is_now(op: OpenIDProvider, client: Client) -> None:
    tokens = client.tokens()
    op.users.change("alice", email="ash@example.org", email_verified=False)
    answer = client.get(op.metadata()["userinfo_endpoint"], token=tokens["access_token"]).json()
    assert (answer["email"], answer["email_verified"]) == ("ash@example.org", False)


@pytest.mark.parametrize(("token", "challenge"), [("", "Bearer"), ("guessed", 'Bearer error="invalid_token"')])
def test_userinfo_refuses(op: OpenIDProvider, client: Client, token: str, challenge: str) -> None:
    answer = client.get(op.metadata()["userinfo_endpoint"], token=token)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge)


def test_access_token_expires(op: OpenIDProvider, client: Client) -> None:
    tokens = client.tokens()
    op.now = lambda: time.time() + 3601
    assert client.get(op.metadata()["userinfo_endpoint"], token=tokens["access_token"]).status_code == 401


# Refresh, revocation, introspection


def test_refresh_token_comes_with_offline_access(op: OpenIDProvider, client: Client) -> None:
    assert "refresh_token" not in client.tokens()
    first = client.tokens(scope="openid email offline_access")
    again = client.refresh(first["refresh_token"]).json()
    assert again["access_token"] != first["access_token"]
    assert "refresh_token" not in again
    claims, before = verified(op, again["id_token"]), verified(op, first["id_token"])
    assert "nonce" not in claims
    assert [claims[name] for name in ("iss", "sub", "aud", "auth_time", "sid")] == [
        before[name] for name in ("iss", "sub", "aud", "auth_time", "sid")
    ]


def test_refresh_may_narrow_the_scope_and_not_widen_it(op: OpenIDProvider, client: Client) -> None:
    token = client.tokens(scope="openid email offline_access")["refresh_token"]
    assert client.refresh(token, scope="openid").json()["scope"] == "openid"
    assert client.refresh(token, scope="openid profile").json() == {"error": "invalid_scope"}


def test_rotated_refresh_token_works_once_and_its_reuse_ends_the_family(op: OpenIDProvider, client: Client) -> None:
    op.rotate_refresh_tokens = op.always_refresh_token = True
    first = client.tokens()
    others = client.tokens()
    second = client.refresh(first["refresh_token"]).json()
    assert client.refresh(first["refresh_token"]).json() == {"error": "invalid_grant"}
    assert client.refresh(second["refresh_token"]).json() == {"error": "invalid_grant"}
    assert client.get(op.metadata()["userinfo_endpoint"], token=second["access_token"]).status_code == 401
    assert client.refresh(others["refresh_token"]).status_code == 200


def test_refresh_token_of_a_removed_person_is_refused(op: OpenIDProvider, client: Client) -> None:
    token = client.tokens(scope="openid offline_access")["refresh_token"]
    op.users.remove("alice")
    assert client.refresh(token).json() == {"error": "invalid_grant"}


def test_revoking_a_refresh_token_ends_what_came_of_it(op: OpenIDProvider, client: Client) -> None:
    tokens = client.tokens(scope="openid offline_access")
    endpoint = op.metadata()["revocation_endpoint"]
    assert client.post(endpoint, {"token": tokens["refresh_token"]}).status_code == 401
    answer = client.post(endpoint, {"token": tokens["refresh_token"]}, auth=("client", "secret"))
    assert answer.status_code == 200
    assert client.refresh(tokens["refresh_token"]).json() == {"error": "invalid_grant"}
    assert client.get(op.metadata()["userinfo_endpoint"], token=tokens["access_token"]).status_code == 401
    assert client.post(endpoint, {"token": "unknown"}, auth=("client", "secret")).status_code == 200


def test_introspection_tells_good_tokens_from_others(op: OpenIDProvider, client: Client) -> None:
    tokens = client.tokens()
    endpoint = op.metadata()["introspection_endpoint"]
    good = client.post(endpoint, {"token": tokens["access_token"]}, auth=("client", "secret")).json()
    assert (good["active"], good["sub"], good["client_id"]) == (True, "alice", "client")
    bad = client.post(endpoint, {"token": "guessed"}, auth=("client", "secret")).json()
    assert bad == {"active": False}


# The end of a session


def test_logout_with_a_hint_ends_the_session_and_returns_the_state(op: OpenIDProvider, client: Client) -> None:
    id_token = client.tokens()["id_token"]
    sid = verified(op, id_token)["sid"]
    url = (
        f"{op.metadata()['end_session_endpoint']}?id_token_hint={id_token}&state=s&post_logout_redirect_uri={CALLBACK}"
    )
    answer = client.get(url)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{CALLBACK}?state=s")
    assert sid not in op.sessions
    assert op.end_session(url) == f"{CALLBACK}?state=s"


def test_logout_without_a_hint_asks_first(op: OpenIDProvider, client: Client) -> None:
    url = f"{op.metadata()['end_session_endpoint']}?client_id=client&post_logout_redirect_uri={CALLBACK}"
    assert "Sign out" in client.get(url).text
    assert client.post(url, {"confirmed": "1"}).headers["Location"] == CALLBACK


@pytest.mark.parametrize("query", ["id_token_hint=forged", f"post_logout_redirect_uri={CALLBACK}"])
def test_logout_refuses(op: OpenIDProvider, client: Client, query: str) -> None:
    assert client.get(f"{op.metadata()['end_session_endpoint']}?{query}&confirmed=1").status_code == 400


def test_logout_refuses_a_hint_for_another_client(op: OpenIDProvider, client: Client) -> None:
    id_token = client.tokens()["id_token"]
    op.client_id = "other"
    assert client.get(f"{op.metadata()['end_session_endpoint']}?id_token_hint={id_token}").status_code == 400


def test_users_may_be_added(op: OpenIDProvider, client: Client) -> None:
    op.users.add(User("carol", email="carol@example.org"))
    assert verified(op, client.tokens("carol@example.org")["id_token"])["sub"] == "carol"


def test_constants_of_these_tests_belong_together() -> None:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode() == CHALLENGE + "="


# Another provider's document

DOCUMENT: dict[str, Any] = {
    "issuer": "https://id.vendor.example/oauth2",
    "authorization_endpoint": "https://id.vendor.example/oauth2/authorize/",
    "token_endpoint": "https://api.vendor.example/oauth2/token",
    "jwks_uri": "https://keys.vendor.example/certs.json",
    "id_token_signing_alg_values_supported": ["none", "HS256", "ES384", "RS256"],
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
    "x_private": {"a": 1},
}


def test_a_document_is_published_with_addresses_of_its_own() -> None:
    op = OpenIDProvider(users=PEOPLE, document=DOCUMENT)
    with serve(op):
        document = Client(op).get(f"{op.base_url}/oauth2/.well-known/openid-configuration").json()
        assert document == {
            **DOCUMENT,
            "issuer": f"{op.base_url}/oauth2",
            "authorization_endpoint": f"{op.base_url}/oauth2/authorize/",
            "token_endpoint": f"{op.base_url}/oauth2/token",
            "jwks_uri": f"{op.base_url}/certs.json",
        }


def test_a_document_is_kept_to() -> None:
    """It signs with what the document names first, takes the secret where it says, and has no more endpoints."""
    op = OpenIDProvider(users=PEOPLE, document=DOCUMENT)
    with serve(op):
        client = Client(op)
        assert client.redeem(client.code()).status_code == 401
        answer = client.redeem(client.code(), auth=None, client_id="client", client_secret="secret")
        assert jwt.get_unverified_header(answer.json()["id_token"])["alg"] == "ES384"
        assert verified(op, answer.json()["id_token"])["iss"] == f"{op.base_url}/oauth2"
        assert client.get(f"{op.base_url}/oauth2/userinfo").status_code == 404
        assert client.get(f"{op.base_url}/jwks").status_code == 404


def test_a_document_that_names_no_way_of_authentication_means_basic() -> None:
    """Discovery 3."""
    unnamed = {name: value for name, value in DOCUMENT.items() if "auth_methods" not in name}
    op = OpenIDProvider(users=PEOPLE, document=unnamed)
    with serve(op):
        client = Client(op)
        assert client.redeem(client.code()).status_code == 200
        refused = client.redeem(client.code(), auth=None, client_id="client", client_secret="secret")
        assert refused.status_code == 401


def test_an_answer_names_its_issuer_where_the_document_promises_that() -> None:
    """RFC 9207 3."""
    for promised in (True, False):
        document = {**DOCUMENT, "authorization_response_iss_parameter_supported": promised}
        op = OpenIDProvider(users=PEOPLE, document=document)
        with serve(op):
            answer = parameters_of(op.authorize(Client(op).authorization_url()))
            assert ("iss" in answer) is promised


def test_a_document_may_stand_somewhere_else() -> None:
    op = OpenIDProvider(users=PEOPLE, document=DOCUMENT, discovery_path="/common/.well-known/openid-configuration")
    with serve(op):
        assert op.discovery_url == f"{op.base_url}/common/.well-known/openid-configuration"
        assert Client(op).get(op.discovery_url).json()["issuer"] == f"{op.base_url}/oauth2"


def test_a_nonce_may_stay_away(op: OpenIDProvider, client: Client) -> None:
    assert verified(op, client.tokens()["id_token"])["nonce"] == "the nonce"
    op.returns_nonce = False
    assert "nonce" not in verified(op, client.tokens()["id_token"])
