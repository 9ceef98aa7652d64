"""What can be found out about a provider while nobody signs in: everything that a sign-in would ask it.

Nothing is taken from what the site's processes share, but for the note about groups, and nothing is left there.
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
    """Ask a provider what a sign-in would ask it, and yield what came of it, one finding after the other."""
    try:
        provider = build_provider(key, configuration)
    except ImproperlyConfigured as error:
        # What a class says of a value may quote it, so its kind alone is told.
        problem = type(error.__cause__).__name__ if error.__cause__ else error
        yield Finding(subject="settings", is_good=False, text=f"{problem}: see `manage.py check`.")
        return
    with time_budget(MAX_TIMEOUT):
        yield from look_at_provider(provider)
    yield from look_at_groups(provider)
    yield from look_at_cache()
    yield Finding(subject="callback", is_good=None, text=f"has to be registered there: {callback_url(key)}")


def look_at_provider(provider: OAuthProvider) -> Iterator[Finding]:
    """Look at what the provider publishes, then at what it thinks of the client, if it can be asked."""
    if provider.has_id_token:
        provider.share_documents(None)
        for finding in look_at_document(provider):
            yield finding
            if finding.subject == "description" and not finding.is_good:
                return  # every further request would fail for the same reason
    url = callback_url(provider.key, unknown_host="localhost")
    yield look_at_client(provider, url)
    yield from look_at_redirect(provider, callback_url(provider.key))


def look_at_groups(provider: OAuthProvider) -> Iterator[Finding]:
    """Tell of a claim about groups that sign-ins could not read; there is no other way to see one."""
    note = last_unreadable(provider.key) if provider.groups_paths else {}
    if note:
        reason = REASONS.get(note["reason"], note["reason"])
        text = (
            f"The claim {note['claim']!r} cannot be read: {reason}. First seen {note['seen_at']}: see `groups_claim`."
        )
        yield Finding(subject="groups", is_good=None, text=text)
