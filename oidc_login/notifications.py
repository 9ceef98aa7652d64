"""Mails that tell people when a way to sign in was added to their account or removed from it."""

from __future__ import annotations

import logging
from typing import Any

from django.core.mail import send_mail
from django.template.loader import render_to_string

from .conf import settings
from .exceptions import OAuthError
from .models import OAuthConnection
from .registry import get_provider
from .signin.users import get_field

logger = logging.getLogger(__name__)


def tell_added(sender: object, *, connection: OAuthConnection, **kwargs: Any) -> None:
    """Tell the person of a connection (`connection_created`)."""
    tell("oidc_login/email/connection_added", connection)


def tell_removed(sender: object, *, connection: OAuthConnection, **kwargs: Any) -> None:
    """Tell the person that a connection is gone (`connection_removed`)."""
    tell("oidc_login/email/connection_removed", connection)


def tell(template: str, connection: OAuthConnection) -> None:
    """Send a mail made of two templates to the account's own address, where the site wants that.

    A mail server that is down must not undo what was done: it is logged.
    """
    if not settings.NOTIFY:
        return
    user: Any = connection.user
    field = get_field(user.get_email_field_name())
    address = getattr(user, field.attname, "") if field is not None else ""
    if not address:
        return
    context = {"user": user, "label": label_of(connection.provider_key), "connection": connection}
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    body = render_to_string(f"{template}.txt", context)
    try:
        send_mail(subject, body, None, [address])
    except Exception as error:  # each mail backend raises errors of its own client library
        logger.warning("a notification could not be sent: %s", type(error).__name__)


def label_of(provider_key: str) -> str:
    """Return the name that people know a provider by."""
    try:
        return get_provider(provider_key).label
    except OAuthError:  # it is not configured any more, or cannot be looked up now
        return provider_key
