"""Receivers of Django's signals whose own modules are imported at the first signal.

Those modules need the views and the protocol. A site connects them when it starts, and starts without all that.
"""

from __future__ import annotations

from typing import Any


def note_sign_in(sender: object, **kwargs: Any) -> None:
    """Note in the session when its person signed in (`user_logged_in`)."""
    from oidc_login.views.step_up import note_sign_in

    note_sign_in(sender, **kwargs)


def complete_link(sender: object, **kwargs: Any) -> None:
    """Make the link that waits for this user (`user_logged_in`)."""
    from oidc_login.signin.pending_link import complete

    complete(sender, **kwargs)


def revoke_when_deactivated(sender: object, **kwargs: Any) -> None:
    """Take back the tokens of a user who was saved as not active (`post_save` of the user model)."""
    from oidc_login.tokens.revocation import revoke_when_deactivated

    revoke_when_deactivated(sender, **kwargs)
