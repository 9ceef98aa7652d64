"""What a sign-in leaves in the session: who, where from, when and how, and until when that counts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.contrib import auth
from django.db import DatabaseError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login import sessions
from oidc_login.exceptions import CodeRefused, ProviderUnavailable
from oidc_login.logout import came_since
from oidc_login.protocol.id_token import auth_time_of, hash_of_nonce, is_subject
from oidc_login.sessions import SignedInSession
from oidc_login.signin.values import SignedIn

from .base import SESSION_KEY
from .freshness import end_attempt, set_time

MAX_LEEWAY = 300  # seconds that a provider's clock may be fast; what is further in the future tells nothing


@sensitive_variables()
def sign_in(request: HttpRequest, signed_in: SignedIn, *, begun_at: float) -> None:
    """Sign the person in with a new session key, and note where from, when and how."""
    old_key, old_mark = request.session.session_key, sessions.take_mark(request.session)
    try:
        auth.login(request, signed_in.user)  # type: ignore[arg-type]  # of whatever model the site uses
        if request.session.session_key in (None, old_key):
            # Django rotates the key for a new person only, and leaves a flushed session without one.
            request.session.cycle_key()
        note(request, signed_in)
        row = begin_session(request, signed_in)
    except DatabaseError as error:
        raise ProviderUnavailable("database") from error
    if old_mark is not None:
        sessions.forget(old_mark)
    if came_since(begun_at, row):
        auth.logout(request)
        raise CodeRefused("logged_out")


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
def go_on(request: HttpRequest, signed_in: SignedIn, *, begun_at: float) -> None:
    """Let the session of somebody who is signed in go on: with its key, and with the CSRF token of its open forms."""
    end_attempt(request.session)
    try:
        row = renewed_session(request, signed_in)
        note(request, signed_in)
    except DatabaseError as error:
        raise ProviderUnavailable("database") from error
    if row is None or came_since(begun_at, row):
        raise CodeRefused("logged_out")


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
