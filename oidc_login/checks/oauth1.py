"""The checks of OAuth 1.0 providers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from oidc_login.checks.arguments import problem
from oidc_login.checks.entries import Entry
from oidc_login.checks.messages import Problem
from oidc_login.checks.parts import missing_parts
from oidc_login.providers.base import OAuthProvider

PARTS: Mapping[str, tuple[str, ...]] = {
    "request_token_endpoint": ("prepare_flow",),
    "authorization_endpoint": ("get_authorization_url",),
    "access_token_endpoint": ("get_oauth_token",),
}
USERINFO_PARTS: Mapping[str, tuple[str, ...]] = {"user_from_userinfo": ("get_oauth_user", "get_userinfo")}


def oauth1_class(provider: OAuthProvider) -> type[OAuthProvider] | None:
    """Return `OAuth1Provider` if the provider is one.

    Its module is there then already, and is not imported for the sake of others: it needs an extra.
    """
    module = sys.modules.get("oidc_login.providers.oauth1")
    if module is None or not isinstance(provider, module.OAuth1Provider):
        return None
    return module.OAuth1Provider  # type: ignore[no-any-return]  # of a module that was looked up


def check_oauth1_parts(entry: Entry, provider: Any) -> Iterator[Problem]:
    """A class of OAuth 1.0 says where its steps are, and what an answer about the person means."""
    base = oauth1_class(provider)
    if base is None:
        return
    parts = {**PARTS, **USERINFO_PARTS} if provider.userinfo_endpoint else PARTS
    for part, ways in missing_parts(entry, provider, base, parts):
        yield problem("E019", part=part, alternatives=ways)


def check_oauth1_secret(entry: Entry, provider: Any) -> Iterator[Problem]:
    """Without an RSA key it is the secret that signs (RFC 5849 3.4.2)."""
    if oauth1_class(provider) is None or "client_secret" in entry.broken:
        return
    method = provider.signature_method
    if method != "RSA-SHA1" and not any(provider._client_secrets):
        yield problem("E081", "client_secret", method=method)
