"""How connections are found: the queryset and the manager of `OAuthConnection`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connections, models, router
from django.db.models import Q
from django.utils import timezone

from oidc_login.exceptions import IdentityUnbound
from oidc_login.models import queries
from oidc_login.models.choices import Status
from oidc_login.signin.claims import Identity
from oidc_login.signin.users import get_field

if TYPE_CHECKING:
    from oidc_login.models.connection import OAuthConnection

SHORTEST_INTERVAL = timedelta(seconds=30)  # between two refreshes that nobody has asked for by name


class ConnectionQuerySet(models.QuerySet["OAuthConnection"]):
    """Connections by what can be done with them."""

    def usable(self) -> ConnectionQuerySet:
        """Those with which an API can be called now, as far as is known here, for users who are active."""
        now = timezone.now()
        valid = ~Q(access_token="") & (Q(access_token_expires_at=None) | Q(access_token_expires_at__gt=now))
        return self._in_order().filter(valid | self._renewable(now))

    def expiring(self, within: timedelta) -> ConnectionQuerySet:
        """Those whose access token has expired or will within this time, and that can be refreshed.

        But for those that have just got it, however short-lived it is.
        """
        now = timezone.now()
        just_now = (now - SHORTEST_INTERVAL, now + SHORTEST_INTERVAL)
        found = self._in_order().filter(self._renewable(now), access_token_expires_at__lte=now + within)
        return found.exclude(refreshed_at__range=just_now).exclude(last_login_at__range=just_now)

    def _in_order(self) -> ConnectionQuerySet:
        found = self.filter(status=Status.OK)
        return found if get_field("is_active") is None else found.filter(user__is_active=True)

    @staticmethod
    def _renewable(now: datetime) -> Q:
        return ~Q(refresh_token="") & (Q(refresh_token_expires_at=None) | Q(refresh_token_expires_at__gt=now))


class ConnectionManager(models.Manager["OAuthConnection"]):
    """Finds connections, where they are written: a replica may not know the newest ones yet."""

    def get_queryset(self) -> ConnectionQuerySet:
        return ConnectionQuerySet(self.model, using=self._db or router.db_for_write(self.model))

    def usable(self) -> ConnectionQuerySet:
        """Those with which an API can be called now, as far as is known here, for users who are active."""
        return self.get_queryset().usable()

    def revoke_for(self, user: Any) -> list[OAuthConnection]:
        """Take back all tokens of a user; return the connections where the provider did not confirm it."""
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
        """Refresh the tokens that expire within this time, and return how many of them, and what became of them.

        Each provider is asked by so many threads at once, and at most so often in a second; one that has had enough
        is given time, and left to the next run where it wants more than a minute.
        """
        from oidc_login.tokens.bulk import BulkRefresh

        found = self.get_queryset().expiring(within)
        run = BulkRefresh(found, provider_keys=provider_keys, concurrency=concurrency, per_second=per_second)
        return run.run().as_dict()

    def find(self, identity: Identity) -> OAuthConnection | None:
        """Return the connection of an identity with its user, read in one query.

        Every sign-in does this, so of the connection it reads the key alone: the rest is loaded when asked for.
        Raise `IdentityUnbound` for an identity that is stored without its server.
        """
        user = next((user for user in queries.find_users(identity) if is_connected_as(user, identity)), None)
        if user is None:
            self._check_bound(identity)
            return None
        names = ("id", "user_id", *queries.IDENTITY_FIELDS)
        values = (user._connection_key, user.pk, identity.provider_key, identity.issuer, identity.subject)
        connection = self.model.from_db(user._state.db, names, values)
        connection.user = user
        return connection

    def _check_bound(self, identity: Identity) -> None:
        """Somebody who is known without a server is given no second account, since it may be theirs."""
        rows = self.using(router.db_for_write(self.model)).filter(provider_key=identity.provider_key, issuer="")
        if identity.issuer and rows.filter(provider_user_id=identity.subject).exists():
            raise IdentityUnbound("refused: this identity is stored without its server")

    def begin_writing(self) -> None:
        """Begin a transaction that will read first: with a write on SQLite.

        SQLite lets a transaction wait for another's lock at its first statement alone; once it has read, it fails.
        """
        using = router.db_for_write(self.model)
        if connections[using].vendor == "sqlite":
            self.using(using).filter(provider_key="").update(provider_key="")  # no row has that


def is_connected_as(user: Any, identity: Identity) -> bool:
    """Whether a user was found by the very bytes of an identity: some collations find more than that."""
    found = (user._connection_issuer or "", user._connection_subject)
    return found == (identity.issuer, identity.subject)
