"""What a provider's settings make of claims: groups, staff and superuser, and profile fields. All off by default."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group
from django.db import router
from django.db.models import CharField, EmailField, TextField

from ..providers.base import OAuthProvider
from .claims import text
from .users import get_field

logger = logging.getLogger(__name__)

# What no claim ever writes, beside keys, user name and address: secrets.
PROTECTED_FIELDS = ("password",)


def apply(user: AbstractBaseUser, claims: Mapping[str, Any], provider: OAuthProvider) -> None:
    """Bring the user in line with the claims of this sign-in."""
    if provider.groups_claim:
        names = group_names(claims, provider.groups_claim)
        set_groups(user, names, provider.group_map)
        set_flag(user, "is_staff", names, provider.staff_groups)
        set_flag(user, "is_superuser", names, provider.superuser_groups)
    set_profile(user, claims, provider.profile_map)


def group_names(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return the groups of a claim: a list, or one name alone; a claim that is missing names none."""
    value = claims.get(name)
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def set_groups(user: Any, names: Iterable[str], group_map: Mapping[str, str]) -> None:
    """Make the user a member of what the map gives for the names; groups outside the map are not touched."""
    if not group_map:
        return
    wanted = {group_map[name] for name in names if name in group_map}
    using = router.db_for_write(Group)
    mine = user.groups.using(using).filter(name__in=set(group_map.values()))
    present = set(mine.values_list("name", flat=True))
    if wanted - present:
        joined = list(Group.objects.using(using).filter(name__in=wanted - present))
        user.groups.add(*joined)
        for name in sorted(wanted - present - {group.name for group in joined}):
            logger.warning("group_map names the group %r, which does not exist", name)
    if present - wanted:
        user.groups.remove(*Group.objects.using(using).filter(name__in=present - wanted))


def set_flag(user: Any, flag: str, names: frozenset[str], granting: Iterable[str]) -> None:
    """Set a flag where one of the granting groups is among the names, else take it away; off without groups."""
    granting = frozenset(granting)
    if granting:
        change(user, {flag: not granting.isdisjoint(names)})


def set_profile(user: AbstractBaseUser, claims: Mapping[str, Any], profile_map: Mapping[str, str]) -> None:
    """Take over text claims into fields of the user; a claim that is missing changes nothing."""
    values = {}
    for name, claim in profile_map.items():
        field = get_field(name)
        value = text(claims, claim, max_length=getattr(field, "max_length", None))
        if value and may_be_written(name):
            values[name] = value
    change(user, values)


def may_be_written(name: str) -> bool:
    """Whether a claim may be taken over into a field of the user model: plain text that identifies nobody."""
    model, field = get_user_model(), get_field(name)
    if not isinstance(field, (CharField, TextField)) or isinstance(field, EmailField) or field.unique:
        return False
    return name not in (*PROTECTED_FIELDS, model.USERNAME_FIELD, model.get_email_field_name(), "username", "email")


def change(user: Any, values: Mapping[str, Any]) -> None:
    """Write the values that differ."""
    different = {name: value for name, value in values.items() if getattr(user, name) != value}
    for name, value in different.items():
        setattr(user, name, value)
    if different:
        user.save(update_fields=sorted(different))
