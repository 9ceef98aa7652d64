"""What a site says of its accounts, for `OIDC_LOGIN_LOCAL_EMAIL_VERIFIED`."""

from __future__ import annotations

from typing import Any


def says_no(user: Any) -> bool:
    return False


def says_yes(user: Any) -> bool:
    return True


def says_nothing(user: Any) -> None:
    """Forgets to answer."""
