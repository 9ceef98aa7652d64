"""The checks of OAuth 1.0 providers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from oidc_login.checks.entries import Entry
from oidc_login.checks.parts import PART_MISSING, missing_parts
from oidc_login.checks.reports import Problem, Report
from oidc_login.providers.base import OAuthProvider

PARTS: Mapping[str, tuple[str, ...]] = {
    "request_token_endpoint": ("prepare_flow",),
    "authorization_endpoint": ("get_authorization_url",),
    "access_token_endpoint": ("get_oauth_token",),
}
USERINFO_PARTS: Mapping[str, tuple[str, ...]] = {"user_from_userinfo": ("get_oauth_user", "get_userinfo")}

SIGNING_SECRET_MISSING = Report(
    "E081",
    "{entry}: signature_method {method!r} needs a client_secret.",
    'Write "client_secret": os.environ["{variable}"].',
)


def oauth1_class(provider: OAuthProvider) -> type[OAuthProvider] | None:
    """Return `OAuth1Provider` if the provider is one.

    Its module is loaded then, and is not imported for other providers: it needs an extra.
    """
    module = sys.modules.get("oidc_login.providers.oauth1")
    if module is None or not isinstance(provider, module.OAuth1Provider):
        return None
    return module.OAuth1Provider  # type: ignore[no-any-return]  # of a module that was looked up


def check_oauth1_parts(entry: Entry, provider: Any) -> Iterator[Problem]:
    """A class of OAuth 1.0 defines its endpoints, and what an answer about the person means."""
    base = oauth1_class(provider)
    if base is None:
        return
    parts = {**PARTS, **USERINFO_PARTS} if provider.userinfo_endpoint else PARTS
    for part, ways in missing_parts(entry, provider, base, parts):
        yield PART_MISSING.problem(part=part, alternatives=ways)


def check_oauth1_secret(entry: Entry, provider: Any) -> Iterator[Problem]:
    """Without an RSA key, the secret signs (RFC 5849 3.4.2)."""
    if oauth1_class(provider) is None or "client_secret" in entry.broken:
        return
    method = provider.signature_method
    if method != "RSA-SHA1" and not any(provider._client_secrets):
        yield SIGNING_SECRET_MISSING.problem("client_secret", method=method)
