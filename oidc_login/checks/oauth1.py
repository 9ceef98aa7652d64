"""The check of an OAuth 1.0 provider's secret."""

from __future__ import annotations

from collections.abc import Iterator

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.providers.base import OAuthProvider

SIGNING_SECRET_MISSING = Report(
    "E081",
    "{entry}: signature_method {method!r} needs a client_secret.",
    'Write "client_secret": os.environ["{variable}"].',
)


def check_oauth1_secret(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """Without an RSA key, the secret signs (RFC 5849 3.4.2)."""
    method = provider.signature_method
    if method is None or "client_secret" in entry.broken:
        return
    if method != "RSA-SHA1" and not any(provider.client_secrets):
        yield SIGNING_SECRET_MISSING.problem("client_secret", method=method)
