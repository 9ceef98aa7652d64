"""Hooks that a site's own tests, commands and scripts call on a fresh backend, while nobody signs in."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import InvalidIDToken, TokenErrorResponse
from oidc_login.providers import get_provider
from tests.mozilla.conftest import ALICE, CALLBACK, SECRET, Change, LegacyProvider
from tests.mozilla.test_upstream_hooks import DocumentedBackend

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CLAIMS = {"sub": ALICE.sub, "email": "alice@example.org", "preferred_username": "alice", "given_name": "Alice"}
FORGE = {"class": "oidc_login.providers.GitHubProvider", "client_id": "forge", "client_secret": "x"}
VERIFIER = "the-verifier-of-a-script-that-has-enough-characters"


@pytest.fixture
def backend(after: Change) -> OIDCLoginBackend:
    after()
    return OIDCLoginBackend()


def code_for_a_script(op: LegacyProvider) -> str:
    """Return the code of an authorization request that the script itself has made."""
    challenge = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    parameters = {
        "response_type": "code",
        "client_id": op.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "state": "s",
        "nonce": "the nonce",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    answer = op.authorize(f"{op.base_url}/authorize?{urlencode(parameters)}", ALICE.sub)
    return dict(parse_qsl(urlsplit(answer).query))["code"]


def token_request(op: LegacyProvider) -> dict[str, Any]:
    return {
        "client_id": op.client_id,
        "client_secret": SECRET,
        "grant_type": "authorization_code",
        "code": code_for_a_script(op),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def test_hook_creates_and_finds_a_user(backend: OIDCLoginBackend, after: Change) -> None:
    user: Any = backend.create_user(CLAIMS)

    assert (user.get_username(), user.email, user.has_usable_password()) == ("alice", "alice@example.org", False)
    assert list(OIDCLoginBackend().filter_users_by_claims(CLAIMS)) == [user]
    assert list(OIDCLoginBackend().filter_users_by_claims({"email": "bob@example.org"})) == []
    assert OIDCLoginBackend().get_username(CLAIMS).startswith("alice-"), "the name is taken"
    assert backend.describe_user_by_claims(CLAIMS) == "an identity of oidc"
    assert not OAuthConnection.objects.exists()


def test_each_call_has_its_own_claims(backend: OIDCLoginBackend) -> None:
    first: Any = backend.create_user(CLAIMS)
    second: Any = backend.create_user({"sub": "2", "email": "bob@example.org"})

    assert (first.email, second.email) == ("alice@example.org", "bob@example.org")


def test_unverified_address_is_not_saved(backend: OIDCLoginBackend) -> None:
    user: Any = backend.create_user({**CLAIMS, "email_verified": False})

    assert user.email == ""


def test_hook_of_the_site_calls_ours(after: Change) -> None:
    after(f"{DocumentedBackend.__module__}.DocumentedBackend")

    user: Any = DocumentedBackend().create_user(CLAIMS)

    assert user.first_name == "Alice"
    assert DocumentedBackend().verify_claims({"groups": ["admin"]})


def test_tokens_claims_and_userinfo(backend: OIDCLoginBackend, legacy_op: LegacyProvider) -> None:
    tokens = backend.get_token(token_request(legacy_op))
    claims = backend.verify_token(tokens["id_token"])

    assert claims["sub"] == ALICE.sub
    assert backend.verify_token(tokens["id_token"], nonce="the nonce")["sub"] == ALICE.sub
    assert backend.get_userinfo(tokens["access_token"], tokens["id_token"], {})["email"] == ALICE.email
    assert not get_user_model().objects.exists()


def test_code_is_bound_to_its_verifier(backend: OIDCLoginBackend, legacy_op: LegacyProvider) -> None:
    with pytest.raises(TokenErrorResponse):
        backend.get_token({**token_request(legacy_op), "code_verifier": VERIFIER[::-1]})


def test_id_token_is_verified(backend: OIDCLoginBackend, legacy_op: LegacyProvider) -> None:
    token = backend.get_token(token_request(legacy_op))["id_token"]
    header, payload, signature = token.split(".")

    for bad in (f"{header}.{payload}.", f"{header}.{payload}.{signature[::-1]}", "", "x"):
        with pytest.raises(InvalidIDToken):
            backend.verify_token(bad)
    with pytest.raises(InvalidIDToken):
        backend.verify_token(token, nonce="another")


def test_grant_that_a_hook_cannot_have(backend: OIDCLoginBackend) -> None:
    with pytest.raises(ImproperlyConfigured, match="authorization_code"):
        backend.get_token({"grant_type": "password", "username": "alice", "password": "x"})


def test_site_names_the_provider_where_it_has_several(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"forge": FORGE}
    assert OIDCLoginBackend().describe_user_by_claims({}) == "an identity of forge"

    settings.OIDC_LOGIN_PROVIDERS = {"forge": FORGE, "other": {**FORGE, "client_id": "other"}}
    backend = OIDCLoginBackend()
    with pytest.raises(ImproperlyConfigured, match=r"backend\.provider = "):
        backend.describe_user_by_claims({})
    backend.provider = get_provider("other")
    assert backend.describe_user_by_claims({}) == "an identity of other"
    assert backend.verify_token("") == {}, "GitHub has no ID tokens"
