"""Who is signed in where: a row for each sign-in through a provider, and the mark that names it in the session.

A session with a mark is valid while its row exists. Removing the row ends the session: the middleware `SessionLogout`
looks for the row, in every kind of session store and under any session key. Sessions that the site stores are removed
as well, by the key that they had at the sign-in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.db import DatabaseError, InterfaceError, router
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import django
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import TokenKeyError
from oidc_login.models.queries import insert_row
from oidc_login.models.session import SignedInQuerySet, SignedInSession
from oidc_login.registry import get_providers
from oidc_login.session_state import Mark, read_state, write_state

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)

RENEWED_FIELDS = ("provider_key", "issuer", "subject", "sid", "id_token", "nonce_hash")
BATCH = 500  # rows; a statement that removes more blocks others


# One browser's session.


def mark_of(session: SessionBase) -> Mark | None:
    """Return the mark of a session; `None` if it did not begin at a provider."""
    return read_state(session).mark


def row_of(session: SessionBase) -> SignedInSession | None:
    """Return the row of a session, if it has one."""
    mark = mark_of(session)
    return None if mark is None else SignedInSession.objects.filter(pk=mark.key).first()


def is_signed_out(session: SessionBase) -> bool:
    """Whether a session was ended from outside: it has a mark, and the row is gone."""
    mark = mark_of(session)
    return mark is not None and not SignedInSession.objects.filter(pk=mark.key).exists()


@sensitive_variables()
def create_row(
    request: HttpRequest, connection: OAuthConnection, *, sid: str, id_token: str, nonce_hash: str
) -> SignedInSession:
    """Create the row of a session in which the person of a connection has just signed in."""
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
    insert_row(row, using=router.db_for_write(SignedInSession))
    write_state(session, mark=Mark(row.mark, int(until.timestamp())))
    return row


@sensitive_variables()
def update_row(
    session: SessionBase, connection: OAuthConnection, *, sid: str, id_token: str, nonce_hash: str
) -> SignedInSession | None:
    """Update by what the provider names a session; `None` if its row is gone, which means that the session has ended.

    The person may have signed in with another of their identities. From then on that identity ends the session.
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
    """Return the key by which the site can remove a session; "" for a session that is a cookie."""
    return "" if isinstance(session, CookieSession) else session.session_key or ""


def kept_until(session: SessionBase) -> datetime:
    """Return until when to keep the row: a little longer than the session, which each save extends."""
    age = timedelta(seconds=session.get_expiry_age())
    return timezone.now() + age + age / 10


def extend_row(session: SessionBase) -> None:
    """Keep the row as long as the session, whose lifetime starts again when it is saved."""
    mark = mark_of(session)
    if mark is None or timezone.now().timestamp() + session.get_expiry_age() <= mark.until:
        return
    until = kept_until(session)
    try:
        SignedInSession.objects.filter(pk=mark.key).update(expires_at=until)
    except STORE_FAULTS as error:  # the page is complete, and the next request tries again
        logger.warning("session row not extended: error=%s", type(error).__name__)
        return
    write_state(session, mark=mark._replace(until=int(until.timestamp())))


def take_mark(session: SessionBase) -> Mark | None:
    """Return the mark of a session and remove it: another sign-in begins in this session."""
    mark = mark_of(session)
    write_state(session, mark=None)
    return mark


def remove_row(mark: Mark) -> None:
    """Remove the row of a session, which ends the session."""
    SignedInSession.objects.filter(pk=mark.key).delete()


def remove_ended_row(mark: Mark) -> None:
    """Remove the row of a session that has ended. If that fails, the logout continues and the row expires."""
    try:
        remove_row(mark)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("session row not removed after the session ended: error=%s", type(error).__name__)


def end_previous_session(sender: object, *, request: HttpRequest | None, **kwargs: Any) -> None:
    """Remove the row of the session that ends, or in which another sign-in begins (`user_logged_in`, `_out`)."""
    if request is not None and hasattr(request, "session") and (mark := take_mark(request.session)) is not None:
        remove_ended_row(mark)


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


def end_sessions(found: SignedInQuerySet) -> int:
    """End sessions of other browsers, and return how many."""
    ended = list(found.defer("id_token"))
    for row in ended:
        remove_session(row)
    marks = [row.pk for row in ended]
    for start in range(0, len(marks), BATCH):
        SignedInSession.objects.filter(pk__in=marks[start : start + BATCH]).delete()
    return len(marks)


def end_with_connection(sender: object, *, instance: OAuthConnection, **kwargs: Any) -> None:
    """End the sessions that began with an identity whose connection was deleted (`post_delete`).

    The session in which its person removed it continues, as after a change of password.
    """
    rows = SignedInSession.objects.named(
        instance.provider_key, instance.issuer, subject=instance.provider_user_id, sid=""
    )
    end_sessions(rows.filter(user_id=instance.user_id).exclude(pk=_kept.get()))


@contextmanager
def keep_session(session: SessionBase) -> Iterator[None]:
    """Let this session continue, also if its own connection is removed in this block."""
    mark = mark_of(session)
    token = _kept.set("" if mark is None else mark.key)
    try:
        yield
    finally:
        _kept.reset(token)


_kept: ContextVar[str] = ContextVar("oidc_login_kept_session", default="")


@sensitive_variables()
def remove_session(row: SignedInSession) -> None:
    """Remove the session itself, if the site stores it and its key has not changed."""
    try:
        session_key = row.session_key
    except TokenKeyError:
        logger.warning("session key cannot be decrypted: the middleware ends the session at its next request")
        return
    if session_key:
        import_module(django.SESSION_ENGINE).SessionStore().delete(session_key)


def clear_expired() -> int:
    """Remove the rows of expired sessions in batches, and return how many there were."""
    expired = SignedInSession.objects.filter(expires_at__lt=timezone.now())
    count = 0
    while marks := list(expired.values_list("pk", flat=True)[:BATCH]):
        count += SignedInSession.objects.filter(pk__in=marks, expires_at__lt=timezone.now()).delete()[0]
    return count


# The name of a browser and its system, by which its owner recognizes it.

# Browsers also name those that they are derived from, so the first match counts.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
MAX_USER_AGENT = 512  # characters; the beginning is enough


def browser_name(user_agent: str) -> str:
    """Return a rough name such as "Firefox, Windows", in our own words; "" if nothing is recognized."""
    read = user_agent[:MAX_USER_AGENT]
    found = [next((name for token, name in table if token in read), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found))
