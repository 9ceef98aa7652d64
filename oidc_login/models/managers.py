"""The queryset and the manager of `OAuthConnection`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import connections, models, router
from django.db.models import Q
from django.utils import timezone

from oidc_login.choices import Status
from oidc_login.exceptions import IdentityUnbound
from oidc_login.fields import IDENTITY_FIELDS
from oidc_login.models import queries
from oidc_login.user_model import get_field

if TYPE_CHECKING:
    from oidc_login.models.connection import OAuthConnection
    from oidc_login.signin.claims import Identity

SHORTEST_INTERVAL = timedelta(seconds=30)  # between two refreshes in bulk


class ConnectionQuerySet(models.QuerySet["OAuthConnection"]):
    """Connections by what their tokens can be used for."""

    def usable(self) -> ConnectionQuerySet:
        """Return those of active users whose tokens are valid or can be refreshed, as far as is known here."""
        now = timezone.now()
        valid = ~Q(access_token="") & (Q(access_token_expires_at=None) | Q(access_token_expires_at__gt=now))
        return self._with_status_ok().filter(valid | self._renewable(now))

    def expiring(self, within: timedelta) -> ConnectionQuerySet:
        """Return those whose access token expires within this time or has expired, and can be refreshed.

        Those with a token that is only seconds old are left out, however short-lived it is.
        """
        now = timezone.now()
        just_now = (now - SHORTEST_INTERVAL, now + SHORTEST_INTERVAL)
        found = self._with_status_ok().filter(self._renewable(now), access_token_expires_at__lte=now + within)
        return found.exclude(refreshed_at__range=just_now).exclude(last_login_at__range=just_now)

    def _with_status_ok(self) -> ConnectionQuerySet:
        found = self.filter(status=Status.OK)
        return found if get_field("is_active") is None else found.filter(user__is_active=True)

    @staticmethod
    def _renewable(now: datetime) -> Q:
        return ~Q(refresh_token="") & (Q(refresh_token_expires_at=None) | Q(refresh_token_expires_at__gt=now))


class ConnectionManager(models.Manager["OAuthConnection"]):
    """Reads from the database that is written to: a replica may not have the newest connections yet."""

    def get_queryset(self) -> ConnectionQuerySet:
        return ConnectionQuerySet(self.model, using=self._db or router.db_for_write(self.model))

    def usable(self) -> ConnectionQuerySet:
        """Return those of active users whose tokens are valid or can be refreshed, as far as is known here."""
        return self.get_queryset().usable()

    def revoke_for(self, user: Any) -> list[OAuthConnection]:
        """Revoke all tokens of a user; return the connections for which the provider did not confirm it."""
        from oidc_login.tokens.revocation import revoke_all

        return revoke_all(self.get_queryset().filter(user=user).exclude(status=Status.REVOKED))

    def refresh_expiring(
        self,
        *,
        within: timedelta = timedelta(hours=1),
        provider_keys: Iterable[str] | None = None,
        concurrency: int = 8,
        per_second: float | None = None,
    ) -> dict[str, Any]:
        """Refresh the tokens that expire within this time; return their number and the outcomes.

        `concurrency` threads send requests to a provider at a time, at most `per_second` in a second. A provider that
        limits the rate gets a pause; if it wants more than a minute, the rest is left to the next run.
        """
        from oidc_login.tokens.bulk import BulkRefresh

        found = self.get_queryset().expiring(within)
        run = BulkRefresh(found, provider_keys=provider_keys, concurrency=concurrency, per_second=per_second)
        return run.run().as_dict()

    def find(self, identity: Identity) -> OAuthConnection | None:
        """Return the connection of an identity with its user, read by one query.

        Every sign-in does this, so only the key of the connection is read; the rest is deferred. Raise
        `IdentityUnbound` for an identity that is stored without its server.
        """
        found = {
            user._connection_issuer or "": user
            for user in queries.find_users(identity)
            if user._connection_subject == identity.subject  # some collations match more than that
        }
        user = found.get(identity.issuer)
        if user is None and "" in found:
            # It may be the same person, who gets no second account.
            raise IdentityUnbound("refused: this identity is stored without its server")
        if user is None:
            return self.find_whole(identity) if identity.alternate_id else None
        names = ("id", "user_id", *IDENTITY_FIELDS)
        values = (user._connection_key, user.pk, identity.provider_key, identity.issuer, identity.subject)
        connection = self.model.from_db(user._state.db, names, values)
        connection.user = user
        return connection

    def find_whole(self, identity: Identity) -> OAuthConnection | None:
        """Return the connection of an identity with all that is stored of it and of its user, read in one query.

        It is found by `alternate_id` if the identity has one, and then it must be one account's only. Raise
        `IdentityUnbound` for an identity that is stored without its server.
        """
        key = {"provider_user_id": identity.subject}
        if identity.alternate_id:
            key = {"alternate_id": identity.alternate_id}
        rows = self.get_queryset().filter(provider_key=identity.provider_key, issuer__in=(identity.issuer, ""), **key)
        if not identity.alternate_id:
            rows = rows.order_by()  # at most two rows: preparing an order costs a fifth of the whole query
        # What the site's own manager leaves out stays out: without the join, the user is read through it.
        users = get_user_model()._base_manager
        joined = type(users) is models.Manager
        same = [row for row in (rows.select_related("user") if joined else rows)[:4] if is_same(row, identity)]
        found = [row for row in same if (row.issuer or "") == identity.issuer]
        if same and not found and not identity.alternate_id:
            raise IdentityUnbound("refused: this identity is stored without its server")
        if len({row.user_id for row in found}) != 1:
            return None
        return found[0] if joined or users.filter(pk=found[0].user_id).exists() else None

    def begin_writing(self) -> None:
        """Begin a transaction that will read first; on SQLite, with a write.

        SQLite lets a transaction wait for a lock only at its first statement; after a read, the write fails at once.
        """
        using = router.db_for_write(self.model)
        if connections[using].vendor == "sqlite":
            self.using(using).filter(provider_key="").update(provider_key="")  # no row has that


def is_same(row: OAuthConnection, identity: Identity) -> bool:
    """Whether a row has the very bytes of an identifier: some collations find more than that."""
    if identity.alternate_id:
        return bool(row.alternate_id == identity.alternate_id)
    return bool(row.provider_user_id == identity.subject)
