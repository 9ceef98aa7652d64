"""What the demo site knows of its own accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User

UNCONFIRMED = "address not confirmed"  # a group


def email_is_confirmed(user: User) -> bool:
    """Whether the person has followed the link in an email of ours (`OIDC_LOGIN_LOCAL_EMAIL_VERIFIED`)."""
    return not user.groups.filter(name=UNCONFIRMED).exists()
