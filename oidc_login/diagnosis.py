"""What can be found out about a provider while nobody signs in: everything that a sign-in would ask it.

Nothing is taken from what the site's processes share, but for the note about groups, and nothing is left there.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from oidc_login.advice import ADVICE
from oidc_login.conf import settings
from oidc_login.exceptions import ClientRefused, CodeRefused, from_protocol
from oidc_login.flow.old_callbacks import old_callback
from oidc_login.protocol.errors import ProtocolError, ProviderUnavailable, TokenErrorResponse
from oidc_login.protocol.http.client import MAX_TIMEOUT, Request, Response, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import build_provider, callback_name
from oidc_login.signin.groups_claim import REASONS
from oidc_login.signin.provisioning import last_unreadable

MADE_UP_CODE = "oidc-login-diagnosis"

FAULT = "The provider has a fault of its own or wants fewer requests (5xx, 429): see its status page."
UNUSABLE = "The provider gave an answer that cannot be used: see whether a proxy answers instead, and `metadata`."
CLIENT_REFUSED = (
    "The provider does not accept the client: see `client_id`, and whether `client_secret` or `client_key` has expired "
    "or was replaced there."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `None` is what nobody can tell from here."""

    subject: str
    is_good: bool | None
    text: str


def diagnose(key: str, configuration: Mapping[str, Any]) -> Iterator[Finding]:
    """Ask a provider what a sign-in would ask it, and say what came of it, one finding after the other."""
    try:
        provider = build_provider(key, configuration)
    except ImproperlyConfigured as error:
        # What a class says of a value may quote it, so its kind alone is told.
        problem = type(error.__cause__).__name__ if error.__cause__ else error
        yield Finding(subject="settings", is_good=False, text=f"{problem}: see `manage.py check`.")
        return
    with time_budget(MAX_TIMEOUT):
        if provider.has_id_token:
            provider.share_documents(None)
            yield from look(provider)
        yield look_at_client(provider)
    yield from look_at_groups(provider)
    yield Finding(subject="callback", is_good=None, text=f"has to be registered there: {callback_url(key)}")


def look(provider: OAuthProvider) -> Iterator[Finding]:
    """Look at the provider's document, at its keys and at its clock."""
    try:
        metadata = provider.get_metadata()
    except ProtocolError as error:
        yield failed("description", error)
        return
    yield Finding(subject="description", is_good=True, text=f"of {metadata.issuer}")
    try:
        yield look_at_keys(provider)
    except ProtocolError as error:
        yield failed("keys", error)
    if provider.discovery_url:
        yield from look_at_clock(provider)


def look_at_keys(provider: OAuthProvider) -> Finding:
    """Some key must be fit for some algorithm that ID tokens may be signed with."""
    algorithms, keys = provider.get_signing_algorithms(), provider.get_keys().keys
    fit = [key for key in keys if any(map(key.may_verify, algorithms))]
    if fit:
        return Finding(subject="keys", is_good=True, text=f"{len(fit)} for {', '.join(algorithms)}")
    text = f"None of {len(keys)} is for {', '.join(algorithms)}: see `id_token_signing_algs`."
    return Finding(subject="keys", is_good=False, text=text)


def look_at_clock(provider: OAuthProvider) -> Iterator[Finding]:
    """Times of ID tokens are compared with the clock of this machine, which may be wrong by `leeway`."""
    try:
        response = provider.transport.send(Request(method="GET", url=provider.discovery_url))
    except ProtocolError as error:
        yield failed("clock", error)
        return
    theirs = time_of(response)
    if theirs is None:
        return
    ahead = round(time.time() - theirs)
    if abs(ahead) <= provider.leeway:
        yield Finding(subject="clock", is_good=True, text=f"{abs(ahead)} s from the provider's")
        return
    text = f"This machine's is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} the provider's: set it."
    yield Finding(subject="clock", is_good=False, text=text)


def time_of(response: Response) -> float | None:
    """Return when an answer was sent; one that a cache has kept says for how long (RFC 9111 5.1)."""
    age = response.headers.get("age", "")
    try:
        sent_at = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return sent_at + (int(age) if age.isdecimal() and len(age) < 10 else 0)


def look_at_client(provider: OAuthProvider) -> Finding:
    """Show the provider a code that nobody gave: whether it is the code or the client that it refuses."""
    if not provider.makes_standard_token_requests():
        return Finding(
            subject="client", is_good=None, text="The provider's class has a way of its own, not tried here."
        )
    verifier = {"code_verifier": secrets.token_urlsafe(48)} if provider.sends_code_challenge() else {}
    url = callback_url(provider.key, unknown_host="localhost")
    made_up = {"grant_type": "authorization_code", "code": MADE_UP_CODE, "redirect_uri": url}
    try:
        provider.exchange_grant({**made_up, **verifier})
    except TokenErrorResponse as error:
        return judged(error)
    except ProtocolError as error:
        return failed("client", error)
    return Finding(subject="client", is_good=False, text="The provider gave tokens for a code that nobody gave.")


def look_at_groups(provider: OAuthProvider) -> Iterator[Finding]:
    """Tell of a claim about groups that sign-ins could not read; there is no other way to see one."""
    note = last_unreadable(provider.key) if provider.groups_paths else {}
    if note:
        reason = REASONS.get(note["reason"], note["reason"])
        text = (
            f"The claim {note['claim']!r} cannot be read: {reason}. First seen {note['seen_at']}: see `groups_claim`."
        )
        yield Finding(subject="groups", is_good=None, text=text)


def judged(error: TokenErrorResponse) -> Finding:
    """Say what an error response to a made-up code means for the client."""
    seen = from_protocol(error)
    if isinstance(seen, CodeRefused):
        return Finding(subject="client", is_good=True, text="is accepted; a code that nobody gave is not")
    if isinstance(seen, ClientRefused):
        return Finding(subject="client", is_good=False, text=f"{error.reason}: {CLIENT_REFUSED}")
    text = f"The provider answers a made-up code with {error.reason}, which may be about either."
    return Finding(subject="client", is_good=None, text=text)


def failed(subject: str, error: ProtocolError) -> Finding:
    other = FAULT if isinstance(error, ProviderUnavailable) else UNUSABLE
    return Finding(subject=subject, is_good=False, text=f"{error.reason}: {ADVICE.get(error.reason, other)}")


def callback_url(key: str, *, unknown_host: str = "<your host>") -> str:
    """Return where the provider sends its answers; without `OIDC_LOGIN_BASE_URL` the host is not known here."""
    name, old = callback_name(key), old_callback(key)
    path = (
        reverse(old[0], args=old[1]) if old else reverse(name) if name else reverse("oidc_login:callback", args=[key])
    )
    return str(settings.BASE_URL or f"https://{unknown_host}").rstrip("/") + path
