"""The session that a sign-in begins or renews: who signed in, at which provider, when and how."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import CodeRefused
from oidc_login.faults import site_fault
from oidc_login.models.session import SignedInSession
from oidc_login.protocol.id_token import auth_time_of, hash_of_nonce, is_subject
from oidc_login.session_state import Mark, SignInRecord, write_state
from oidc_login.sessions import records
from oidc_login.sessions.logout import ended_since
from oidc_login.sessions.schedule import release_attempt, reload_session, schedule_confirmation
from oidc_login.signin.transaction import read_with_retry
from oidc_login.signin.values import SignedIn

CSRF_MEMBERS = ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE")  # of request.META, where `login()` makes a new token
MAX_LEEWAY = 300  # seconds that a provider's clock may be fast; a time beyond that is ignored


class SessionChange:
    """What the end of a flow changes in the session of its request.

    `establish` is the last step of the sign-in's transaction. It creates a new session and keeps the previous one, in
    every kind of store, so that `restored_on_failure` can return to it. `settle` removes it after the commit.
    """

    def __init__(self, request: HttpRequest, *, begun_at: float) -> None:
        self.request = request
        self.begun_at = begun_at
        self.session = request.session
        self.has_replaced = False
        self.user = getattr(request, "user", None)  # not evaluated: that may run a query
        self.csrf = {name: request.META.get(name) for name in CSRF_MEMBERS}
        self.items: dict[str, Any] | None = None  # of a session that continues
        self.row: SignedInSession | None = None

    @sensitive_variables()
    def establish(self, signed_in: SignedIn) -> None:
        """Begin the session of the person who signed in, or continue the one they have."""
        if signed_in.flow.purpose in ("connect", "scopes"):
            self._save()
        elif signed_in.flow.purpose == "refresh":
            self._continue(signed_in)
        else:
            self._sign_in(signed_in)

    def _save(self) -> None:
        """Save the session unchanged: a store that is read-only would fail after the transaction."""
        reload_session(self.request)
        self.request.session.save()

    @sensitive_variables()
    def _continue(self, signed_in: SignedIn) -> None:
        """Continue the session with its key, and with the CSRF token of its open forms."""
        session = self.request.session
        self.items = dict(session.items())
        release_attempt(session)
        self.row = renewed_session(self.request, signed_in)
        if self.row is None:
            raise CodeRefused("logged_out")
        record_sign_in(self.request, signed_in)
        session.save()

    @sensitive_variables()
    def _sign_in(self, signed_in: SignedIn) -> None:
        """Sign the person in with a new session key, and record how."""
        items = read_with_retry(lambda: dict(self.session.items()))
        session = self.request.session = type(self.session)()
        self.has_replaced = True
        session.update(items)
        old_mark = records.take_mark(session)
        auth.login(self.request, signed_in.user)  # type: ignore[arg-type]  # of whatever model the site uses
        record_sign_in(self.request, signed_in)
        if session.session_key is None:  # Django creates a key only if nobody was signed in
            session.create()
        self.row = begin_session(self.request, signed_in)
        if old_mark is not None:
            records.remove_row(old_mark)

    def settle(self) -> None:
        """Remove the previous session after the commit, or end the new one if the provider has ended it since."""
        if self.row is not None and ended_since(self.begun_at, self.row):
            records.remove_ended_row(Mark(self.row.mark, 0))
            raise CodeRefused("logged_out")
        if self.has_replaced:
            delete_session(self.session)

    @contextmanager
    def restored_on_failure(self) -> Iterator[None]:
        """Restore the request's session, user and CSRF token if something in the block fails."""
        try:
            yield
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        request, new = self.request, self.request.session
        if self.has_replaced:
            request.session = self.session
            delete_session(new)
        if self.items is not None:
            self.session.clear()
            self.session.update(self.items)
        if self.user is not None:
            request.user = self.user
        for name, value in self.csrf.items():
            request.META.pop(name, None)
            if value is not None:
                request.META[name] = value


def delete_session(session: SessionBase) -> None:
    """Remove a session from its store. If that fails, no browser has its key any more."""
    if session.session_key is None or isinstance(session, CookieSession):
        return
    try:
        session.delete(session.session_key)
    except Exception as error:
        if site_fault(error) is None:
            raise


@sensitive_variables()
def begin_session(request: HttpRequest, signed_in: SignedIn) -> SignedInSession:
    """Create the row of the session, with the names by which the provider ends it."""
    return records.create_row(request, signed_in.connection, **names_of_session(signed_in))


@sensitive_variables()
def renewed_session(request: HttpRequest, signed_in: SignedIn) -> SignedInSession | None:
    """Update the row with the provider's present names for the session; `None` if the session has ended."""
    if records.mark_of(request.session) is None:
        return begin_session(request, signed_in)
    return records.update_row(request.session, signed_in.connection, **names_of_session(signed_in))


@sensitive_variables()
def names_of_session(signed_in: SignedIn) -> dict[str, str]:
    """Return by what the provider names the session, and the ID token that ends it there."""
    token, sid = signed_in.token, signed_in.id_claims.get("sid")
    return {
        "sid": str(sid) if is_subject(sid) else "",
        "id_token": signed_in.provider.get_id_token_hint(token) if signed_in.provider.store_tokens else "",
        "nonce_hash": hash_of_nonce(signed_in.flow.nonce) if token.refresh_token and token.id_token else "",
    }


@sensitive_variables()
def record_sign_in(request: HttpRequest, signed_in: SignedIn) -> None:
    """Record in the session how the person signed in, and when the provider has to confirm it."""
    connection = signed_in.connection
    sign_in = SignInRecord(
        provider_key=connection.provider_key,
        connection_key=connection.pk,
        **authentication(signed_in.id_claims, now=int(time.time())),
        max_age=signed_in.flow.parameters.get("max_age"),
    )
    write_state(request.session, sign_in=sign_in)
    schedule_confirmation(request.session, signed_in.provider, confirmed_at=time.time())
    if signed_in.keep_tokens is not None:
        signed_in.keep_tokens(signed_in.token.access_token, signed_in.token.id_token)


def authentication(claims: Mapping[str, Any], *, now: int) -> dict[str, Any]:
    """Return when and how the person authenticated at the provider, as far as it says (Core 2)."""
    stated, acr = auth_time_of(claims), claims.get("acr")
    if stated is not None and stated > now + MAX_LEEWAY:
        stated = None
    return {
        "at": now,
        "auth_time": now if stated is None else min(stated, now),
        "auth_time_stated": stated is not None,
        "acr": acr if isinstance(acr, str) else "",
    }
