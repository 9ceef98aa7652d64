"""What a sign-in leaves in the session: who, where from, when and how, and until when that counts."""

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
from oidc_login.sessions import records as sessions
from oidc_login.sessions.logout import came_since
from oidc_login.signin.transaction import once_more
from oidc_login.signin.values import SignedIn
from oidc_login.views.base import SESSION_KEY
from oidc_login.views.freshness import end_attempt, read_again, set_time

CSRF_MEMBERS = ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE")  # of request.META, where `login()` makes a new token
MAX_LEEWAY = 300  # seconds that a provider's clock may be fast; what is further in the future tells nothing


class SessionChange:
    """What the end of a flow does to the session of its request.

    `establish` is the last step of the sign-in's transaction. It works on a session of its own, so that the one from
    before is still there, in whatever store, when something fails: then `taken_back_on_failure` returns to it.
    `settle` removes it after the commit.
    """

    def __init__(self, request: HttpRequest, *, begun_at: float) -> None:
        self.request = request
        self.begun_at = begun_at
        self.session = request.session
        self.has_replaced = False
        self.user = getattr(request, "user", None)  # not read: that may take a query
        self.csrf = {name: request.META.get(name) for name in CSRF_MEMBERS}
        self.items: dict[str, Any] | None = None  # of a session that goes on
        self.row: SignedInSession | None = None

    @sensitive_variables()
    def establish(self, signed_in: SignedIn) -> None:
        """Give the person of a sign-in their session, or let theirs go on."""
        if signed_in.flow.purpose in ("connect", "scopes"):
            self._keep()
        elif signed_in.flow.purpose == "refresh":
            self._go_on(signed_in)
        else:
            self._sign_in(signed_in)

    def _keep(self) -> None:
        """Save the session as it is: a store that takes no writes would fail after the transaction."""
        read_again(self.request)
        self.request.session.save()

    @sensitive_variables()
    def _go_on(self, signed_in: SignedIn) -> None:
        """Let the session go on: with its key, and with the CSRF token of its open forms."""
        session = self.request.session
        self.items = dict(session.items())
        end_attempt(session)
        self.row = renewed_session(self.request, signed_in)
        if self.row is None:
            raise CodeRefused("logged_out")
        note(self.request, signed_in)
        session.save()

    @sensitive_variables()
    def _sign_in(self, signed_in: SignedIn) -> None:
        """Sign the person in with a new session key, and note where from, when and how."""
        items = once_more(lambda: dict(self.session.items()))
        session = self.request.session = type(self.session)()
        self.has_replaced = True
        session.update(items)
        old_mark = sessions.take_mark(session)
        auth.login(self.request, signed_in.user)  # type: ignore[arg-type]  # of whatever model the site uses
        note(self.request, signed_in)
        if session.session_key is None:  # Django makes a key only where nobody was signed in
            session.create()
        self.row = begin_session(self.request, signed_in)
        if old_mark is not None:
            sessions.remove_row(old_mark)

    def settle(self) -> None:
        """End the session from before, now that the sign-in is certain; or the new one, if its person signed out."""
        if self.row is not None and came_since(self.begun_at, self.row):
            sessions.forget(sessions.Mark(self.row.mark, 0))
            raise CodeRefused("logged_out")
        if self.has_replaced:
            delete(self.session)

    @contextmanager
    def taken_back_on_failure(self) -> Iterator[None]:
        """Give the request its session, user and CSRF token back, where something in the block fails."""
        try:
            yield
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        request, new = self.request, self.request.session
        if self.has_replaced:
            request.session = self.session
            delete(new)
        if self.items is not None:
            self.session.clear()
            self.session.update(self.items)
        if self.user is not None:
            request.user = self.user
        for name, value in self.csrf.items():
            request.META.pop(name, None)
            if value is not None:
                request.META[name] = value


def delete(session: SessionBase) -> None:
    """Remove a session from its store. One that stays is of no use to anybody: no browser is told its key any more."""
    if session.session_key is None or isinstance(session, CookieSession):
        return
    try:
        session.delete(session.session_key)
    except Exception as error:
        if site_fault(error) is None:
            raise


@sensitive_variables()
def begin_session(request: HttpRequest, signed_in: SignedIn) -> SignedInSession:
    """Let the session be found by what the provider calls it, and keep what ends it there."""
    return sessions.begin(request, signed_in.connection, **names_of_session(signed_in))


@sensitive_variables()
def renewed_session(request: HttpRequest, signed_in: SignedIn) -> SignedInSession | None:
    """Let the session be found by what the provider calls it by now; `None` where it was ended meanwhile."""
    if sessions.mark_of(request.session) is None:
        return begin_session(request, signed_in)
    return sessions.renew(request.session, signed_in.connection, **names_of_session(signed_in))


@sensitive_variables()
def names_of_session(signed_in: SignedIn) -> dict[str, str]:
    """Return what the provider calls the session of this answer, and what ends it there."""
    token, sid = signed_in.token, signed_in.id_claims.get("sid")
    return {
        "sid": str(sid) if is_subject(sid) else "",
        "id_token": signed_in.provider.get_id_token_hint(token) if signed_in.provider.store_tokens else "",
        "nonce_hash": hash_of_nonce(signed_in.flow.nonce) if token.refresh_token and token.id_token else "",
    }


@sensitive_variables()
def note(request: HttpRequest, signed_in: SignedIn) -> None:
    """Note in the session what the answer said, and when it has to be confirmed."""
    connection = signed_in.connection
    request.session[SESSION_KEY] = {
        "provider": connection.provider_key,
        "connection": connection.pk,
        **authentication(signed_in.id_claims, now=int(time.time())),
        "max_age": signed_in.flow.parameters.get("max_age"),
    }
    set_time(request.session, signed_in.provider, confirmed_at=time.time())
    if signed_in.keep_tokens is not None:
        signed_in.keep_tokens(signed_in.token.access_token, signed_in.token.id_token)


def authentication(claims: Mapping[str, Any], *, now: int) -> dict[str, Any]:
    """Return when and how the person proved to the provider who they are, as far as it says (Core 2)."""
    stated, acr = auth_time_of(claims), claims.get("acr")
    if stated is not None and stated > now + MAX_LEEWAY:
        stated = None
    return {
        "at": now,
        "auth_time": now if stated is None else min(stated, now),
        "auth_time_stated": stated is not None,
        "acr": acr if isinstance(acr, str) else "",
    }
