"""What a provider's settings make of claims: groups, staff and superuser, and profile fields. All off by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, Group

from .accounts import get_field
from .claims import text
from .providers.base import OAuthProvider

# What no claim ever writes: who it is, where mail goes, and what they may do.
PROTECTED_FIELDS = ("id", "pk", "password", "username", "email", "is_active", "is_staff", "is_superuser", "last_login")


def apply(user: AbstractBaseUser, claims: Mapping[str, Any], provider: OAuthProvider) -> None:
    """Bring the user in line with the claims of this sign-in."""
    if provider.groups_claim:
        names = group_names(claims, provider.groups_claim)
        set_groups(user, names, provider.group_map)
        set_flag(user, "is_staff", names, provider.staff_groups)
        set_flag(user, "is_superuser", names, provider.superuser_groups)
    set_profile(user, claims, provider.profile_map)


def group_names(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return the groups of a claim; a claim that is missing or of another type names none."""
    value = claims.get(name)
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def set_groups(user: Any, names: Iterable[str], group_map: Mapping[str, str]) -> None:
    """Make the user a member of what the map gives for the names; groups outside the map are not touched."""
    if not group_map:
        return
    mapped = set(group_map.values())
    wanted = {group_map[name] for name in names if name in group_map}
    present = set(user.groups.filter(name__in=mapped).values_list("name", flat=True))
    if wanted - present:
        user.groups.add(*Group.objects.filter(name__in=wanted - present))
    if present - wanted:
        user.groups.remove(*Group.objects.filter(name__in=present - wanted))


def set_flag(user: Any, flag: str, names: frozenset[str], granting: Iterable[str]) -> None:
    """Set a flag where one of the granting groups is among the names, else take it away; off without groups."""
    granting = frozenset(granting)
    if granting:
        change(user, {flag: not granting.isdisjoint(names)})


def set_profile(user: AbstractBaseUser, claims: Mapping[str, Any], profile_map: Mapping[str, str]) -> None:
    """Take over text claims into fields of the user; a claim that is missing changes nothing."""
    values = {}
    for attribute, claim in profile_map.items():
        field = get_field(attribute)
        value = text(claims, claim, max_length=getattr(field, "max_length", None))
        if field is not None and value and attribute not in PROTECTED_FIELDS:
            values[attribute] = value
    change(user, values)


def change(user: Any, values: Mapping[str, Any]) -> None:
    """Write the values that differ."""
    different = {name: value for name, value in values.items() if getattr(user, name) != value}
    for name, value in different.items():
        setattr(user, name, value)
    if different:
        user.save(update_fields=sorted(different))
