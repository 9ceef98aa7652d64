"""Opens and closes windows in which a claim links accounts (`signin.link_window`).

The operator vouches for the claim: nobody can change it at the provider to somebody else's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from oidc_login.models import LinkWindow
from oidc_login.protocol.errors import ProtocolError
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin import link_window
from oidc_login.user_model import get_field

LONGEST = timedelta(days=366)
# Claims that do not identify one person (Core 5.1, 5.7): people choose them, share them, or give them up.
NAME_NOBODY = frozenset(
    {
        "address",
        "birthdate",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "picture",
        "profile",
        "updated_at",
        "website",
        "zoneinfo",
    }
)
CANNOT_BE_CHANGED = frozenset({"sub", "oid"})


class WindowRefused(Exception):
    """A window that cannot be opened; the message is for the operator."""


def open_window(
    provider: OAuthProvider,
    *,
    claim: str,
    ends_at: datetime,
    user_field: str = "",
    issuer: str = "",
    staff: Sequence[Any] = (),
    people_cannot_change_claim: bool,
) -> LinkWindow:
    """Open a window, or raise `WindowRefused`."""
    now = timezone.now()
    check_claim(claim, people_cannot_change_claim=people_cannot_change_claim)
    if not now < ends_at <= now + LONGEST:
        raise WindowRefused(f"The end must be in the future, within {LONGEST.days} days.")
    if LinkWindow.objects.open_at(now).filter(provider_key=provider.key).exists():
        raise WindowRefused("This provider already has an open window. Close it first.")
    window = LinkWindow.objects.create(
        provider_key=provider.key,
        issuer=known_issuer(provider, issuer),
        claim=claim,
        user_field=known_field(claim, user_field),
        staff=[str(user.pk) for user in staff],
        opened_at=now,
        ends_at=ends_at,
    )
    link_window.forget_closed()
    return window


def check_claim(claim: str, *, people_cannot_change_claim: bool) -> None:
    """The claim must permanently identify one person; for most claims, only the operator knows this."""
    if claim in NAME_NOBODY:
        raise WindowRefused(f"The claim {claim!r} does not identify one person.")
    if claim not in CANNOT_BE_CHANGED and not people_cannot_change_claim:
        raise WindowRefused(
            f"If people can change {claim!r} at the provider, they can take over accounts. If they cannot, confirm "
            "this with --people-cannot-change-claim."
        )


def known_field(claim: str, user_field: str) -> str:
    """Return the user field to compare with the claim: the email field for "email", otherwise the user name."""
    model = get_user_model()
    usual = model.get_email_field_name() if claim == link_window.EMAIL else model.USERNAME_FIELD
    name = user_field or usual
    if get_field(name) is None:
        raise WindowRefused(f"The user model has no field {name!r}.")
    return name


def known_issuer(provider: OAuthProvider, issuer: str) -> str:
    """Return the issuer of a window, which is looked up; if each tenant has its own, the operator gives it."""
    if not issuer:
        try:
            issuer = provider.get_identity_issuer({})
        except ProtocolError as error:
            raise WindowRefused(f"The issuer could not be looked up ({error.reason}). Pass it as --issuer.") from None
    if not provider.is_possible_issuer(issuer):
        raise WindowRefused("ID tokens of this provider cannot have that issuer.")
    return issuer


def close_window(window: LinkWindow) -> None:
    """Close a window. This takes effect at the next sign-in in every process."""
    window.closed_at = timezone.now()
    window.save(update_fields=["closed_at"])
