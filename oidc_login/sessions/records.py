"""Who is signed in where: a row for each sign-in through a provider, and the mark that ties a session to it.

A session that has a mark is good as long as its row is there, and to end it is to remove the row. The middleware
`SessionLogout` looks for the row, whatever keeps the sessions and whatever their key is by now. Sessions that the
site keeps are removed as well, by the key that they had at the sign-in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.db import DatabaseError, InterfaceError, router
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import django
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import TokenKeyError
from oidc_login.models import queries
from oidc_login.models.session import SignedInQuerySet, SignedInSession
from oidc_login.registry import get_providers
from oidc_login.sessions.user_agent import browser_name

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)

MARK = "oidc_login_mark"  # in the session
RENEWED_FIELDS = ("provider_key", "issuer", "subject", "sid", "id_token", "nonce_hash")
BATCH = 500  # rows; a statement that removes more holds others up


class Mark(NamedTuple):
    """What a session knows of its row: by what to find it, and until when (in seconds) it is kept."""

    key: str
    until: int


# One browser's session.


def mark_of(session: SessionBase) -> Mark | None:
    """Return the mark of a session; `None` where no provider has to do with it."""
    found = session.get(MARK)
    return None if found is None else Mark(*found)


def row_of(session: SessionBase) -> SignedInSession | None:
    """Return the row of a session, if it has one."""
    mark = mark_of(session)
    return None if mark is None else SignedInSession.objects.filter(pk=mark.key).first()


def is_signed_out(session: SessionBase) -> bool:
    """Whether a session was ended from elsewhere: it has a mark, and the row is gone."""
    mark = mark_of(session)
    return mark is not None and not SignedInSession.objects.filter(pk=mark.key).exists()


@sensitive_variables()
def begin(
    request: HttpRequest, connection: OAuthConnection, *, sid: str, id_token: str, nonce_hash: str
) -> SignedInSession:
    """Note that the person of a connection is signed in by this session, from here on."""
    session = request.session
    until = kept_until(session)
    row = SignedInSession(
        user=connection.user,
        provider_key=connection.provider_key,
        issuer=connection.issuer,
        subject=connection.provider_user_id,
        sid=sid,
        session_key=own_key(session),
        id_token=id_token,
        nonce_hash=nonce_hash,
        browser=browser_name(request.META.get("HTTP_USER_AGENT", "")),
        expires_at=until,
    )
    queries.insert(row, using=router.db_for_write(SignedInSession))
    session[MARK] = list(Mark(row.mark, int(until.timestamp())))
    return row


@sensitive_variables()
def renew(
    session: SessionBase, connection: OAuthConnection, *, sid: str, id_token: str, nonce_hash: str
) -> SignedInSession | None:
    """Note what the provider calls a session by now; `None` where its row is gone, so that it is over.

    The person may have answered with another of their identities: what ends the session is then named by that one.
    """
    row = row_of(session)
    if row is None:
        return None
    identity = (connection.provider_key, connection.issuer, connection.provider_user_id)
    if identity != (row.provider_key, row.issuer, row.subject):
        row.provider_key, row.issuer, row.subject = identity
        row.nonce_hash = ""
    row.sid, row.id_token, row.nonce_hash = sid, id_token, nonce_hash or row.nonce_hash
    fields: list[Any] = [row._meta.get_field(name) for name in RENEWED_FIELDS]
    columns = {field.attname: field.pre_save(row, add=False) for field in fields}
    return row if SignedInSession.objects.filter(pk=row.pk).update(**columns) else None


def own_key(session: SessionBase) -> str:
    """Return the key by which the site can remove a session; "" where the browser alone keeps it."""
    return "" if isinstance(session, CookieSession) else session.session_key or ""


def kept_until(session: SessionBase) -> datetime:
    """Return until when to keep the row: longer than the session, which may be prolonged a little meanwhile."""
    age = timedelta(seconds=session.get_expiry_age())
    return timezone.now() + age + age / 10


def prolong(session: SessionBase) -> None:
    """Keep the row as long as the session, which is about to be saved and lives from then on."""
    mark = mark_of(session)
    if mark is None or timezone.now().timestamp() + session.get_expiry_age() <= mark.until:
        return
    until = kept_until(session)
    try:
        SignedInSession.objects.filter(pk=mark.key).update(expires_at=until)
    except STORE_FAULTS as error:  # the page is made already, and the next one tries again
        logger.warning("the row of a session was not prolonged: %s", type(error).__name__)
        return
    session[MARK] = list(mark._replace(until=int(until.timestamp())))


def take_mark(session: SessionBase) -> Mark | None:
    """Return the mark of a session and take it out: another sign-in begins in it."""
    mark = mark_of(session)
    session.pop(MARK, None)
    return mark


def remove_row(mark: Mark) -> None:
    """Remove the row of a session, so that the session is over."""
    SignedInSession.objects.filter(pk=mark.key).delete()


def forget(mark: Mark) -> None:
    """Remove the row of a session that is over; where that fails, it expires. The logout itself goes on."""
    try:
        remove_row(mark)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("the row of a session that is over was not removed: %s", type(error).__name__)


def forget_previous(sender: object, *, request: HttpRequest | None, **kwargs: Any) -> None:
    """Another sign-in begins in a session, by whatever backend, or the session ends (signals of Django)."""
    if request is not None and hasattr(request, "session") and (mark := take_mark(request.session)) is not None:
        forget(mark)


# Any session.


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSession:
    """What a person is shown of one of their sessions."""

    pk: str
    browser: str
    label: str
    created_at: datetime
    is_this: bool


def shown_sessions(request: HttpRequest) -> list[ShownSession]:
    """Return where the person of this request is signed in through a provider, this browser first."""
    if not request.user.is_authenticated:
        return []
    labels = {provider.key: provider.label for provider in get_providers()}
    mark = mark_of(request.session)
    rows = (
        SignedInSession.objects.lasting().filter(user_id=request.user.pk).only("browser", "provider_key", "created_at")
    )
    found = [
        ShownSession(
            pk=row.pk,
            browser=row.browser,
            label=labels.get(row.provider_key, row.provider_key),
            created_at=row.created_at,
            is_this=mark is not None and row.pk == mark.key,
        )
        for row in rows.defer("session_key", "id_token")
    ]
    return sorted(found, key=lambda session: not session.is_this)


def end(found: SignedInQuerySet) -> int:
    """End sessions of other browsers, and return how many."""
    ended = list(found.defer("id_token"))
    for row in ended:
        remove_session(row)
    marks = [row.pk for row in ended]
    for start in range(0, len(marks), BATCH):
        SignedInSession.objects.filter(pk__in=marks[start : start + BATCH]).delete()
    return len(marks)


def end_with_connection(sender: object, *, instance: OAuthConnection, **kwargs: Any) -> None:
    """End the sessions that began with an identity which is no way in any more (`post_delete` of the connection).

    But for the one in which its person removes it: that goes on, as with a change of password.
    """
    rows = SignedInSession.objects.named(
        instance.provider_key, instance.issuer, subject=instance.provider_user_id, sid=""
    )
    end(rows.filter(user_id=instance.user_id).exclude(pk=_spared.get()))


@contextmanager
def sparing(session: SessionBase) -> Iterator[None]:
    """Let this session go on, whatever is removed inside."""
    mark = mark_of(session)
    token = _spared.set("" if mark is None else mark.key)
    try:
        yield
    finally:
        _spared.reset(token)


_spared: ContextVar[str] = ContextVar("oidc_login_spared_session", default="")


@sensitive_variables()
def remove_session(row: SignedInSession) -> None:
    """Remove the session itself, where the site keeps it and its key is still the same."""
    try:
        session_key = row.session_key
    except TokenKeyError:
        logger.warning("a session is ended by the middleware alone: its key cannot be decrypted")
        return
    if session_key:
        import_module(django.SESSION_ENGINE).SessionStore().delete(session_key)


def clear_expired() -> int:
    """Remove the rows of sessions that have expired, some at a time; return how many there were."""
    expired = SignedInSession.objects.filter(expires_at__lt=timezone.now())
    count = 0
    while marks := list(expired.values_list("pk", flat=True)[:BATCH]):
        count += SignedInSession.objects.filter(pk__in=marks, expires_at__lt=timezone.now()).delete()[0]
    return count
