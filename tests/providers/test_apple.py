"""Apple: a secret made for each request, answers by form_post, booleans in words, and no userinfo."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from jwcrypto.jwk import JWK

from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import TokenErrorResponse
from oidc_login.providers import AppleProvider
from oidc_login.testing import Answer, OpenIDProvider, ProviderRequest, UnsignedToken, User, serve
from oidc_login.testing.application import Endpoint
from tests.login.browser import Browser
from tests.providers.flows import asked_parameters, exchange

if TYPE_CHECKING:
    from pytest_django import Settings

KEY = JWK.generate(kty="EC", crv="P-256")
DOCUMENT = Path(__file__).resolve().parents[2] / "discovery_fixtures" / "apple" / "openid-configuration.json"
RELAY = "x7k2@privaterelay.appleid.com"


class AppleStyleProvider(OpenIDProvider):
    """An OpenID provider with Apple's habits: its document, its kind of client secret, its kind of ID token.

    What a secret must be: https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
    """

    def endpoints(self) -> dict[str, Endpoint]:
        endpoints = super().endpoints()
        for name in ("/token", "/revoke"):
            endpoints[name] = Endpoint(endpoints[name].name, self._knowing_the_secret(endpoints[name]))
        return endpoints

    def _knowing_the_secret(self, endpoint: Endpoint) -> Any:
        def answer(request: ProviderRequest) -> Answer:
            secret = request.form.get("client_secret", "")
            self.client_secret = secret if self.made_by_the_team(secret) else "another"
            return endpoint.answer(request)

        return answer

    def made_by_the_team(self, secret: str) -> bool:
        public = jwt.PyJWK.from_dict({**KEY.export_public(as_dict=True), "alg": "ES256"})
        required = ["iss", "iat", "exp", "aud", "sub"]
        try:
            claims = jwt.decode(
                secret, public, algorithms=["ES256"], audience=self.issuer, issuer="TEAM", options={"require": required}
            )
        except jwt.PyJWTError:
            return False
        is_named = jwt.get_unverified_header(secret).get("kid") == "KEYID"
        return is_named and claims["sub"] == self.client_id and claims["exp"] - claims["iat"] <= 15_777_000

    def metadata(self) -> dict[str, Any]:
        theirs = json.loads(DOCUMENT.read_text())
        ours = super().metadata()
        return {name: ours[name] if name.endswith(("issuer", "_endpoint", "_uri")) else theirs[name] for name in theirs}


def in_words(token: UnsignedToken) -> UnsignedToken:
    """Say what is true or false as Apple does."""
    words = {"email_verified": str(token.claims.get("email_verified")).lower(), "is_private_email": "true"}
    token.claims = {**token.claims, **words, "nonce_supported": True}
    return token


@pytest.fixture
def apple_style() -> Iterator[AppleStyleProvider]:
    """A provider whose people are one with an address of its relay, and one whose address nobody confirmed."""
    people = [User("alice", email=RELAY, email_verified=True), User("bob", email="bob@example.org")]
    provider = AppleStyleProvider(
        users=people,
        claims_in_id_token=True,
        token_endpoint_auth_method="client_secret_post",
        always_refresh_token=True,
    )
    provider.bend("id_token", in_words)
    with serve(provider):
        yield provider


@pytest.fixture
def browser(apple_style: AppleStyleProvider, settings: Settings) -> Browser:
    settings.OIDC_LOGIN_PROVIDERS = {"apple": entry(apple_style)}
    return Browser(https=True)


def entry(op: OpenIDProvider, **changes: Any) -> dict[str, Any]:
    """What a site writes."""
    return {
        "class": "oidc_login.providers.AppleProvider",
        "client_id": "client",
        "team_id": "TEAM",
        "key_id": "KEYID",
        "client_key": KEY.export_to_pem(private_key=True, password=None).decode(),
        "discovery_url": op.discovery_url,
        **changes,
    }


def sign_in(op: OpenIDProvider, browser: Browser, user: str = "alice") -> Any:
    """From the button over the posted answer to its end."""
    posted = browser.sign_in(op, "apple", user=user)
    return browser.get(posted["Location"], cross_site=True)


def apple(op: OpenIDProvider, **changes: Any) -> AppleProvider:
    """Apple's class in front of a provider on loopback; the key as the downloaded .p8 file has it."""
    arguments = {
        "provider_key": "apple",
        "client_id": "client",
        "team_id": "TEAM",
        "key_id": "KEYID",
        "client_key": KEY.export_to_pem(private_key=True, password=None).decode(),
        "discovery_url": op.discovery_url,
    }
    return AppleProvider(**{**arguments, **changes})


def test_the_secret_is_made_of_the_key_for_each_request(op: OpenIDProvider) -> None:
    """https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret"""
    (secret,) = apple(op).get_client_secrets()
    assert jwt.get_unverified_header(secret) == {"alg": "ES256", "kid": "KEYID", "typ": "JWT"}
    public = jwt.PyJWK.from_dict({**KEY.export_public(as_dict=True), "alg": "ES256"})
    claims = jwt.decode(secret, public, algorithms=["ES256"], audience=op.issuer)
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("TEAM", "client", op.issuer)
    assert 0 < claims["exp"] - claims["iat"] <= 15_777_000
    assert abs(claims["iat"] - time.time()) < 60


@pytest.mark.django_db
def test_a_person_signs_in(apple_style: AppleStyleProvider, browser: Browser) -> None:
    response = sign_in(apple_style, browser)

    assert (response.status_code, response["Location"]) == (302, "/")
    connection = OAuthConnection.objects.get()
    assert (connection.email, connection.email_verified) == (RELAY, True)
    assert connection.user.email == RELAY
    assert browser.user == connection.user
    assert connection.refresh_token
    assert apple_style.asked() == ["discovery", "token", "jwks"]


@pytest.mark.django_db
def test_an_address_that_is_false_in_words_is_not_vouched_for(
    apple_style: AppleStyleProvider, browser: Browser
) -> None:
    assert sign_in(apple_style, browser, "bob").status_code == 302

    connection = OAuthConnection.objects.get()
    assert (connection.email, connection.email_verified) == ("bob@example.org", False)
    assert connection.user.email == ""


@pytest.mark.django_db
def test_a_site_with_hooks_asks_for_no_userinfo_either(
    apple_style: AppleStyleProvider, browser: Browser, settings: Settings
) -> None:
    """There is none; a hook gets what the ID token says."""
    settings.AUTHENTICATION_BACKENDS = ["tests.login.backends.Updating"]

    assert sign_in(apple_style, browser).status_code == 302
    assert OAuthConnection.objects.get().email_verified


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"team_id": "OTHER"},
        {"key_id": "OTHER"},
        {"client_key": JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None).decode()},
    ],
    ids=["team", "key id", "key"],
)
def test_a_wrong_registration_is_the_sites_fault_and_says_so(
    apple_style: AppleStyleProvider, browser: Browser, settings: Settings, wrong: dict[str, Any]
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"apple": entry(apple_style, **wrong)}

    response = sign_in(apple_style, browser)

    assert response.status_code == 502
    assert "client_refused" in response.content.decode()
    assert apple_style.asked().count("token") == 1
    assert not OAuthConnection.objects.exists()


def test_tokens_are_taken_back_with_a_secret_of_their_own(apple_style: AppleStyleProvider) -> None:
    provider = apple(apple_style)
    token = exchange(apple_style, provider)

    provider.revoke_oauth_token(oauth_token=token)

    revocation = apple_style.requests[-1]
    assert revocation.form["token"] == token.refresh_token
    assert apple_style.made_by_the_team(revocation.form["client_secret"])
    assert apple_style.grants.of_refresh_token(token.refresh_token) is None


def test_the_verifier_is_sent_though_the_document_does_not_mention_it(apple_style: AppleStyleProvider) -> None:
    exchange(apple_style, apple(apple_style))

    assert "code_challenge_methods_supported" not in apple_style.metadata()
    assert apple_style.requests[-1].form["code_verifier"]


def test_the_secret_is_posted(op: OpenIDProvider) -> None:
    """The provider on loopback does not know it, as its secret is another kind."""
    with pytest.raises(TokenErrorResponse, match="invalid_client"):
        exchange(op, apple(op))
    posted = op.requests[-1]
    assert posted.form["client_id"] == "client"
    assert jwt.get_unverified_header(posted.form["client_secret"])["kid"] == "KEYID"
    assert "authorization" not in posted.headers


def test_the_answer_is_posted_and_asks_for_a_name(op: OpenIDProvider) -> None:
    parameters = asked_parameters(apple(op))
    assert parameters["response_mode"] == "form_post"
    assert parameters["scope"] == "openid name email"
    assert parameters["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    ("value", "verified"), [("true", True), (True, True), ("false", False), (False, False), ("1", False)]
)
def test_verified_is_said_in_words(op: OpenIDProvider, value: Any, verified: bool) -> None:
    assert apple(op).is_email_verified({"email": "a@x", "email_verified": value}) is verified


def test_a_key_that_is_none_is_refused_at_once(op: OpenIDProvider) -> None:
    with pytest.raises(ValueError, match="client_key"):
        apple(op, client_key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")


def test_a_key_of_another_kind_is_refused_at_once(op: OpenIDProvider) -> None:
    """Every secret that it signs would be refused."""
    key = JWK.generate(kty="EC", crv="P-384").export_to_pem(private_key=True, password=None).decode()
    with pytest.raises(ValueError, match="ES256"):
        apple(op, client_key=key)
