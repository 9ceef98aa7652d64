"""Apple: a secret made for each request, answers by form_post, booleans in words, and no userinfo."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from django.contrib.auth import get_user_model
from jwcrypto.jwk import JWK

from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import TokenErrorResponse
from oidc_login.providers import AppleProvider
from oidc_login.testing import Answer, AuthorizationAnswer, OpenIDProvider, UnsignedToken, User, serve
from tests.providers.apple_style import KEY, KEY_TEXT, AppleStyleProvider, in_words
from tests.providers.flows import asked_parameters, exchange
from tests.support.browser import Browser
from tests.support.signing import ids

if TYPE_CHECKING:
    from pytest_django import Settings

RELAY = "x7k2@privaterelay.appleid.com"


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
        "client_key": KEY_TEXT,
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
        "client_key": KEY_TEXT,
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
    settings.AUTHENTICATION_BACKENDS = ["tests.support.backends.Updating"]

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


# The name of the first consent


def tell_name(op: OpenIDProvider, user: Any, *, key: str = "user") -> None:
    """Let the provider post `user` beside the code, as Apple does once."""
    text = user if isinstance(user, str) else json.dumps(user)
    op.bend("authorize", lambda good: good.and_also(key, text))


FULL = {"name": {"firstName": "Ada", "lastName": "Byron"}, "email": "victim@example.org"}

USERS: list[tuple[str, Any, dict[str, Any]]] = [
    ("a full name", FULL, {"given_name": "Ada", "family_name": "Byron", "name": "Ada Byron"}),
    ("a first name", {"name": {"firstName": "Ada", "lastName": ""}}, {"given_name": "Ada", "name": "Ada"}),
    ("a last name", {"name": {"lastName": "Byron"}}, {"family_name": "Byron", "name": "Byron"}),
    ("a long name", {"name": {"firstName": "A" * 500}}, {"given_name": "A" * 100, "name": "A" * 100}),
    ("an address alone", {"email": "victim@example.org"}, {}),
    ("claims that are none of its business", {"name": {"firstName": None, "sub": "x"}, "sub": "x"}, {}),
    ("other types", {"name": {"firstName": ["Ada"], "lastName": 5}}, {}),
    ("a name as text", {"name": "Ada"}, {}),
    ("a list", ["Ada"], {}),
    ("null", "null", {}),
    ("no JSON", "{", {}),
    ("a name twice", '{"name": {}, "name": {"firstName": "Ada"}}', {}),
    ("deeply nested", '{"name":' + "[" * 900 + "]" * 900 + "}", {}),
    ("empty", "", {}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("user", "names"), [row[1:] for row in USERS], ids=ids(USERS))
def test_a_name_beside_the_code_is_a_name_and_nothing_else(
    apple_style: AppleStyleProvider, browser: Browser, user: Any, names: dict[str, Any]
) -> None:
    tell_name(apple_style, user)

    assert sign_in(apple_style, browser).status_code == 302

    connection = OAuthConnection.objects.get()
    assert {name: value for name, value in connection.claims.items() if "name" in name} == names
    assert (connection.provider_user_id, connection.email, connection.email_verified) == ("alice", RELAY, True)


@pytest.mark.django_db
def test_an_address_beside_the_code_opens_no_account(apple_style: AppleStyleProvider, browser: Browser) -> None:
    """Nobody signed it: the browser could have written anything."""
    victim = get_user_model().objects.create_user("victim", "victim@example.org", "a password")
    apple_style.users.change("alice", email="", preferred_username="alice")
    tell_name(apple_style, {**FULL, "email_verified": True})

    assert sign_in(apple_style, browser).status_code == 302

    connection = OAuthConnection.objects.get()
    assert connection.user != victim
    assert (connection.email, connection.email_verified) == ("", False)
    assert "email" not in connection.claims
    assert connection.claims["name"] == "Ada Byron"


@pytest.mark.django_db
def test_no_class_takes_more_than_names_from_beside_the_code(
    apple_style: AppleStyleProvider, browser: Browser, settings: Settings
) -> None:
    """What a site's own class would believe does not get far."""
    rights = {"groups_claim": "groups", "superuser_groups": ["admins"]}
    settings.OIDC_LOGIN_PROVIDERS = {"apple": entry(apple_style, **{"class": f"{__name__}.Gullible"}, **rights)}
    tell_name(apple_style, {"sub": "victim", "email": "v@x.example", "name": "V", "groups": ["admins"]})

    assert sign_in(apple_style, browser).status_code == 302

    connection = OAuthConnection.objects.get()
    assert (connection.provider_user_id, connection.email) == ("alice", RELAY)
    assert connection.claims["name"] == "V"
    assert not connection.user.is_superuser


class Gullible(AppleProvider):
    def claims_from_response(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        claims: dict[str, Any] = json.loads(parameters["user"])
        return claims


@pytest.mark.django_db
def test_a_name_that_came_once_stays(apple_style: AppleStyleProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"apple": entry(apple_style, profile_map={"first_name": "given_name"})}
    tell_name(apple_style, FULL)
    assert sign_in(apple_style, browser).status_code == 302
    apple_style.mend("authorize")

    assert sign_in(apple_style, browser).status_code == 302

    connection = OAuthConnection.objects.get()
    assert (connection.claims["given_name"], connection.claims["name"]) == ("Ada", "Ada Byron")
    assert connection.user.first_name == "Ada"


@pytest.mark.django_db
@pytest.mark.parametrize("values", [[json.dumps(FULL)] * 2, ["y" * 3000]], ids=["twice", "too long"])
def test_a_name_as_no_provider_sends_it_ends_the_sign_in(
    apple_style: AppleStyleProvider, browser: Browser, values: list[str]
) -> None:
    def tell_all(good: AuthorizationAnswer) -> AuthorizationAnswer:
        for value in values:
            good = good.and_also("user", value)
        return good

    apple_style.bend("authorize", tell_all)

    response = sign_in(apple_style, browser)

    assert response.status_code == 400
    assert not OAuthConnection.objects.exists()
    assert "token" not in apple_style.asked()


@pytest.mark.django_db
def test_a_name_on_its_way_is_sealed(apple_style: AppleStyleProvider, browser: Browser) -> None:
    tell_name(apple_style, FULL)

    posted = browser.sign_in(apple_style, "apple")

    assert posted.status_code == 303
    assert "Byron" not in posted["Location"]


@pytest.mark.django_db
def test_other_parameters_beside_the_code_say_nothing(apple_style: AppleStyleProvider, browser: Browser) -> None:
    tell_name(apple_style, FULL, key="names")

    assert sign_in(apple_style, browser).status_code == 302
    assert "name" not in OAuthConnection.objects.get().claims


# The issuer


@pytest.mark.django_db
@pytest.mark.parametrize("named", ["https://appleid.apple.com", "https://account.apple.com"])
@pytest.mark.parametrize("signed", ["https://appleid.apple.com", "https://account.apple.com"])
def test_an_identity_outlives_the_name_of_the_issuer(
    apple_style: AppleStyleProvider, browser: Browser, named: str, signed: str
) -> None:
    """In June 2025 the document named another issuer than the tokens, for some days."""

    def say(token: UnsignedToken) -> UnsignedToken:
        token.claims["iss"] = signed
        return in_words(token)

    apple_style.bend("discovery", lambda good: Answer.of_json({**good.json, "issuer": named}))
    apple_style.bend("id_token", say)
    apple_style.expected_audience = "https://appleid.apple.com"

    assert sign_in(apple_style, browser).status_code == 302
    assert OAuthConnection.objects.get().issuer == "https://appleid.apple.com"


@pytest.mark.django_db
def test_no_other_issuer_is_apples(apple_style: AppleStyleProvider, browser: Browser) -> None:
    apple_style.bend("discovery", lambda good: Answer.of_json({**good.json, "issuer": "https://apple.example"}))

    assert browser.begin("apple").status_code == 502


@pytest.mark.django_db
def test_a_person_who_cancels_at_apple_comes_back(apple_style: AppleStyleProvider, browser: Browser) -> None:
    apple_style.bend("authorize", lambda good: good.with_(error="user_cancelled_authorize"))

    posted = browser.sign_in(apple_style, "apple", user=None)
    response = browser.get(posted["Location"], cross_site=True)

    assert (response.status_code, response["Location"]) == (302, "/oauth/")
