"""Diagnose a provider: make the requests of a sign-in without signing anybody in.

The diagnosis neither reads nor writes the shared cache, except for the note about unreadable groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from oidc_login.diagnosis.client import look_at_client, look_at_redirect
from oidc_login.diagnosis.document import look_at_document
from oidc_login.diagnosis.findings import Finding as Finding
from oidc_login.diagnosis.site import callback_url, look_at_cache
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import build_provider
from oidc_login.signin.groups_claim import REASONS
from oidc_login.signin.provisioning import last_unreadable


def diagnose(key: str, configuration: Mapping[str, Any]) -> Iterator[Finding]:
    """Make the requests of a sign-in to a provider, and yield one finding for each result."""
    try:
        provider = build_provider(key, configuration)
    except ImproperlyConfigured as error:
        # The message of a class may quote the value, so show only the type of the error.
        problem = type(error.__cause__).__name__ if error.__cause__ else error
        yield Finding(subject="settings", is_good=False, text=f"{problem}: see `manage.py check`.")
        return
    with time_budget(MAX_TIMEOUT):
        yield from look_at_provider(provider)
    yield from look_at_groups(provider)
    yield from look_at_cache()
    yield Finding(subject="callback", is_good=None, text=f"register this URL with the provider: {callback_url(key)}")


def look_at_provider(provider: OAuthProvider) -> Iterator[Finding]:
    """Check what the provider publishes, then whether it accepts the client."""
    if provider.has_id_token:
        provider.share_documents(None)
        for finding in look_at_document(provider):
            yield finding
            if finding.subject == "description" and not finding.is_good:
                return  # all other requests would fail for the same reason
    url = callback_url(provider.key, unknown_host="localhost")
    yield look_at_client(provider, url)
    yield from look_at_redirect(provider, callback_url(provider.key))


def look_at_groups(provider: OAuthProvider) -> Iterator[Finding]:
    """Report a groups claim that sign-ins could not read; nothing else shows it."""
    note = last_unreadable(provider.key) if provider.groups_paths else {}
    if note:
        reason = REASONS.get(note["reason"], note["reason"])
        text = (
            f"The claim {note['claim']!r} cannot be read: {reason}. First seen {note['seen_at']}: see `groups_claim`."
        )
        yield Finding(subject="groups", is_good=None, text=text)
