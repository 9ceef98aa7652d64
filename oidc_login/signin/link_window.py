"""Linking within a window that an operator opened, for people whose identities another package did not store (rule 3f).

It protects against: a second person with the same claim value; people of another issuer; an expired window; staff; an
account that somebody opened for another person's address. `oidc_login_window` opens and closes windows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import router
from django.utils import timezone

from oidc_login.exceptions import (
    EmailAmbiguous,
    EmailLinkingOff,
    IdentityConflict,
    Inactive,
    OAuthError,
    StaffLinkingOff,
)
from oidc_login.models import LinkReason, LinkWindow, LinkWindowUse, OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin import linking
from oidc_login.signin.admission import admit_user
from oidc_login.signin.claims import Identity, email_key
from oidc_login.user_model import is_active

logger = logging.getLogger(__name__)

REASON = "linked in a window that an operator opened"
EMAIL = "email"
KNOWN_FOR = 10  # seconds for which a process remembers that no window is open; open windows are not cached

# When each provider was last found without an open window.
_without_window: dict[str, float] = {}


def resolve_sign_in(
    identity: Identity,
    *,
    provider: OAuthProvider,
    connection: OAuthConnection | None,
    find_users: Callable[[], Iterable[Any]],
    site_vouches: bool,
    can_authenticate: Callable[[Any], bool],
) -> linking.Decision:
    """Decide for a person who signs in: within a window if one is open for them, or else by the other linking rules."""
    window = open_window(identity) if connection is None and not site_vouches else None
    if window is not None:
        user = linking.find_only_account(find_users())
        decision = resolve_in_window(identity, window, user, provider=provider, can_authenticate=can_authenticate)
        if decision is not None:
            return decision
    return linking.resolve_sign_in(
        identity,
        provider=provider,
        connection=connection,
        find_users=find_users,
        site_vouches=site_vouches,
        can_authenticate=can_authenticate,
    )


def resolve_in_window(
    identity: Identity,
    window: LinkWindow,
    user: AbstractBaseUser | None,
    *,
    provider: OAuthProvider,
    can_authenticate: Callable[[Any], bool],
) -> linking.Decision | None:
    """Link the account that the claim of an open window names (rule 3f); `None`: the other rules decide.

    `user` has the address. A person whom the window may not link is never given a second account.
    """
    named = find_account(window, identity)
    if named is None:
        return None
    if user is not None and user.pk != named.pk:
        raise EmailAmbiguous("refused: the window's claim names another account than the email")
    admit_user(named, can_authenticate=can_authenticate)
    refused = refusal(window, named)
    if refused is None and window.claim == EMAIL and not linking.links_by_email(provider):
        refused = EmailLinkingOff("refused: linking by email is off")
    if refused is not None:
        if user is None:
            raise refused
        return None
    if linking.local_email_is_unverified(named):
        return linking.Decision(action="confirm", reason=linking.LOCAL_EMAIL_UNVERIFIED, user=named)
    return linking.Decision(action="link", reason=REASON, user=named, link_reason=LinkReason.OPERATOR, window=window)


def open_window(identity: Identity) -> LinkWindow | None:
    """Return the open window that an identity may be linked in: that of its provider and its issuer."""
    now = time.monotonic()
    if now - _without_window.get(identity.provider_key, -KNOWN_FOR) < KNOWN_FOR:
        return None
    windows = LinkWindow.objects.using(router.db_for_write(LinkWindow)).open_at(timezone.now())
    found = windows.filter(provider_key=identity.provider_key).first()
    if found is None:
        _without_window[identity.provider_key] = now
        return None
    return found if found.issuer == identity.issuer else None


def forget_closed() -> None:
    """Make this process look for open windows again."""
    _without_window.clear()


def find_account(window: LinkWindow, identity: Identity) -> AbstractBaseUser | None:
    """Return the only active account that the claim identifies, or `None`; raise an error if it is ambiguous."""
    value = identity.email if window.claim == EMAIL else identity.claims.get(window.claim)
    if not isinstance(value, str) or not value:
        return None
    model = get_user_model()
    rows = model._default_manager.using(router.db_for_write(model)).filter(**{f"{window.user_field}__iexact": value})
    # Compare again, because collations match look-alikes.
    found = [user for user in rows if email_key(str(getattr(user, window.user_field) or "")) == email_key(value)]
    active = [user for user in found if is_active(user)]
    if found and not active:
        raise Inactive("refused: the account that the window's claim names is not active")
    if len(active) > 1:
        raise EmailAmbiguous("refused: the window's claim names several accounts")
    return active[0] if active else None


def refusal(window: LinkWindow, user: AbstractBaseUser) -> OAuthError | None:
    """Return why an account cannot be linked in a window, or `None` if it can."""
    privileged = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    if privileged and str(user.pk) not in window.staff:
        return StaffLinkingOff("refused: the window names no such member of staff")
    own = OAuthConnection._base_manager.using(router.db_for_write(OAuthConnection)).filter(user_id=user.pk)
    if own.exists():
        return IdentityConflict("refused: the account has a connection, and a window is for accounts without one")
    if was_used(window, user):
        return IdentityConflict("refused: the account was linked in a window before")
    return None


def was_used(window: LinkWindow, user: AbstractBaseUser) -> bool:
    """Whether an account was linked in any window of the provider: each is linked once."""
    uses = LinkWindowUse._base_manager.using(router.db_for_write(LinkWindowUse))
    return uses.filter(window__provider_key=window.provider_key, user_key=str(user.pk)).exists()


def use(window: LinkWindow, user: AbstractBaseUser) -> None:
    """Record that an account is linked in a window. It is checked again, with the account locked."""
    still_open = LinkWindow.objects.using(router.db_for_write(LinkWindow)).open_at(timezone.now())
    if not still_open.filter(pk=window.pk).exists():
        raise IdentityConflict("refused: the window was closed in the meantime")
    if (refused := refusal(window, user)) is not None:
        raise refused
    LinkWindowUse._base_manager.using(router.db_for_write(LinkWindowUse)).create(window=window, user_key=str(user.pk))
    extra: Mapping[str, Any] = {"provider": window.provider_key, "window": window.pk, "user": str(user.pk)}
    logger.info("window used: window=%s provider=%s user=%s", window.pk, window.provider_key, user.pk, extra=extra)
