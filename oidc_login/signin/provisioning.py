"""Groups, staff and superuser flags, and profile fields from claims, as a provider's settings say. Off by default.

A claim about groups is given, absent or unavailable. An unavailable claim changes nothing, and `groups_missing` says
what an absent one does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group
from django.db import IntegrityError, router, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.cache import SharedValues
from oidc_login.exceptions import RefusedBySite
from oidc_login.models import OAuthConnection
from oidc_login.plain_text import one_line
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin.groups_claim import (
    SHAPES,
    ClaimState,
    GroupsClaim,
    decide,
    groups_of,
    part_of,
    read,
    with_groups_of,
    without_answer,
)
from oidc_login.signin.profile import profile_values
from oidc_login.user_model import get_field, lock_user

logger = logging.getLogger(__name__)

FLAGS = ("is_staff", "is_superuser")
NOTE_LIFETIME = 24 * 3600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The groups and flags that a user has."""

    groups: frozenset[str] = frozenset()
    flags: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a sign-in changes; `last_superuser`: a flag was kept because nobody else could restore it."""

    join: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()
    flags: Mapping[str, bool] = field(default_factory=dict)
    last_superuser: bool = False


# Decisions, from values only.


def plan(rights: Rights, claim: GroupsClaim, provider: OAuthProvider, *, previous: GroupsClaim) -> Changes:
    """Return the changes that give a user the rights of a claim.

    Groups that the map does not name are not changed. Those that it names with a star are removed only if `previous`,
    the claim before, granted them: an administrator may have added others of such names.
    """
    wanted = mapped(claim.names, provider)
    brought = {name for name in rights.groups if is_brought(name, provider, previous)}
    granting = {"is_staff": provider.staff_groups, "is_superuser": provider.superuser_groups}
    flags = {flag: not claim.names.isdisjoint(names) for flag, names in granting.items() if names}
    return Changes(
        join=wanted - rights.groups,
        leave=frozenset(brought) - wanted,
        flags={flag: value for flag, value in flags.items() if rights.flags.get(flag) != value},
    )


def mapped(names: Iterable[str], provider: OAuthProvider) -> frozenset[str]:
    """Return the groups that the map assigns to names."""
    return frozenset(group for name in names for group in groups_of(name, provider.group_map))


def is_brought(group: str, provider: OAuthProvider, previous: GroupsClaim) -> bool:
    """Whether the provider granted a group, and so may remove it."""
    if group in fixed_groups(provider):
        return True
    if previous.state is ClaimState.UNAVAILABLE:  # there were too many names to keep
        made = (one for name, groups in provider.group_map.items() for one in groups if is_made(name, one))
        return any(part_of(group, one) for one in made)
    return group in mapped(previous.names, provider)


def fixed_groups(provider: OAuthProvider) -> frozenset[str]:
    """Return the groups that the map names in full."""
    return frozenset(one for name, groups in provider.group_map.items() for one in groups if not is_made(name, one))


def is_made(name: str, group: str) -> bool:
    """Whether the star of a pattern is part of the name of a group."""
    return "*" in name and "*" in group


# Applying the changes.


@sensitive_variables()
def provision(
    user: AbstractBaseUser,
    claims: Mapping[str, Any],
    provider: OAuthProvider,
    *,
    previous: Mapping[str, Any] | None = None,
) -> Changes:
    """Give a user the rights and profile of a sign-in's claims, and return the changes.

    `claims` are those of the provider now, and `previous` those that the connection has stored.
    """
    if not provider.changes_users():
        return Changes()
    with transaction.atomic(using=router.db_for_write(get_user_model())):
        changes = Changes()
        if provider.groups_paths:
            lock_user(user)
            before = read(previous or {}, provider)
            changes = _bring_in_line(user, read(claims, provider), provider, previous=before)
        _change(user, profile_values(user, claims, provider))
        return changes


@sensitive_variables()
def provision_again(connection: OAuthConnection, claims: Mapping[str, Any], provider: OAuthProvider) -> Changes:
    """Give the user of a connection the rights of claims that came without a sign-in.

    A refreshed ID token may omit claims (Core 12.2), and userinfo may never contain them, so a missing claim about
    groups is unavailable. The caller ends a session for which `last_superuser` is true: its rights are not confirmed.
    """
    if not provider.changes_users():
        return Changes()
    user, using = connection.user, router.db_for_write(OAuthConnection)
    claims = without_answer(claims, provider)
    with transaction.atomic(using=using):
        connection.lock()
        lock_user(user)
        connection.refresh_from_db(using=using, fields=["claims"])
        changes = provision(user, claims, provider, previous=connection.claims)
        connection.claims = with_groups_of(claims, provider, stored=connection.claims)
        connection.update_row(["claims"])
        return changes


def _bring_in_line(
    user: AbstractBaseUser, claim: GroupsClaim, provider: OAuthProvider, *, previous: GroupsClaim
) -> Changes:
    decision = decide(claim, provider)
    if decision == "refuse":
        raise RefusedBySite("groups_missing")
    if decision == "keep":
        _log_kept(user, claim, provider)
        return Changes()
    changes = changes_for(user, claim, provider, previous=previous)
    if changes.last_superuser:
        logger.warning("flags of the last superuser kept: provider=%s user=%s", provider.key, user.pk)
    apply(user, changes, provider)
    return changes


def changes_for(
    user: AbstractBaseUser, claim: GroupsClaim, provider: OAuthProvider, *, previous: GroupsClaim
) -> Changes:
    """Return what a claim changes for a user. Nothing is written, but the superusers are locked."""
    changes = plan(rights_of(user), claim, provider, previous=previous)
    if not is_demotion(user, changes) or not is_last_superuser(user):
        return changes
    gained = {flag: value for flag, value in changes.flags.items() if value}
    return Changes(join=changes.join, leave=changes.leave, flags=gained, last_superuser=True)


def rights_of(user: Any) -> Rights:
    """Return the rights of a user, from the database that is written to."""
    flags = {flag: getattr(user, flag) for flag in FLAGS if hasattr(user, flag)}
    if get_field("groups") is None:
        return Rights(flags=flags)
    names = user.groups.using(router.db_for_write(get_user_model())).values_list("name", flat=True)
    return Rights(groups=frozenset(names), flags=flags)


def is_demotion(user: Any, changes: Changes) -> bool:
    """Whether a superuser loses that flag, or the one that opens the admin."""
    return getattr(user, "is_superuser", False) and not all(changes.flags.values())


def is_last_superuser(user: AbstractBaseUser) -> bool:
    """Whether there is no other active superuser. Superusers are locked, so that two cannot be demoted at once."""
    model = get_user_model()
    active = {} if get_field("is_active") is None else {"is_active": True}
    superusers = model._base_manager.using(router.db_for_write(model)).filter(is_superuser=True, **active)
    locked = superusers.select_for_update().order_by("pk").values_list("pk", flat=True)
    return set(locked) <= {user.pk}


def apply(user: Any, changes: Changes, provider: OAuthProvider) -> None:
    """Write the changes."""
    if changes.join:
        user.groups.add(*_groups(changes.join, provider))
    if changes.leave:
        user.groups.remove(*existing_groups(changes.leave))
    _change(user, changes.flags)


def _groups(names: frozenset[str], provider: OAuthProvider) -> list[Group]:
    """Return the groups of these names; missing ones are created if the settings say so."""
    found = existing_groups(names)
    for name in sorted(names - {group.name for group in found}):
        group = _make_group(name) if provider.create_groups else None
        if group is not None:
            found.append(group)
        elif name in fixed_groups(provider):
            logger.warning("group in group_map does not exist: %r provider=%s", name, provider.key)
        else:  # its name is part of a claim
            logger.warning("group from a pattern in group_map does not exist: provider=%s", provider.key)
    return found


def existing_groups(names: frozenset[str]) -> list[Group]:
    """Return the groups with exactly these names, also on a database that ignores case."""
    groups = Group._default_manager.using(router.db_for_write(Group)).filter(name__in=names)
    return [group for group in groups if group.name in names]


def _make_group(name: str) -> Group | None:
    """Return a new group, or the one that another request has just created; `None` for an impossible name."""
    if name != one_line(name, max_length=Group._meta.get_field("name").max_length):
        return None
    using = router.db_for_write(Group)
    try:
        with transaction.atomic(using=using):
            return Group._default_manager.using(using).create(name=name)
    except IntegrityError:
        return next(iter(existing_groups(frozenset({name}))), None)


def _change(user: Any, values: Mapping[str, Any]) -> None:
    """Write the values that differ."""
    different = {name: value for name, value in values.items() if getattr(user, name) != value}
    for name, value in different.items():
        setattr(user, name, value)
    if different:
        user.save(update_fields=sorted(different))


# Why nothing changed, for the log and the diagnosis.


def _log_kept(user: AbstractBaseUser, claim: GroupsClaim, provider: OAuthProvider) -> None:
    """Log a claim that could not be read. A wrong shape is logged once a day, since it is the same for everyone."""
    if claim.state is ClaimState.ABSENT:
        return
    if claim.reason in SHAPES and not _is_news(claim, provider):
        return
    logger.warning(
        "groups unavailable, nothing changed: reason=%s claim=%s provider=%s user=%s",
        claim.reason,
        claim.path,
        provider.key,
        user.pk,
    )


def _is_news(claim: GroupsClaim, provider: OAuthProvider) -> bool:
    """Store the reason for the diagnosis, and return whether it is new."""
    known = last_unreadable(provider.key)
    if (known.get("claim"), known.get("reason")) == (claim.path, claim.reason):
        return False
    note = {"claim": claim.path, "reason": claim.reason, "seen_at": timezone.now().isoformat(timespec="minutes")}
    SharedValues().set(_note_key(provider.key), note, timeout=NOTE_LIFETIME)
    return True


def last_unreadable(provider_key: str) -> dict[str, str]:
    """Return the claim that could not be read in the last day, the reason, and when it was first seen; {} for none."""
    note = SharedValues().get(_note_key(provider_key))
    return note if isinstance(note, dict) else {}


def _note_key(provider_key: str) -> str:
    return f"oidc_login.groups.{provider_key}"
