"""What a sign-in writes: the user, the connection and its tokens, as the linking rules decided.

After a lost race, a lock or a lost connection there is one new attempt, which reads everything again. A row that no
attempt can store is refused at once. Messages of the database are not repeated, because they may contain values.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections, router
from django.dispatch import Signal
from django.views.decorators.debug import sensitive_variables

from oidc_login import events, signals
from oidc_login.conf import settings
from oidc_login.exceptions import ConfirmLink, RefusedBySite
from oidc_login.fields import REFRESH_TOKEN_FIELDS
from oidc_login.models import LinkReason, OAuthConnection
from oidc_login.models.queries import insert_row
from oidc_login.signin import exchange, link_window, linking, provisioning, users
from oidc_login.signin.admission import admit_user
from oidc_login.signin.connection_values import (
    ConnectionChanged,
    fill_connection,
    names_of_kept_claims,
    reads_stored_claims,
    stored_claims,
    written_fields,
)
from oidc_login.signin.constraints import NOT_STORED, may_pass, refusal
from oidc_login.signin.decide import WITHOUT_BROWSER, decide
from oidc_login.signin.groups_claim import kept
from oidc_login.signin.pending_link import keep_pending_link
from oidc_login.signin.transaction import drop_lost_connections
from oidc_login.signin.users import collect_created_users
from oidc_login.signin.values import Backend, Person, SignedIn, Verified
from oidc_login.user_model import is_active, lock_user

logger = logging.getLogger(__name__)

# What may end an attempt: a lost race, a lock, or a row that cannot be stored.
FAILED_ATTEMPTS = (*NOT_STORED, ConnectionChanged)
# What else is written of a connection that was found by `alternate_id`, and has another `sub` by now.
RENAMED_FIELDS = ("provider_user_id", *REFRESH_TOKEN_FIELDS)


@sensitive_variables()
def write(
    backend: Backend, verified: Verified, person: Person, *, found_by_site: AbstractBaseUser | None = None
) -> SignedIn:
    """Return the sign-in as it was written, or raise `OAuthError` with nothing written.

    `found_by_site` is the user that an override of `get_or_create_user` returned.
    """
    try:
        return Writing(backend, verified, person, found_by_site).run()
    except FAILED_ATTEMPTS as error:
        if not may_pass(error):
            raise refusal(error, person.identity, verified.provider) from None
        logger.info("sign-in retried: error=%s", type(error).__name__)
    drop_lost_connections()
    person = read_again(backend, verified, person)
    try:
        return Writing(backend, verified, person, found_by_site).run()
    except FAILED_ATTEMPTS as error:
        raise refusal(error, person.identity, verified.provider) from None


@sensitive_variables()
def read_again(backend: Backend, verified: Verified, person: Person) -> Person:
    """Return the person with their present connection. If it was removed since, userinfo may be needed."""
    connection = OAuthConnection.objects.find(person.identity)
    is_complete = person.is_complete
    if connection is None and not is_complete and verified.can_ask_userinfo:
        id_claims = dict(verified.id_claims)
        if exchange.needs_userinfo(backend, id_claims, is_known=False):
            exchange.request_all_claims(backend, verified, id_claims)
            is_complete = True
    return Person(identity=backend.identity, is_complete=is_complete, connection=connection)


@sensitive_variables()
def hold_connection(backend: Backend) -> None:
    """Lock the connection of the person before an override of `get_or_create_user` locks their account.

    Only an override needs this. SQLite does not lock rows: it lets one transaction write at a time.
    """
    using = backend.transaction.using
    if not backend.transaction.has_begun or not connections[using].features.has_select_for_update:
        return
    connection = OAuthConnection.objects.find(backend.identity)
    if connection is not None:
        OAuthConnection.objects.using(using).select_for_update().filter(pk=connection.pk).values_list("pk").first()


class Writing:
    """One attempt to decide and to write, for one transaction."""

    def __init__(
        self, backend: Backend, verified: Verified, person: Person, found_by_site: AbstractBaseUser | None
    ) -> None:
        self.backend = backend
        self.verified = verified
        self.request, self.flow, self.provider = verified.request, verified.flow, verified.provider
        self.person = person
        self.identity = person.identity
        self.claims = person.claims
        self.found_by_site = found_by_site

    @sensitive_variables()
    def run(self) -> SignedIn:
        decision = decide(self.backend, self.verified, self.person, found_by_site=self.found_by_site)
        with self.backend.transaction.attempt():
            if decision.action == "sign_in":
                return self._sign_in(decision)
            if decision.action == "sign_up":
                return self._sign_up(decision)
            return self._link(decision)

    # What each decision writes. Everything that holds both locks an existing connection before its account: a sign-in,
    # which writes `last_login` at its end, disconnecting, and a deletion of the account. Another order would be a
    # deadlock. For hooks of the site that write the account first there is `hold_connection`.

    @sensitive_variables()
    def _sign_in(self, decision: linking.Decision) -> SignedIn:
        if self.flow.purpose == "token":  # another request was faster, and a token changes nothing of a connection
            return self._signed_in(decision.get_user(), decision.get_connection())
        connection = decision.get_connection()
        if reads_stored_claims(self.verified) and not connection.lock():
            raise ConnectionChanged
        previous = stored_claims(connection, self.verified)
        names = written_fields(self.verified, self.person)
        if connection.provider_user_id != self.identity.subject:
            names += [name for name in RENAMED_FIELDS if name not in names]
        fill_connection(connection, self.verified, self.person)
        if not connection.update_row(names):
            raise ConnectionChanged
        user = self._updated(decision.get_user(), previous)
        self._log_after_commit(signals.connection_updated, connection, decision.reason)
        return self._signed_in(user, connection)

    @sensitive_variables()
    def _sign_up(self, decision: linking.Decision) -> SignedIn:
        if not users.creates_user_at_once(self.backend):
            OAuthConnection.objects.begin_writing()
        with collect_created_users() as created:
            user = self.backend.create_user(self.claims)
        if user is None:
            raise RefusedBySite("create_user")
        if user.pk not in created:
            return self._link(self._judge_existing(user))
        if not is_active(user):
            raise RefusedBySite("create_user")
        admit_user(user, can_authenticate=self.backend.user_can_authenticate)
        provisioning.provision(user, self.claims, self.provider)
        connection = self._connect(user, decision)
        self._announce_sign_up(connection, user, decision.reason)
        return self._signed_in(user, connection)

    def _judge_existing(self, user: AbstractBaseUser) -> linking.Decision:
        """Judge an account that existed before `create_user` returned it, as any account that a hook returns."""
        if not is_active(user):
            raise RefusedBySite("create_user")
        return linking.resolve_account(
            self.identity,
            user,
            provider=self.provider,
            site_vouches=True,
            can_authenticate=self.backend.user_can_authenticate,
        )

    @sensitive_variables()
    def _link(self, decision: linking.Decision) -> SignedIn:
        if decision.action == "confirm":
            self._wait_for_confirmation(decision)
        user = decision.get_user()
        if not lock_user(user):
            raise ConnectionChanged
        if OAuthConnection.objects.find(self.identity) is not None:
            # A sign-in that found the connection holds its row and waits for the account; an insert would wait for it.
            raise ConnectionChanged
        if decision.link_reason != LinkReason.CONNECTED:
            # Checked again with the lock: two identities with one address may sign in at the same time.
            linking.check_no_other_identity(self.identity, user)
        if decision.window is not None:
            link_window.use(decision.window, user)
        connection = self._connect(user, decision)
        return self._signed_in(self._updated(user), connection)

    @sensitive_variables()
    def _wait_for_confirmation(self, decision: linking.Decision) -> NoReturn:
        """Keep the sign-in until its person has signed in to the account (the page `confirm_link` explains how)."""
        if self.flow.purpose in WITHOUT_BROWSER:  # there is no browser that could wait
            raise ConfirmLink(decision.reason)
        keep_pending_link(
            self.request,
            identity=self.identity,
            wanted=names_of_kept_claims(self.verified),
            judged=kept(self.identity.claims, self.provider, previous={}),
            token=self.verified.token if self.provider.store_tokens else None,
            user=decision.get_user(),
            expires_at=self.flow.begun_at + int(settings.FLOW_LIFETIME),
        )
        raise ConfirmLink(decision.reason)

    @sensitive_variables()
    def _updated(self, user: AbstractBaseUser, previous: Mapping[str, Any] | None = None) -> AbstractBaseUser:
        """Call `update_user`, and update rights from the claims; `previous` are those of the sign-in before."""
        if self.flow.purpose == "connect":
            return user
        updated = self.backend.update_user(user, self.claims) if self.found_by_site is None else user
        if updated is None or updated.pk != user.pk:
            raise RefusedBySite("update_user")
        changes = provisioning.provision(updated, self.claims, self.provider, previous=previous)
        if changes.last_superuser and self.flow.purpose == "refresh":
            raise RefusedBySite("last_superuser")  # the session continues only with confirmed rights
        return updated

    # The connection.

    def _connect(self, user: AbstractBaseUser, decision: linking.Decision) -> OAuthConnection:
        connection = OAuthConnection(
            user=user,  # type: ignore[misc]  # of whatever model the site uses
            provider_key=self.identity.provider_key,
            issuer=self.identity.issuer,
            provider_user_id=self.identity.subject,
            link_reason=self.verified.link_reason or decision.link_reason,
            made_unlinked=decision.action == "sign_up" and not linking.links_by_email(self.provider),
        )
        fill_connection(connection, self.verified, self.person)
        insert_row(connection, using=router.db_for_write(OAuthConnection))
        reason = linking.REASONS.get(self.verified.link_reason, decision.reason)
        self._log_after_commit(signals.connection_created, connection, reason)
        return connection

    def _signed_in(self, user: AbstractBaseUser, connection: OAuthConnection) -> SignedIn:
        return SignedIn(
            user=user,
            connection=connection,
            provider=self.provider,
            flow=self.flow,
            token=self.verified.token,
            id_claims=self.verified.id_claims,
        )

    # After the commit. The sign-in is valid by then, so that an error of a receiver is only logged.

    def _log_after_commit(self, signal: Signal, connection: OAuthConnection, reason: str) -> None:
        decided = partial(events.log_decision, signal, connection, request=self.request, reason=reason)
        events.after_commit(decided, connection=connection, robust=True)

    def _announce_sign_up(self, connection: OAuthConnection, user: AbstractBaseUser, reason: str) -> None:
        signed_up = partial(
            events.send, signals.user_signed_up, connection, request=self.request, user=user, reason=reason
        )
        events.after_commit(signed_up, connection=connection, robust=True)
