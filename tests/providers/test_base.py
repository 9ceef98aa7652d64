"""What every provider has: its arguments, its authorization request, and classes of three methods."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from typing import Any

import pytest
import requests
from django.http import HttpRequest

from oidc_login.providers import OAuthProvider, OAuthToken, OAuthUser, OIDCProvider
from oidc_login.providers.values import subject_of
from oidc_login.testing import GitHubStyleProvider
from tests.providers.flows import CALLBACK, VERIFIER, asked_parameters, code_from, exchange
from tests.support.signing import ids


class ForgeProvider(OAuthProvider):
    """A class as sites have written them: three methods, and HTTP by hand."""

    default_scope = "user:email"

    def __init__(self, *, base_url: str = "https://forge.example", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base_url = base_url

    @property
    def authorization_url(self) -> str:  # type: ignore[override]  # the base class has a plain attribute
        return f"{self.base_url}/login/oauth/authorize"

    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        answer = requests.post(
            f"{self.base_url}/login/oauth/access_token",
            data={
                "client_id": self.get_client_id(),
                "client_secret": self.get_client_secret(),
                "code": code,
                "redirect_uri": self.get_callback_url(request=request),
                **self.further_parameters(request),
            },
            headers={"Accept": "application/json"},
            timeout=5,
        )
        return OAuthToken(access_token=answer.json()["access_token"])

    def further_parameters(self, request: HttpRequest) -> dict[str, str]:
        return {}

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        headers = {"Authorization": f"Bearer {oauth_token.access_token}"}
        answer = requests.get(f"{self.base_url}/user", headers=headers, timeout=5).json()
        return OAuthUser(id=answer["id"], email="alice@example.org", username=answer["login"])


class ForgeProviderWithPKCE(ForgeProvider):
    uses_pkce = True

    def further_parameters(self, request: HttpRequest) -> dict[str, str]:
        return {"code_verifier": self.get_code_verifier(request)}


def forge(provider_class: type[ForgeProvider] = ForgeProvider, **arguments: Any) -> ForgeProvider:
    return provider_class(**{"provider_key": "forge", "client_id": "client", "client_secret": "secret", **arguments})


# A class of three methods


@pytest.mark.parametrize("provider_class", [ForgeProvider, ForgeProviderWithPKCE])
def test_a_class_of_three_methods_signs_in(github: GitHubStyleProvider, provider_class: type[ForgeProvider]) -> None:
    provider = forge(provider_class, base_url=github.base_url)
    token = exchange(github, provider)
    claims = provider.get_userinfo(token, claims={})
    assert claims == {"sub": "42", "email": "alice@example.org", "preferred_username": "alice"}
    posted = github.requests[0].form
    assert posted["redirect_uri"] == CALLBACK
    assert ("code_verifier" in posted) is (provider_class is ForgeProviderWithPKCE)


def test_a_class_with_a_token_request_of_its_own_is_sent_no_challenge() -> None:
    """Its request may leave the verifier out, and would then fail."""
    assert "code_challenge" not in asked_parameters(forge())
    assert asked_parameters(forge(ForgeProviderWithPKCE))["code_challenge_method"] == "S256"


def test_a_challenge_that_is_sent_is_enforced(github: GitHubStyleProvider) -> None:
    class Forgetful(ForgeProvider):
        uses_pkce = True

    provider = forge(Forgetful, base_url=github.base_url)
    assert code_from(github, provider)
    with pytest.raises(KeyError):
        exchange(github, provider)


def test_a_class_without_the_three_methods_says_which_is_missing() -> None:
    provider = OAuthProvider(provider_key="x", client_id="client")
    token = OAuthToken(access_token="a")
    for call in (
        lambda: provider.get_oauth_token(code="c", request=HttpRequest()),
        lambda: provider.get_oauth_user(oauth_token=token),
        lambda: provider.refresh_oauth_token(oauth_token=token),
    ):
        with pytest.raises(NotImplementedError):
            call()


# The authorization request


def test_the_request_is_that_of_its_flow() -> None:
    assert asked_parameters(forge()) == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": CALLBACK,
        "scope": "user:email",
        "state": "CANARY-state",
    }


def test_the_challenge_is_that_of_the_flows_verifier() -> None:
    """RFC 7636 4.2, with the verifier of that flow and of no other."""
    for verifier in (VERIFIER, VERIFIER[:-1] + "w"):
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = asked_parameters(forge(ForgeProviderWithPKCE), code_verifier=verifier)["code_challenge"]
        assert urlsafe_b64decode(challenge + "=") == digest


def test_further_parameters_come_from_settings() -> None:
    parameters = asked_parameters(forge(authorization_params={"prompt": "consent", "empty": "", "none": None}))
    assert parameters["prompt"] == "consent"
    assert not {"empty", "none"} & parameters.keys()


FIXED = {
    "response_type": "token",
    "client_id": "evil",
    "redirect_uri": "https://evil.example",
    "state": "fixed",
    "code_challenge": "fixed",
    "code_challenge_method": "plain",
}


@pytest.mark.parametrize("name", FIXED)
def test_no_setting_replaces_what_binds_the_answer_to_the_flow(name: str) -> None:
    good = asked_parameters(forge(ForgeProviderWithPKCE))
    bent = asked_parameters(forge(ForgeProviderWithPKCE, authorization_params={name: FIXED[name]}))
    assert bent == good


@pytest.mark.parametrize("name", FIXED)
def test_no_subclass_replaces_it_by_the_way(name: str) -> None:
    class Careless(ForgeProviderWithPKCE):
        def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
            return {**super().get_authorization_url_params(request=request), name: FIXED[name]}

    assert asked_parameters(forge(Careless)) == asked_parameters(forge(ForgeProviderWithPKCE))


def test_no_parameter_of_a_flow_replaces_it() -> None:
    """`login_hint` and the like, which came with the request that began the flow."""
    flow = {"parameters": {**FIXED, "login_hint": "alice"}}
    assert asked_parameters(forge(ForgeProviderWithPKCE), **flow) == {
        **asked_parameters(forge(ForgeProviderWithPKCE)),
        "login_hint": "alice",
    }


# Arguments


@pytest.mark.parametrize("scope", ["user repo", ["user", "repo"], ("user", "repo")])
def test_a_scope_is_text_or_a_list(scope: Any) -> None:
    assert asked_parameters(forge(scope=scope))["scope"] == "user repo"


def test_an_empty_scope_is_not_sent() -> None:
    assert "scope" not in asked_parameters(forge(scope=""))


@pytest.mark.parametrize(
    ("provider_key", "label", "seen", "initials"),
    [
        ("forge", None, "Forge", "F"),
        ("our-forge_2", None, "Our Forge 2", "O"),
        ("forge", "Die Schmiede", "Die Schmiede", "D"),
        ("forge", "ärzte", "ärzte", "Ä"),
    ],
)
def test_a_button_has_a_name(provider_key: str, label: str | None, seen: str, initials: str) -> None:
    provider = forge(provider_key=provider_key, label=label)
    assert (provider.label, provider.initials(), provider.key) == (seen, initials, provider_key)


def test_secrets_may_be_one_several_or_none() -> None:
    for given, first in (("one", "one"), (["new", "old"], "new"), ([], ""), ("", "")):
        assert forge(client_secret=given).get_client_secret() == first


def test_nothing_secret_is_shown() -> None:
    provider = forge(client_secret="CANARY")
    token = OAuthToken(access_token="CANARY", refresh_token="CANARY", id_token="CANARY", scope="user")
    user = OAuthUser(id=1, email="CANARY", username="CANARY", name="CANARY", picture="CANARY", claims={"a": "CANARY"})
    assert "CANARY" not in f"{provider!r} {provider} {token!r} {user!r}"


# The person

USERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("only an id", {"id": "x"}, {"sub": "x"}),
    ("a number as id", {"id": 42}, {"sub": "42"}),
    ("a class cannot set another sub", {"id": 42, "claims": {"sub": "1", "iss": "x"}}, {"sub": "42", "iss": "x"}),
    (
        "a vouched address",
        {"id": "x", "email": "a@x", "email_verified": True},
        {"email": "a@x", "email_verified": True},
    ),
    ("an address", {"id": "x", "email": "a@x"}, {"email": "a@x"}),
    (
        "names",
        {"id": "x", "username": "u", "name": "N", "picture": "p"},
        {"preferred_username": "u", "name": "N", "picture": "p"},
    ),
    ("further claims", {"id": "x", "claims": {"groups": ["a"]}}, {"groups": ["a"]}),
    (
        "the address of the raw answer is not the vouched one",
        {"id": "x", "email": "a@x", "email_verified": True, "claims": {"email": "b@x"}},
        {"email": "a@x", "email_verified": True},
    ),
    (
        "the raw answer vouches for its own address alone",
        {"id": "x", "email": "a@x", "claims": {"email": "b@x", "email_verified": True}},
        {"email": "a@x"},
    ),
    (
        "the raw answer vouches for the same address",
        {"id": "x", "email": "a@x", "claims": {"email": "a@x", "email_verified": True}},
        {"email": "a@x", "email_verified": True},
    ),
    (
        "the raw answer denies",
        {"id": "x", "email": "a@x", "claims": {"email_verified": False}},
        {"email": "a@x", "email_verified": False},
    ),
    (
        "the raw answer alone has an address",
        {"id": "x", "email_verified": True, "claims": {"email": "b@x"}},
        {"email": "b@x"},
    ),
]


@pytest.mark.parametrize(("user", "claims"), [row[1:] for row in USERS], ids=ids(USERS))
def test_a_person_is_told_in_standard_claims(user: dict[str, Any], claims: dict[str, Any]) -> None:
    """Core 5.1; an address and its verification come from one source."""
    assert OAuthUser(**user).as_claims() == {"sub": str(user["id"]), **claims}


@pytest.mark.parametrize(
    ("user_id", "subject"),
    [("x", "x"), (7, "7"), (0, "0"), (10**20, "1" + "0" * 20), ("", ""), (None, ""), (True, ""), (1.5, ""), ([1], "")],
)
def test_only_text_and_whole_numbers_identify(user_id: object, subject: str) -> None:
    assert subject_of(user_id) == subject


# Whether the provider vouches for the address (Core 5.1)


class StringyProvider(OIDCProvider):
    sends_booleans_as_strings = True


VOUCHED: list[tuple[Any, bool, bool, bool]] = [
    # email_verified, accepted, with trust_email, where booleans are sent as strings
    (True, True, True, True),
    (False, False, False, False),
    (None, False, True, False),
    ("true", False, False, True),
    ("True", False, False, False),
    ("false", False, False, False),
    ("", False, False, False),
    (1, False, False, False),
    ([True], False, False, False),
    ({}, False, False, False),
]


@pytest.mark.parametrize(("value", "accepted", "trusted", "stringy"), VOUCHED)
def test_only_true_vouches_for_an_address(value: Any, accepted: bool, trusted: bool, stringy: bool) -> None:
    claims = {"email": "a@x"} if value is None else {"email": "a@x", "email_verified": value}
    arguments: dict[str, Any] = {"provider_key": "op", "client_id": "client", "issuer": "https://op.example"}
    assert OIDCProvider(**arguments).is_email_verified(claims) is accepted
    assert OIDCProvider(**arguments, trust_email=True).is_email_verified(claims) is trusted
    assert StringyProvider(**arguments).is_email_verified(claims) is stringy


def test_an_explicit_null_says_nothing() -> None:
    assert forge(trust_email=True).is_email_verified({"email_verified": None}) is True
    assert forge().is_email_verified({"email_verified": None}) is False
