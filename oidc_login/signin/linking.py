"""Which account an identity belongs to: one decision with its reason, in the order of docs/linking.md.

It prevents these threats: an address that the provider does not vouch for, or that was reassigned to somebody else;
look-alike addresses; an identity of another account; inactive accounts; staff. A refusal is raised with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import router
from django.db.models import Q
from django.utils.module_loading import import_string

from oidc_login.conf import settings
from oidc_login.exceptions import (
    AnotherPerson,
    ConnectUserChanged,
    EmailAmbiguous,
    EmailLinkingOff,
    EmailNotVerified,
    IdentityConflict,
    IdentityTaken,
    Inactive,
    OAuthError,
    RefusedBySite,
    SignupClosed,
    StaffLinkingOff,
)
from oidc_login.models import LinkReason, LinkWindow, OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import is_written
from oidc_login.signin.admission import admit_user, naming
from oidc_login.signin.claims import Identity, email_key
from oidc_login.user_model import is_active

Action = Literal["sign_in", "link", "confirm", "sign_up"]

KNOWN_IDENTITY = "signed in by known identity"
LOCAL_EMAIL_UNVERIFIED = "waiting for a sign-in to the account: its email was never confirmed"

# The reasons of new connections in logs and signals; people see the labels of `LinkReason`.
REASONS: Mapping[str, str] = {
    LinkReason.SIGNED_UP: "signed up: nobody has this identity or email",
    LinkReason.VERIFIED_EMAIL: "linked by verified email",
    LinkReason.CONFIRMED: "linked after a sign-in to the account",
    LinkReason.CONNECTED: "connected by the person who is signed in",
    LinkReason.HOOK: "linked by the site's own rule",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do and why: sign in through a connection, create one for a user, or create both."""

    action: Action
    reason: str
    user: AbstractBaseUser | None = None
    connection: OAuthConnection | None = None
    link_reason: str = ""
    window: LinkWindow | None = None

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


def new_connection(action: Action, link_reason: str, *, user: AbstractBaseUser | None = None) -> Decision:
    """Return the decision to create a connection."""
    return Decision(action=action, reason=REASONS[link_reason], user=user, link_reason=link_reason)


def known_identity(connection: OAuthConnection) -> Decision:
    """Return the decision to sign in through an existing connection."""
    return Decision(action="sign_in", reason=KNOWN_IDENTITY, user=connection.user, connection=connection)


def resolve_connect(
    *,
    connection: OAuthConnection | None,
    user: AbstractBaseUser | None,
    user_key: str,
    can_authenticate: Callable[[Any], bool],
) -> Decision:
    """Decide for a person who connects another identity to their account (rule 1)."""
    check_same_person(user, user_key, can_authenticate=can_authenticate)
    if connection is None:
        return new_connection("link", LinkReason.CONNECTED, user=user)
    if str(connection.user_id) != user_key:
        raise naming(IdentityTaken("refused: identity of another account"), connection)
    return known_identity(connection)


def resolve_same_person(
    *,
    connection: OAuthConnection | None,
    user: AbstractBaseUser | None,
    user_key: str,
    find_users: Callable[[], Iterable[Any]],
    site_vouches: bool,
    can_authenticate: Callable[[Any], bool],
    refusal: type[OAuthError] = AnotherPerson,
) -> Decision:
    """Decide for a person who authenticates again: nobody else may, and nothing new is connected."""
    check_same_person(user, user_key, can_authenticate=can_authenticate)
    if connection is None or str(connection.user_id) != user_key:
        raise refusal("refused: another identity than that of this session")
    return _resolve_known(
        connection, find_users=find_users, site_vouches=site_vouches, can_authenticate=can_authenticate
    )


def check_same_person(user: AbstractBaseUser | None, user_key: str, *, can_authenticate: Callable[[Any], bool]) -> None:
    """The person who began the flow must still be signed in, and must still be admitted."""
    if user is None or str(user.pk) != user_key or not is_active(user):
        raise ConnectUserChanged("refused: nobody or somebody else is signed in now")
    admit_user(user, can_authenticate=can_authenticate)


def resolve_sign_in(
    identity: Identity,
    *,
    provider: OAuthProvider,
    connection: OAuthConnection | None,
    find_users: Callable[[], Iterable[Any]],
    site_vouches: bool,
    can_authenticate: Callable[[Any], bool],
) -> Decision:
    """Decide for a person who signs in (rules 2 to 5).

    `find_users` returns the users that the identity may belong to. With `site_vouches` it is the site's own
    rule, which is applied at each sign-in and replaces the verification of the address.
    """
    if connection is not None:
        return _resolve_known(
            connection, find_users=find_users, site_vouches=site_vouches, can_authenticate=can_authenticate
        )
    user = find_only_account(find_users())
    if user is not None:
        return resolve_account(
            identity, user, provider=provider, site_vouches=site_vouches, can_authenticate=can_authenticate
        )
    if not allows_signup(provider):
        raise SignupClosed("refused: no account, and sign-up is closed")
    return new_connection("sign_up", LinkReason.SIGNED_UP)


def find_only_account(candidates: Iterable[Any]) -> AbstractBaseUser | None:
    """Return the one active account that has the address, `None` if nobody has it (rule 3a).

    An account whose address is known to be unconfirmed does not count if a confirmed one has it: the person who
    opened it must not lock out the owner of the address.
    """
    candidates = list(candidates)
    active: list[AbstractBaseUser] = [user for user in candidates if is_active(user)]
    if candidates and not active:
        raise Inactive("refused: the account with this email is not active")
    if len(active) < 2:
        return active[0] if active else None
    confirmed = [user for user in active if not local_email_is_unverified(user)]
    if len(confirmed) != 1:
        raise EmailAmbiguous("refused: several accounts have this email")
    return confirmed[0]


def _resolve_known(
    connection: OAuthConnection,
    *,
    find_users: Callable[[], Iterable[Any]],
    site_vouches: bool,
    can_authenticate: Callable[[Any], bool],
) -> Decision:
    """A known identity signs in to its own user, with any address (rule 2, Core 5.7)."""
    admit_user(connection.user, can_authenticate=can_authenticate, about=connection)
    if site_vouches and connection.user not in list(find_users()):
        raise naming(RefusedBySite("refused: the site's own rule does not give this account"), connection)
    return known_identity(connection)


def resolve_account(
    identity: Identity,
    user: AbstractBaseUser,
    *,
    provider: OAuthProvider,
    site_vouches: bool,
    can_authenticate: Callable[[Any], bool],
) -> Decision:
    """One account has the address already: link only what is vouched for (rule 3)."""
    admit_user(user, can_authenticate=can_authenticate)
    if not site_vouches:
        check_vouched_for(identity, provider)
    check_no_other_identity(identity, user)
    check_not_staff(user, provider)
    if local_email_is_unverified(user):
        return Decision(action="confirm", reason=LOCAL_EMAIL_UNVERIFIED, user=user)
    return new_connection("link", LinkReason.HOOK if site_vouches else LinkReason.VERIFIED_EMAIL, user=user)


def check_vouched_for(identity: Identity, provider: OAuthProvider) -> None:
    """The provider must vouch for the address, and linking by email must be on (rule 3b)."""
    if not identity.email_verified:
        raise EmailNotVerified("refused: email not verified by provider")
    if not links_by_email(provider):
        raise EmailLinkingOff("refused: linking by email is off")


def check_no_other_identity(identity: Identity, user: AbstractBaseUser) -> None:
    """Refuse an account with another identity of this provider: the address was reassigned (rule 3c)."""
    if has_other_identity(user, identity.provider_key, identity.issuer, identity.subject):
        raise IdentityConflict("refused: the account has another identity of this provider")


def has_other_identity(user: AbstractBaseUser, provider_key: str, issuer: str, subject: str) -> bool:
    """Whether the account has another identity at the provider, by the same key or the same issuer.

    A provider whose workspaces have an issuer each is one provider, and so is an issuer that two keys share.
    """
    same_provider = Q(provider_key=provider_key)
    if issuer:
        same_provider |= Q(issuer=issuer)
    own = OAuthConnection.objects.filter(same_provider, user_id=user.pk)
    # Compared here and not in SQL: `sub` is exact, under any collation of the column (Core 2).
    return any(other != subject for other in own.values_list("provider_user_id", flat=True))


def check_not_staff(user: AbstractBaseUser, provider: OAuthProvider) -> None:
    """Staff are linked only if the provider's own setting says so (rule 3c)."""
    privileged = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    if privileged and provider.link_by_email != "verified":
        raise StaffLinkingOff("refused: staff are not linked by this provider's email")


def local_email_is_unverified(user: AbstractBaseUser) -> bool:
    """Whether the account may have been opened with another person's address (rule 3d).

    An attacker could open an account with the address of a person who has none yet, and wait for them to sign in.
    """
    path = settings.LOCAL_EMAIL_VERIFIED
    if path is not None:
        return not import_string(path)(user)
    return apps.is_installed("allauth.account") and not allauth_has_verified(user)


def allauth_has_verified(user: AbstractBaseUser) -> bool:
    """Whether the person confirmed the account's own address in django-allauth, compared as safely as ours."""
    model: Any = apps.get_model("account", "EmailAddress")  # type: ignore[misc]  # of django-allauth
    own = email_key(getattr(user, user.get_email_field_name()) or "")
    addresses = model.objects.using(router.db_for_write(model)).filter(user_id=user.pk, verified=True)
    return own in map(email_key, addresses.values_list("email", flat=True))


# Settings of the site and of an entry. The more restrictive one applies, unless the site's own entry overrides it.


def links_by_email(provider: OAuthProvider) -> bool:
    """Whether this provider's addresses link accounts (rule 3b).

    Only a "verified" that the site wrote into this entry overrides a "never" for the whole site. An entry from a loader
    or from other settings does not, and neither does a class.
    """
    if settings.EMAIL_LINKING != "verified" and not is_written(provider.key, "link_by_email", "verified"):
        return False
    return (provider.link_by_email or settings.EMAIL_LINKING) == "verified"


def allows_signup(provider: OAuthProvider) -> bool:
    """Whether this provider signs up new accounts (rule 5), by the same precedence as `links_by_email`."""
    if not settings.ALLOW_SIGNUP and not is_written(provider.key, "allow_signup", True):
        return False
    return provider.allow_signup is not False
