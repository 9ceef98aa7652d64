"""OpenID providers: everything follows from the discovery document, and the ID token is always verified."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.utils import translation
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from oidc_login.protocol.errors import (
    ClientMisconfigured,
    InvalidIDToken,
    MetadataInvalid,
    ProtocolError,
    ProviderUnavailable,
    UnknownKey,
    UserInfoInvalid,
)
from oidc_login.protocol.keys import COOL_DOWN
from oidc_login.protocol.private_key import PrivateKey
from oidc_login.providers import OAuthToken, OIDCProvider
from oidc_login.testing import Answer, OpenIDProvider, UnsignedToken, generate_key, serve
from oidc_login.testing.signing import KEY_TYPE_OF_ALG
from tests.providers.conftest import PEOPLE
from tests.providers.flows import CALLBACK, asked_parameters, exchange, request_with_flow
from tests.support.signing import ids

CLIENT_KEY = JWK.generate(kty="EC", crv="P-256", kid="client key")
LONG_SECRET = "a client secret of more than thirty-two bytes: %+ ü"


def configured(op: OpenIDProvider, provider_class: type[OIDCProvider] = OIDCProvider, **changes: Any) -> OIDCProvider:
    """The provider of a site that knows `op` by its issuer."""
    arguments = {"provider_key": "op", "client_id": "client", "client_secret": "secret", "issuer": op.issuer}
    return provider_class(**{**arguments, **changes})


def sign_in(op: OpenIDProvider, provider: OIDCProvider, **flow: Any) -> dict[str, Any]:
    """The verified claims of a whole sign-in."""
    token = exchange(op, provider, **flow)
    return provider.verify_id_token(token, request=request_with_flow(**flow))


def refusal(call: Callable[[], object]) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        call()
    assert "CANARY" not in f"{caught.value!r}"
    return caught.value


def bend_token(op: OpenIDProvider, change: Callable[[UnsignedToken], None]) -> None:
    """Change the ID token before it is signed."""

    def bent(token: UnsignedToken) -> UnsignedToken:
        change(token)
        return token

    op.bend("id_token", bent)


# The sign-in


@pytest.mark.parametrize("path", ["", "/", "/tenant", "/tenant/"])
def test_an_issuer_is_all_that_is_needed(path: str) -> None:
    op = OpenIDProvider(users=PEOPLE, issuer_path=path)
    with serve(op):
        claims = sign_in(op, configured(op))
        assert (claims["sub"], claims["iss"], claims["nonce"]) == ("alice", op.issuer, "CANARY-nonce")
        assert op.asked() == ["discovery", "token", "jwks"]


def test_a_discovery_url_is_all_that_is_needed(op: OpenIDProvider) -> None:
    assert sign_in(op, configured(op, issuer="", discovery_url=op.discovery_url))["sub"] == "alice"


def test_the_next_sign_in_asks_for_tokens_alone(op: OpenIDProvider) -> None:
    provider = configured(op)
    sign_in(op, provider)
    op.requests.clear()
    sign_in(op, provider)
    assert op.asked() == ["token"]
    assert op.connections == 1


@pytest.mark.parametrize("alg", KEY_TYPE_OF_ALG)
def test_tokens_of_every_advertised_algorithm_are_accepted(op: OpenIDProvider, alg: str) -> None:
    op.signing_alg = alg
    assert sign_in(op, configured(op))["sub"] == "alice"


# Discovery


def test_complete_metadata_needs_no_document(op: OpenIDProvider) -> None:
    names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    given = {name: value for name, value in op.metadata().items() if name in names}
    assert sign_in(
        op, configured(op, issuer="", metadata={**given, "id_token_signing_alg_values_supported": ["RS256"]})
    )
    assert "discovery" not in op.asked()


def test_a_sites_metadata_completes_the_document(op: OpenIDProvider) -> None:
    provider = configured(op, metadata={"userinfo_endpoint": op.url("/me"), "scopes_supported": None})
    assert provider.userinfo_endpoint == op.url("/me")
    assert provider.token_endpoint == op.token_endpoint


@pytest.mark.parametrize("by", ["issuer", "discovery_url"])
def test_a_document_of_another_issuer_sends_nobody_away(op: OpenIDProvider, by: str) -> None:
    """Discovery 4.3."""
    op.bend("discovery", lambda good: Answer.of_json({**good.json, "issuer": good.json["issuer"] + "/INVALID"}))
    provider = configured(op, **{"issuer": "", by: getattr(op, by)})
    error = refusal(lambda: asked_parameters(provider))
    assert (type(error), error.reason) == (MetadataInvalid, "issuer_mismatch")


def test_a_configured_issuer_is_compared_with_its_closing_slash(op: OpenIDProvider) -> None:
    assert refusal(lambda: configured(op, issuer=op.issuer + "/").metadata).reason == "issuer_mismatch"


def test_an_outage_at_first_use_is_an_outage(op: OpenIDProvider) -> None:
    op.bend("discovery", lambda good: Answer(status=503, headers={"Retry-After": "5"}, body=b""))
    error = refusal(lambda: asked_parameters(configured(op)))
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == 5


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads change as often as they can, so that a race shows."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_twenty_sign_ins_at_once_fetch_each_document_once(op: OpenIDProvider, eager_threads: None) -> None:
    provider = configured(op)
    start = threading.Barrier(20)

    def first_use() -> int:
        start.wait()
        return len(provider.documents.published_keys().get(now=time.time()).keys)

    with ThreadPoolExecutor(20) as pool:
        assert {future.result() for future in [pool.submit(first_use) for _ in range(20)]} == {5}
    assert sorted(op.asked()) == ["discovery", "jwks"]


# The authorization request (Core 3.1.2.1)


def test_the_request_carries_nonce_and_challenge(op: OpenIDProvider) -> None:
    parameters = asked_parameters(configured(op))
    assert len(parameters.pop("code_challenge")) == 43
    assert parameters == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "CANARY-state",
        "nonce": "CANARY-nonce",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize("methods", [None, [], ["plain"]])
def test_metadata_cannot_talk_the_challenge_away(op: OpenIDProvider, methods: list[str] | None) -> None:
    """RFC 9700 4.8, RFC 7636 7.2."""
    op.bend("discovery", lambda good: Answer.of_json({**good.json, "code_challenge_methods_supported": methods}))
    assert asked_parameters(configured(op))["code_challenge_method"] == "S256"


@pytest.mark.parametrize("name", ["nonce", "state", "client_id", "redirect_uri", "response_type", "code_challenge"])
def test_no_setting_replaces_what_binds_the_answer_to_the_flow(op: OpenIDProvider, name: str) -> None:
    assert asked_parameters(configured(op, authorization_params={name: "fixed"})) == asked_parameters(configured(op))


@pytest.mark.parametrize(
    ("scope", "sent"),
    [("email", "openid email"), (["profile"], "openid profile"), ("", "openid"), ("a openid b", "a openid b")],
)
def test_the_scope_of_openid_connect_is_always_asked_for(op: OpenIDProvider, scope: Any, sent: str) -> None:
    assert asked_parameters(configured(op, scope=scope))["scope"] == sent


def test_the_standard_parameters_come_from_settings(op: OpenIDProvider) -> None:
    claims = {"id_token": {"email": None, "acr": {"essential": True, "values": ["2"]}}}
    options: dict[str, Any] = {
        "prompt": "login",
        "max_age": 0,
        "ui_locales": "de en",
        "acr_values": "2",
        "response_mode": "form_post",
    }
    parameters = asked_parameters(configured(op, claims=claims, **options))
    assert {name: parameters[name] for name in options} == {**options, "max_age": "0"}
    assert json.loads(parameters["claims"]) == claims


@pytest.mark.parametrize(("language", "sent"), [("pt-br", "pt-br"), (None, None)])
def test_the_language_of_the_page_can_be_sent(op: OpenIDProvider, language: str | None, sent: str | None) -> None:
    with translation.override(language):
        parameters = asked_parameters(configured(op, ui_locales="active"))

    assert parameters.get("ui_locales") == sent


def test_the_query_of_an_endpoint_is_kept(op: OpenIDProvider) -> None:
    provider = configured(op, metadata={"authorization_endpoint": op.authorization_endpoint + "?tenant=x"})
    assert asked_parameters(provider)["tenant"] == "x"


# The ID token


def test_a_token_response_without_an_id_token_is_no_sign_in(op: OpenIDProvider) -> None:
    """Core 3.1.3.3."""
    op.bend("id_token", lambda token: "")
    error = refusal(lambda: sign_in(op, configured(op)))
    assert (type(error), error.reason) == (InvalidIDToken, "missing")


def test_the_nonce_is_that_of_the_flow(op: OpenIDProvider) -> None:
    provider = configured(op)
    token = exchange(op, provider)
    other = request_with_flow(nonce="CANARY-other")
    assert refusal(lambda: provider.verify_id_token(token, request=other)).reason == "nonce"


def set_claim(name: str, value: Any) -> Callable[[UnsignedToken], None]:
    return lambda token: token.claims.update({name: value})


BENT: list[tuple[str, Callable[[UnsignedToken], None], str]] = [
    ("another issuer", lambda token: token.claims.update(iss=token.claims["iss"] + "1"), "iss"),
    ("another client", set_claim("aud", "client1"), "aud"),
    ("another party", set_claim("azp", "other"), "azp"),
    ("expired", set_claim("exp", 1), "exp"),
    ("no subject", set_claim("sub", None), "sub"),
    ("another nonce", set_claim("nonce", "CANARY-nonce1"), "nonce"),
    ("another access token", set_claim("at_hash", "AAAA"), "at_hash"),
    ("a logout token", set_claim("events", {}), "events"),
    ("of another type", lambda token: token.header.update(typ="at+jwt"), "typ"),
]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in BENT], ids=ids(BENT))
def test_a_bent_id_token_is_refused(op: OpenIDProvider, change: Callable[[UnsignedToken], None], reason: str) -> None:
    """That every rule is asked; each has its table in the tests of the ID token."""
    bend_token(op, change)
    error = refusal(lambda: sign_in(op, configured(op)))
    assert (type(error), error.reason) == (InvalidIDToken, reason)


def test_a_class_may_name_further_spellings_of_its_issuer(op: OpenIDProvider) -> None:
    class TwoNames(OIDCProvider):
        issuer_aliases = ("op.example",)

    bend_token(op, set_claim("iss", "op.example"))
    assert sign_in(op, configured(op, TwoNames))["iss"] == "op.example"
    assert refusal(lambda: sign_in(op, configured(op))).reason == "iss"


def test_a_class_may_go_without_the_nonce(op: OpenIDProvider) -> None:
    class NoNonce(OIDCProvider):
        insecure_allow_missing_nonce = True

    bend_token(op, lambda token: token.claims.pop("nonce"))
    assert sign_in(op, configured(op, NoNonce))["sub"] == "alice"
    assert refusal(lambda: sign_in(op, configured(op))).reason == "nonce"


def test_max_age_is_checked_in_the_answer(op: OpenIDProvider) -> None:
    """Core 3.1.3.7, rule 13; a flow may ask for more than the settings."""
    old = set_claim("auth_time", time.time() - 3600)
    bend_token(op, old)
    assert sign_in(op, configured(op))["sub"] == "alice"
    assert sign_in(op, configured(op, max_age=7200))["sub"] == "alice"
    assert refusal(lambda: sign_in(op, configured(op, max_age=60))).reason == "auth_time"
    assert refusal(lambda: sign_in(op, configured(op), parameters={"max_age": 60})).reason == "auth_time"


# Algorithms

ALGORITHMS: list[tuple[str, Any, Any, tuple[str, ...]]] = [
    ("advertised", ["RS256", "ES256"], None, ("RS256", "ES256")),
    ("nothing advertised", None, None, ("RS256",)),
    ("advertised in another type", "RS256", None, ("RS256",)),
    ("none and MACs are never taken from metadata", ["none", "HS256", "PS256"], None, ("PS256",)),
    ("nothing usable advertised", ["none", "HS256", "ES256K"], None, ("RS256",)),
    ("the site's list", ["RS256"], ["ES384"], ("ES384",)),
    ("the site's list with a MAC", ["RS256"], ["HS256", "RS256"], ("HS256", "RS256")),
    ("none is nothing even in the site's list", ["RS256"], ["none", "RS256"], ("RS256",)),
    ("only none in the site's list", ["RS256"], ["none"], ()),
]


@pytest.mark.parametrize(("advertised", "given", "used"), [row[1:] for row in ALGORITHMS], ids=ids(ALGORITHMS))
def test_which_algorithms_may_sign(op: OpenIDProvider, advertised: Any, given: Any, used: tuple[str, ...]) -> None:
    op.bend(
        "discovery", lambda good: Answer.of_json({**good.json, "id_token_signing_alg_values_supported": advertised})
    )
    assert configured(op, id_token_signing_algs=given).get_signing_algorithms() == used


def test_an_algorithm_beside_the_list_is_refused_though_the_key_is_published(op: OpenIDProvider) -> None:
    op.signing_alg = "RS512"
    assert refusal(lambda: sign_in(op, configured(op, id_token_signing_algs=["RS256"]))).reason == "alg"


def test_a_mac_is_accepted_only_where_the_site_names_it(op: OpenIDProvider) -> None:
    op.client_secret, op.signing_alg = LONG_SECRET, "HS256"
    good: dict[str, Any] = {"client_secret": LONG_SECRET, "id_token_signing_algs": ["HS256"]}
    assert sign_in(op, configured(op, **good))["sub"] == "alice"
    assert "jwks" not in op.asked()
    assert sign_in(op, configured(op, **{**good, "id_token_signing_algs": ["RS256", "HS256"]}))["sub"] == "alice"
    assert refusal(lambda: sign_in(op, configured(op, client_secret=LONG_SECRET))).reason == "alg"


def test_a_mac_with_a_short_secret_is_refused(op: OpenIDProvider) -> None:
    """RFC 7518 3.2."""
    op.signing_alg = "HS256"
    error = refusal(lambda: sign_in(op, configured(op, id_token_signing_algs=["HS256"])))
    assert isinstance(error, UnknownKey)


def test_a_mac_with_either_secret_of_a_rotation_is_accepted(op: OpenIDProvider) -> None:
    op.client_secret, op.signing_alg = LONG_SECRET, "HS256"
    secrets = ["another secret of more than thirty-two bytes", LONG_SECRET]
    assert sign_in(op, configured(op, client_secret=secrets, id_token_signing_algs=["HS256"]))["sub"] == "alice"


# Keys (Core 10.1.1)


def test_a_new_key_is_found_by_one_further_fetch(op: OpenIDProvider) -> None:
    provider = configured(op)
    sign_in(op, provider)
    op.rotate_keys(keep_old=False)
    op.requests.clear()
    assert sign_in(op, provider)["sub"] == "alice"
    assert op.asked() == ["token", "jwks"]


def test_a_key_that_is_replaced_just_before_signing_is_found(op: OpenIDProvider) -> None:
    provider = configured(op)
    sign_in(op, provider)

    def sign_with_new_key(token: UnsignedToken) -> UnsignedToken:
        op.mend("id_token")
        op.rotate_keys(keep_old=False)
        return op.unsigned_token(token.claims)

    op.bend("id_token", sign_with_new_key)
    assert sign_in(op, provider)["sub"] == "alice"


def test_forged_tokens_cause_one_fetch_however_many_come(op: OpenIDProvider) -> None:
    provider = configured(op)
    sign_in(op, provider)
    op.requests.clear()
    stranger = generate_key("P-256")

    def forge(token: UnsignedToken) -> None:
        token.key, token.alg, token.header = stranger, "ES256", {"alg": "ES256", "kid": str(time.perf_counter_ns())}

    bend_token(op, forge)
    for _ in range(5):
        assert refusal(lambda: sign_in(op, provider)).reason == "signature"
    assert op.asked().count("jwks") == 1
    assert COOL_DOWN >= 10


# Encrypted ID tokens (Core 10.2)


def encrypt(signed: str, *, alg: str = "ECDH-ES", enc: str = "A128GCM", **header: Any) -> str:
    jwe = JWE(signed.encode(), json.dumps({"alg": alg, "enc": enc, "cty": "JWT", **header}), algs=[alg, enc])
    jwe.add_recipient(JWK(**CLIENT_KEY.export_public(as_dict=True)))
    return str(jwe.serialize(compact=True))


def with_client_key(op: OpenIDProvider) -> OIDCProvider:
    return configured(
        op, client_key=CLIENT_KEY.export_private(as_dict=True), token_endpoint_auth_method="client_secret_basic"
    )


def test_an_encrypted_token_is_read_where_a_key_is_configured(op: OpenIDProvider) -> None:
    op.bend("id_token", lambda token: encrypt(token.signed()))
    assert sign_in(op, with_client_key(op))["sub"] == "alice"
    assert refusal(lambda: sign_in(op, configured(op))).reason == "encryption"


def test_the_token_inside_is_verified_all_the_same(op: OpenIDProvider) -> None:
    provider = with_client_key(op)
    stranger = generate_key("RSA")

    def forge(token: UnsignedToken) -> str:
        token.key = stranger
        return encrypt(token.signed())

    op.bend("id_token", forge)
    assert refusal(lambda: sign_in(op, provider)).reason == "signature"
    op.bend("id_token", lambda token: encrypt(json.dumps(token.claims)))
    assert refusal(lambda: sign_in(op, provider)).reason == "format"
    op.bend("id_token", lambda token: encrypt(encrypt(token.signed())))
    assert refusal(lambda: sign_in(op, provider)).reason == "format"


def test_a_signed_token_alone_is_accepted_beside_a_key(op: OpenIDProvider) -> None:
    assert sign_in(op, with_client_key(op))["sub"] == "alice"


# Userinfo

NEEDS: list[tuple[str, dict[str, Any], dict[str, Any], bool, list[str], bool]] = [
    ("new, and no address", {}, {}, False, [], True),
    ("new, with an address", {}, {"email": "a@x"}, False, [], False),
    ("known", {}, {}, True, [], False),
    ("known, but domains are checked", {"allowed_email_domains": ["x"]}, {}, True, [], True),
    ("known, with an address of a domain", {"allowed_email_domains": ["x"]}, {"email": "a@x"}, True, [], False),
    ("an empty address is none", {}, {"email": ""}, False, [], True),
    ("a wanted claim is missing", {}, {"email": "a@x"}, True, ["groups"], True),
    ("a wanted claim is there", {}, {"groups": []}, True, ["groups"], False),
    ("always", {"userinfo": "always"}, {"email": "a@x"}, True, [], True),
    ("never", {"userinfo": "never"}, {}, False, ["groups"], False),
]


@pytest.mark.parametrize(
    ("options", "claims", "is_known", "wanted", "needed"), [row[1:] for row in NEEDS], ids=ids(NEEDS)
)
def test_when_userinfo_is_asked(
    op: OpenIDProvider, options: dict[str, Any], claims: dict[str, Any], is_known: bool, wanted: list[str], needed: bool
) -> None:
    provider = configured(op, **options)
    assert provider.needs_userinfo(claims, is_known=is_known, wanted=wanted) is needed


def test_a_provider_without_userinfo_is_not_asked(op: OpenIDProvider) -> None:
    op.bend("discovery", lambda good: Answer.of_json({**good.json, "userinfo_endpoint": None}))
    provider = configured(op)
    assert provider.needs_userinfo({}, is_known=False, wanted=["groups"]) is False
    error = refusal(lambda: provider.fetch_userinfo("a", subject="alice"))
    assert (type(error), error.reason) == (UserInfoInvalid, "userinfo_endpoint")


def test_userinfo_completes_the_claims_of_its_subject(op: OpenIDProvider) -> None:
    provider = configured(op)
    token = exchange(op, provider)
    claims = provider.verify_id_token(token, request=request_with_flow())
    assert "email" not in claims
    completed = provider.get_userinfo(token, claims=claims)
    assert (completed["email"], completed["email_verified"]) == ("alice@example.org", True)
    assert completed["iss"] == op.issuer
    op.bend("userinfo", lambda good: Answer.of_json({**good.json, "sub": "aliceinvalid"}))
    assert refusal(lambda: provider.get_userinfo(token, claims=claims)).reason == "sub"


def as_signed_userinfo(op: OpenIDProvider, wrap: Callable[[str], str] = str, **changes: Any) -> None:
    def change(good: Answer) -> Answer:
        token = op.unsigned_token({"iss": op.issuer, "aud": "client", **good.json, **changes})
        return Answer(headers={"Content-Type": "application/jwt"}, body=wrap(token.signed()).encode())

    op.bend("userinfo", change)


@pytest.mark.parametrize("wrap", [str, encrypt], ids=["signed", "signed and encrypted"])
def test_signed_userinfo_is_verified(op: OpenIDProvider, wrap: Callable[[str], str]) -> None:
    """Core 5.3.2."""
    provider = with_client_key(op)
    token = exchange(op, provider)
    as_signed_userinfo(op, wrap)
    assert provider.fetch_userinfo(token.access_token, subject="alice")["email"] == "alice@example.org"
    for changes in ({"sub": "bob"}, {"aud": "other"}, {"iss": "https://evil.example"}):
        as_signed_userinfo(op, wrap, **changes)
        error = refusal(lambda: provider.fetch_userinfo(token.access_token, subject="alice"))
        assert (type(error), error.reason) == (UserInfoInvalid, next(iter(changes)))


def test_userinfo_signed_by_a_stranger_is_refused(op: OpenIDProvider) -> None:
    provider = configured(op)
    token = exchange(op, provider)
    as_signed_userinfo(op)
    op.signing_keys = {name: generate_key(name) for name in op.signing_keys if name != "RSA"} | {
        "RSA": generate_key("RSA", kid=op.signing_keys["RSA"].kid)
    }
    error = refusal(lambda: provider.fetch_userinfo(token.access_token, subject="alice"))
    assert (type(error), error.reason) == (UserInfoInvalid, "signature")


def test_encrypted_userinfo_without_a_key_is_refused(op: OpenIDProvider) -> None:
    provider = configured(op)
    token = exchange(op, provider)
    as_signed_userinfo(op, encrypt)
    error = refusal(lambda: provider.fetch_userinfo(token.access_token, subject="alice"))
    assert (type(error), error.reason) == (UserInfoInvalid, "encryption")


def test_who_it_is_does_not_come_from_an_access_token_alone(op: OpenIDProvider) -> None:
    error = refusal(lambda: configured(op).get_oauth_user(oauth_token=OAuthToken(access_token="a")))
    assert isinstance(error, UserInfoInvalid)


# Client authentication


def client_jwks() -> dict[str, Any]:
    return {"keys": [CLIENT_KEY.export_public(as_dict=True)]}


@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]
)
def test_the_one_way_that_the_provider_offers_is_taken(op: OpenIDProvider, method: str) -> None:
    """Discovery 3, Core 9."""
    op.client_secret = "" if method == "none" else LONG_SECRET
    op.token_endpoint_auth_method, op.client_jwks = method, client_jwks()
    credentials: dict[str, Any] = {"client_secret": op.client_secret}
    if method == "private_key_jwt":
        credentials = {"client_secret": "", "client_key": CLIENT_KEY.export_private(as_dict=True)}
    assert sign_in(op, configured(op, **credentials))["sub"] == "alice"


def test_without_a_common_way_it_says_so_before_the_code_is_posted(op: OpenIDProvider) -> None:
    op.token_endpoint_auth_method = "private_key_jwt"
    error = refusal(lambda: sign_in(op, configured(op)))
    assert (type(error), error.reason) == (ClientMisconfigured, "token_endpoint_auth_method")
    assert "token" not in op.asked()


def test_an_assertion_is_for_the_issuer_wherever_the_endpoint_is(op: OpenIDProvider) -> None:
    """So that the assertion is of no use to whoever makes a site post it elsewhere."""
    provider = configured(op, metadata={"token_endpoint": "https://evil.example/token"})
    assert provider.get_audience() == op.issuer


def claims_of(assertion: str) -> dict[str, Any]:
    return dict(jwt.decode(assertion, options={"verify_signature": False}))


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint", "api://some-token-exchange"])
def test_an_assertion_is_for_whom_the_settings_name(op: OpenIDProvider, audience: str) -> None:
    op.token_endpoint_auth_method, op.client_jwks = "private_key_jwt", client_jwks()
    key = CLIENT_KEY.export_private(as_dict=True)
    provider = configured(op, client_secret="", client_key=key, client_assertion_audience=audience)
    named = {"issuer": op.issuer, "token_endpoint": op.token_endpoint}.get(audience, audience)

    authentication = provider.authenticate_client("", now=time.time())

    assert claims_of(authentication.parameters["client_assertion"])["aud"] == named
    if audience != named:
        assert sign_in(op, provider)["sub"] == "alice"


def test_an_assertion_of_a_file_is_read_at_each_use(op: OpenIDProvider, tmp_path: Path) -> None:
    """As a workload's platform renews it: another text under the same name."""
    op.token_endpoint_auth_method, op.client_jwks = "private_key_jwt", client_jwks()
    file = tmp_path / "assertion"
    provider = configured(op, client_secret="", client_assertion_file=str(file))
    error = refusal(lambda: sign_in(op, provider))
    assert (type(error), error.reason) == (ClientMisconfigured, "client_assertion_file")
    assert "token" not in op.asked()

    key, shown = PrivateKey(CLIENT_KEY.export_private(as_dict=True)), []
    for number in range(2):
        now = int(time.time())
        claims = {"iss": "client", "sub": "client", "aud": op.issuer, "exp": now + 60, "iat": now, "jti": f"{number}"}
        file.write_text(key.sign(claims) + "\n")
        op.clear()
        assert sign_in(op, provider)["sub"] == "alice"
        (request,) = [request for request in op.requests if request.endpoint == "token"]
        assert "authorization" not in request.headers and "client_secret" not in request.form
        shown.append(claims_of(request.form["client_assertion"])["jti"])
    assert shown == ["0", "1"]


# Issuers


def test_the_response_names_its_issuer_where_the_provider_promises_it(op: OpenIDProvider) -> None:
    """RFC 9207 3."""
    assert configured(op).requires_response_issuer() is True
    op.bend(
        "discovery",
        lambda good: Answer.of_json({**good.json, "authorization_response_iss_parameter_supported": "true"}),
    )
    assert configured(op).requires_response_issuer() is False


def test_an_identity_is_kept_under_the_issuer_of_the_document(op: OpenIDProvider) -> None:
    provider = configured(op)
    assert provider.get_issuer() == provider.get_identity_issuer({"iss": "https://evil.example"}) == op.issuer
