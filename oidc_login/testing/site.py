"""Replaces the providers in a site's settings, for the site's own tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.test import Client, override_settings

from oidc_login.providers.oidc import OIDCProvider
from oidc_login.registry import argument_names, get_configurations, get_provider
from oidc_login.testing.openid import OpenIDProvider
from oidc_login.testing.server import serve
from oidc_login.testing.sign_in import sign_in
from oidc_login.testing.users import User

DEFAULT_KEY = "op"
CLIENT = {"client_id": "client", "client_secret": "a secret for tests, of 32 bytes or more"}
CLAIMS: Mapping[str, Any] = {"sub": "ada", "preferred_username": "ada", "email": "ada@example.org"}
# The arguments that locate the site's provider and authenticate the client.
REPLACED = (
    "class", "issuer", "discovery_url", "metadata", "client_id", "client_secret", "client_key", "ca_bundle", "proxy",
    "client_assertion_file", "token_endpoint_auth_method", "callback",
    "push_authorization_requests", "id_token_signing_algs",
)  # fmt: skip


@contextmanager
def served_for_site() -> Iterator[tuple[OpenIDProvider, dict[str, dict[str, Any]]]]:
    """Serve a provider, and return settings that replace the site's OpenID providers with it.

    The site's rules for domains, groups, linking and sign-up still apply.
    """
    provider = OpenIDProvider(client_id=CLIENT["client_id"], client_secret=CLIENT["client_secret"], users=[])
    with serve(provider) as issuer:
        yield provider, standing_in(issuer)


def standing_in(issuer: str) -> dict[str, dict[str, Any]]:
    entries = {key: dict(entry) for key, entry in get_configurations().items()}
    openid = [key for key in entries if get_provider(key).has_id_token]
    kept = {key: kept_of(entry) if key in openid else entry for key, entry in entries.items()}
    if not openid:
        kept[DEFAULT_KEY], openid = {}, [DEFAULT_KEY]
    return {key: {**entry, "issuer": issuer, **CLIENT} if key in openid else entry for key, entry in kept.items()}


def kept_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules of an entry that the generic class supports."""
    known = argument_names(OIDCProvider)
    return {name: value for name, value in entry.items() if name in known and name not in REPLACED}


def sign_in_with(
    provider: OpenIDProvider,
    claims: Mapping[str, Any] | None = None,
    *,
    groups: Sequence[str] | None = None,
    provider_key: str | None = None,
) -> Client:
    """Sign a person in with these claims, and return their client.

    Without claims, it is Ada, whose address is verified. `groups` go into the site's `groups_claim`.
    """
    key = provider_key or first_key(provider)
    told = {**CLAIMS, **(claims or {})}
    told.setdefault("email_verified", True)
    if groups is not None:
        told = {**told, **groups_claim(key, list(groups))}
    subject = str(told.pop("sub"))
    provider.users.add(User(subject, claims=told))
    client = Client()
    response = sign_in(client, provider, key, user=subject)
    if response.status_code >= 400:
        code = getattr(response.context and response.context.get("oauth_error"), "code", "")
        raise AssertionError(f"the sign-in was refused: HTTP {response.status_code} {code}".rstrip())
    return client


def first_key(provider: OpenIDProvider) -> str:
    """Return the first key of the provider in the site's settings."""
    return next(key for key, entry in get_configurations().items() if entry.get("issuer") == provider.issuer)


def groups_claim(provider_key: str, groups: list[str]) -> dict[str, Any]:
    """Return the groups as a claim at the path of the site's settings."""
    paths = get_provider(provider_key).groups_paths
    value: Any = groups
    for name in reversed((paths[0] if paths else "groups").split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


class OIDCTestMixin:
    """For a `TestCase` without pytest: serves the provider during each test."""

    oidc_provider: OpenIDProvider

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]  # of the TestCase beside this class
        context = served_for_site()
        self.oidc_provider, configuration = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)  # type: ignore[attr-defined]  # as above
        override = override_settings(OIDC_LOGIN_PROVIDERS=configuration)
        override.enable()
        self.addCleanup(override.disable)  # type: ignore[attr-defined]  # as above

    def sign_in_as(self, claims: Mapping[str, Any] | None = None, **options: Any) -> Client:
        return sign_in_with(self.oidc_provider, claims, **options)
