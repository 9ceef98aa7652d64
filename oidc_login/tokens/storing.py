"""Storing the outcome of a refresh, unless a sign-in, a revocation or a removal came first."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from django.db.models import Q
from django.dispatch import Signal
from django.views.decorators.debug import sensitive_variables

from oidc_login import signals
from oidc_login.choices import Status
from oidc_login.providers.values import OAuthToken
from oidc_login.tokens.backoff import forget_failures
from oidc_login.tokens.lease import Lease
from oidc_login.tokens.stored import StoredConnection

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

LEASE_FIELDS = ("refresh_lease", "refresh_lease_until")


class Storing:
    """Writes new tokens, or that the person has to sign in, and keeps the events to be sent afterwards."""

    def __init__(self, stored: StoredConnection, lease: Lease) -> None:
        self.events: list[tuple[Signal, str]] = []
        self._stored = stored
        self._lease = lease

    @sensitive_variables()
    def store_tokens(self, answer: OAuthToken, before: OAuthConnection) -> OAuthConnection | None:
        """Store the tokens that came in exchange for those in `before`.

        Return the row as it is stored now; `None` if the tokens that were exchanged are no longer the stored ones.
        """
        return self._store(answer, before) or self._store(answer, self._with_current_ciphertext(before))

    def mark_for_sign_in(self, row: OAuthConnection, reason: str, *conditions: Q) -> OAuthConnection | None:
        """Store that the person has to sign in, and return the row; `None` if they have just done so."""
        row = copy.copy(row)
        row.status, row.refresh_lease, row.refresh_lease_until = Status.NEEDS_REAUTH, "", None
        no_sign_in_since = Q(status=Status.OK, last_login_at=row.last_login_at)
        if not self._stored.update(row, ["status", *LEASE_FIELDS, "updated_at"], *conditions, no_sign_in_since):
            return None
        self.events.append((signals.connection_needs_reauth, reason))
        return row

    @sensitive_variables()
    def unless_replaced(self, row: OAuthConnection) -> Q:
        """Return the condition that nobody has replaced the refresh token; it may hold after the lease has ended."""
        stored = row.__dict__["refresh_token"]
        has_lease = Q(refresh_lease=self._lease.value)
        return has_lease | Q(refresh_token=stored) if stored else has_lease

    @sensitive_variables()
    def _store(self, answer: OAuthToken, before: OAuthConnection) -> OAuthConnection | None:
        unless_replaced = self.unless_replaced(before)
        row = copy.copy(before)
        row.set_refreshed_token(answer)
        refresh_token = ["refresh_token", "refresh_token_expires_at"] if answer.refresh_token else []
        always = [*refresh_token, *LEASE_FIELDS, "refreshed_at", "updated_at"]
        access_token = ["access_token", "access_token_expires_at", "scope"]
        if answer.refresh_token_expires_at:
            access_token.append("refresh_token_expires_at")
        no_sign_in_since = Q(last_login_at=row.last_login_at)
        if self._stored.update(row, [*access_token, *always], unless_replaced, no_sign_in_since):
            forget_failures(self._stored.pk)
            self.events.append((signals.token_refreshed, ""))
            return row
        # A sign-in stored a newer access token without a refresh token: the scope of this one may be smaller.
        if not self._stored.update(row, always, unless_replaced):
            return None
        return self._stored.read()

    @sensitive_variables()
    def _with_current_ciphertext(self, before: OAuthConnection) -> OAuthConnection:
        """Return what was read before, with the ciphertext that is stored now for the same refresh token.

        A rotation of keys replaces the ciphertext; it may do so after the lease has ended.
        """
        current, row = self._stored.rows().first(), copy.copy(before)
        if current is not None and current.refresh_token == before.refresh_token:
            row.__dict__["refresh_token"] = current.__dict__["refresh_token"]
        return row
