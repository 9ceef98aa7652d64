"""Receivers of Django's signals, which import their modules at the first signal.

These modules load the models and the protocol, which a site does not need at startup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from oidc_login.models import OAuthConnection
from oidc_login.user_model import is_active


def begin_session(sender: object, **kwargs: Any) -> None:
    """Record the sign-in in the session, end the previous one, and complete a pending link (`user_logged_in`)."""
    from oidc_login.sessions.records import end_previous_session
    from oidc_login.sessions.step_up import record_sign_in_time
    from oidc_login.signin.pending_link import complete_pending_link

    record_sign_in_time(sender, **kwargs)
    end_previous_session(sender, **kwargs)
    complete_pending_link(sender, **kwargs)


def end_session(sender: object, **kwargs: Any) -> None:
    """Remove the row of the ended session (`user_logged_out`)."""
    from oidc_login.sessions.records import end_previous_session

    end_previous_session(sender, **kwargs)


def end_sessions_of_connection(sender: object, **kwargs: Any) -> None:
    """End the sessions of a deleted connection (`post_delete` of the connection)."""
    from oidc_login.sessions.records import end_with_connection

    end_with_connection(sender, **kwargs)


def revoke_when_deactivated(
    sender: object,
    *,
    instance: Any,
    created: bool,
    raw: bool,
    using: str,
    update_fields: Iterable[str] | None,
    **kwargs: Any,
) -> None:
    """Revoke the tokens of a user who was deactivated (`post_save` of the user model)."""
    if created or raw or is_active(instance) or (update_fields is not None and "is_active" not in update_fields):
        return
    transaction.on_commit(lambda: OAuthConnection.objects.revoke_for(instance), using=using)
