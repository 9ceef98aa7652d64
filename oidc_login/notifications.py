"""Emails that notify people when a way to sign in was added to or removed from their account."""

from __future__ import annotations

import logging
from typing import Any

from django.core.mail import send_mail
from django.template.loader import render_to_string

from oidc_login.conf import settings
from oidc_login.exceptions import OAuthError
from oidc_login.models import OAuthConnection
from oidc_login.registry import get_provider
from oidc_login.signin.claims import email_key
from oidc_login.user_model import get_field

logger = logging.getLogger(__name__)


def notify_added(sender: object, *, connection: OAuthConnection, **kwargs: Any) -> None:
    """Notify the person of a new connection (`connection_created`)."""
    send_notification("oidc_login/email/connection_added", connection)


def notify_removed(sender: object, *, connection: OAuthConnection, **kwargs: Any) -> None:
    """Notify the person of a removed connection (`connection_removed`)."""
    send_notification("oidc_login/email/connection_removed", connection)


def send_notification(template: str, connection: OAuthConnection) -> None:
    """Send an email, made from two templates, to the account's addresses, if the site wants this.

    A failing mail server must not undo the change, so the failure is only logged.
    """
    if not settings.NOTIFY:
        return
    addresses = addresses_of(connection)
    context = {"user": connection.user, "label": label_of(connection.provider_key), "connection": connection}
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    body = render_to_string(f"{template}.txt", context)
    for address in addresses:
        try:
            send_mail(subject, body, None, [address])
        except Exception as error:  # each mail backend raises errors of its own client library
            logger.warning("notification not sent: error=%s", type(error).__name__)


def addresses_of(connection: OAuthConnection) -> list[str]:
    """Return the account's own address or, without one, the verified addresses of all its connections.

    If a stranger added the connection, its address alone would only notify the stranger.
    """
    user: Any = connection.user
    field = get_field(user.get_email_field_name())
    own = getattr(user, field.attname, "") if field is not None else ""
    if own:
        return [own]
    connections = [connection, *OAuthConnection.objects.filter(user_id=user.pk).only("email", "email_verified")]
    verified = {email_key(one.email): one.email for one in connections if one.email and one.email_verified}
    return list(verified.values())


def label_of(provider_key: str) -> str:
    """Return the provider's label."""
    try:
        return get_provider(provider_key).label
    except OAuthError:  # it is no longer configured, or cannot be looked up now
        return provider_key
