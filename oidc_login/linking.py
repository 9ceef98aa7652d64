"""Whose account an identity is: one decision with its reason, in the order of the documentation.

The threats that are answered here: an address that the provider does not vouch for, or that was given to
somebody else; look-alike addresses; an identity of another account; accounts that are not active; staff.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.utils.module_loading import import_string

from .claims import Identity, domain_is_allowed
from .conf import settings
from .exceptions import (
    ConnectUserChanged,
    DomainNotAllowed,
    EmailAmbiguous,
    EmailLinkingOff,
    EmailNotVerified,
    IdentityConflict,
    IdentityTaken,
    Inactive,
    RefusedBySite,
    SignupClosed,
    StaffLinkingOff,
)
from .models import LinkReason, OAuthConnection
from .providers.base import OAuthProvider

Action = Literal["sign_in", "link", "confirm", "sign_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done: sign in by a connection, make one for a user, or make both."""

    action: Action
    user: AbstractBaseUser | None = None
    connection: OAuthConnection | None = None
    reason: str = ""

    def get_user(self) -> AbstractBaseUser:
        """Return the user; there is one unless the action is to sign up."""
        if self.user is None:
            raise ValueError(self.action)
        return self.user

    def get_connection(self) -> OAuthConnection:
        """Return the connection; there is one when the action is to sign in."""
        if self.connection is None:
            raise ValueError(self.action)
        return self.connection


def check_domain(identity: Identity, provider: OAuthProvider) -> None:
    """Where domains are listed, only a verified address in one of them gets in."""
    if not provider.allowed_email_domains:
        return
    if not identity.email_verified or not domain_is_allowed(identity.email, provider.allowed_email_domains):
        raise DomainNotAllowed


def resolve_connect(
    identity: Identity, *, connection: OAuthConnection | None, user: AbstractBaseUser | None, user_key: str
) -> Decision:
    """Decide for a person who connects one more identity to the account they are signed in to (rule 1)."""
    if user is None or str(user.pk) != user_key or not is_active(user):
        raise ConnectUserChanged
    if connection is None:
        return Decision(action="link", user=user, reason=LinkReason.CONNECTED)
    if connection.user_id != user.pk:
        raise IdentityTaken
    return Decision(action="sign_in", user=user, connection=connection)


def resolve_same_person(
    *, connection: OAuthConnection | None, user: AbstractBaseUser | None, user_key: str
) -> Decision:
    """Decide for a person who shows once more who they are: nobody else, and nothing new."""
    if user is None or str(user.pk) != user_key or not is_active(user):
        raise ConnectUserChanged
    if connection is None or connection.user_id != user.pk:
        raise ConnectUserChanged
    return Decision(action="sign_in", user=user, connection=connection)


def resolve_sign_in(
    identity: Identity,
    *,
    provider: OAuthProvider,
    connection: OAuthConnection | None,
    find_users: Callable[[], Iterable[Any]],
    site_vouches: bool,
) -> Decision:
    """Decide for a person who signs in (rules 2 to 5).

    `find_users` gives the users that the identity may belong to; with `site_vouches` that is the site's own
    rule, which is asked at each sign-in and stands for the verification of the address.
    """
    if connection is not None:
        return _resolve_known(connection, find_users=find_users, site_vouches=site_vouches)
    candidates = list(find_users())
    active = [user for user in candidates if is_active(user)]
    if candidates and not active:
        raise Inactive
    if len(active) > 1:
        raise EmailAmbiguous
    if active:
        return _resolve_by_email(identity, active[0], provider=provider, site_vouches=site_vouches)
    if not allows_signup(provider):
        raise SignupClosed
    return Decision(action="sign_up", reason=LinkReason.SIGNED_UP)


def _resolve_known(
    connection: OAuthConnection, *, find_users: Callable[[], Iterable[Any]], site_vouches: bool
) -> Decision:
    """A known identity signs in to its own user; its address plays no part (rule 2, Core 5.7)."""
    if not is_active(connection.user):
        raise Inactive
    if site_vouches and connection.user not in list(find_users()):
        raise RefusedBySite
    return Decision(action="sign_in", user=connection.user, connection=connection)


def _resolve_by_email(
    identity: Identity, user: AbstractBaseUser, *, provider: OAuthProvider, site_vouches: bool
) -> Decision:
    """One active user has the address: link only what is vouched for (rule 3)."""
    if not site_vouches:
        check_vouched_for(identity, provider)
    check_no_other_identity(identity, user)
    check_not_staff(user, provider)
    if local_email_is_unverified(user):
        return Decision(action="confirm", user=user)
    reason = LinkReason.HOOK if site_vouches else LinkReason.VERIFIED_EMAIL
    return Decision(action="link", user=user, reason=reason)


def check_vouched_for(identity: Identity, provider: OAuthProvider) -> None:
    """The provider must vouch for the address, and linking by it must be allowed (rule 3b)."""
    if not identity.email_verified:
        raise EmailNotVerified
    if (provider.link_by_email or settings.EMAIL_LINKING) != "verified":
        raise EmailLinkingOff


def check_no_other_identity(identity: Identity, user: AbstractBaseUser) -> None:
    """An account with another identity of this provider: the address was given to somebody else (rule 3c)."""
    others = OAuthConnection.objects.filter(user_id=user.pk, provider_key=identity.provider_key, issuer=identity.issuer)
    if others.exists():
        raise IdentityConflict


def check_not_staff(user: AbstractBaseUser, provider: OAuthProvider) -> None:
    """Staff are linked only where the provider's own setting says so (rule 3c)."""
    privileged = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    if privileged and provider.link_by_email != "verified":
        raise StaffLinkingOff


def local_email_is_unverified(user: AbstractBaseUser) -> bool:
    """Whether the account may have been opened with somebody else's address (rule 3d).

    Somebody could open an account with the address of a person who has none yet, and wait for them to sign in.
    """
    path = settings.LOCAL_EMAIL_VERIFIED
    if path is not None:
        return import_string(path)(user) is False
    if not apps.is_installed("allauth.account"):
        return False
    model: Any = apps.get_model("account.EmailAddress")  # type: ignore[misc]  # of django-allauth
    email = getattr(user, user.get_email_field_name(), "")
    return not model.objects.filter(user_id=user.pk, email__iexact=email, verified=True).exists()


def allows_signup(provider: OAuthProvider) -> bool:
    """Whether new accounts are opened through this provider (rule 5)."""
    return bool(settings.ALLOW_SIGNUP if provider.allow_signup is None else provider.allow_signup)


def is_active(user: Any) -> bool:
    """Whether a user may sign in at all; a user model without the flag has no inactive users."""
    return bool(getattr(user, "is_active", True))
