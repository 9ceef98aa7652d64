"""Receivers of Django's signals whose own modules are imported at the first signal.

Those modules need the views and the protocol. A site connects them when it starts, and starts without all that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from oidc_login.models import OAuthConnection
from oidc_login.user_model import is_active


def note_sign_in(sender: object, **kwargs: Any) -> None:
    """Note in the session when its person signed in (`user_logged_in`)."""
    from oidc_login.views.step_up import note_sign_in

    note_sign_in(sender, **kwargs)


def complete_link(sender: object, **kwargs: Any) -> None:
    """Make the link that waits for this user (`user_logged_in`)."""
    from oidc_login.signin.pending_link import complete

    complete(sender, **kwargs)


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
    """Revoke the tokens of a user who was saved as not active (`post_save` of the user model)."""
    if created or raw or is_active(instance) or (update_fields is not None and "is_active" not in update_fields):
        return
    transaction.on_commit(lambda: OAuthConnection.objects.revoke_for(instance), using=using)
