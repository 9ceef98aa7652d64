"""The checks of groups, flags and profile fields that sign-ins write to users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oidc_login.checks.entries import Entry
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import WRONG_TYPE, Rule, dictionary, strings, text_map, text_or_strings
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin.profile import may_be_written
from oidc_login.user_model import get_field

FIELD_PROTECTED = Report(
    "E026",
    "{subject} names {name!r}, which is not a field of the user model that a provider may write.",
    'Write fields for text, booleans or numbers, as in {{"first_name": "given_name"}}. The package never writes email '
    "addresses, user names, other unique fields, passwords and privileges from claims.",
)
FIELD_MISSING = Report(
    "E027",
    "{subject} needs the field {name!r}, which the user model does not have.",
    "Remove {argument!r}, or derive the user model from django.contrib.auth.models.PermissionsMixin.",
)
CLAIM_MISSING = Report(
    "E028",
    "{entry}: {argument} needs a groups_claim.",
    'Write "groups_claim": "groups", or the name of the claim in which the provider lists the groups of a person.',
)
NAME_EMPTY = Report(
    "E190",
    "{subject} contains an empty name.",
    'Write claims or paths, as in ["roles", "resource_access.shop.roles"].',
)
PATTERN_INVALID = Report(
    "E191",
    "{subject}: {name!r} cannot be mapped to the group {group!r}.",
    "A name may contain one star. A group may contain one only if the name does: with "
    '{{"app-*": "*"}} the name "app-editors" is mapped to the group "editors".',
)


# Single arguments.


def groups_claim(value: Any) -> Iterator[Problem]:
    """One claim or path, or several."""
    wrong_type = list(text_or_strings(value))
    yield from wrong_type
    if not wrong_type and not isinstance(value, str) and not all(value):
        yield NAME_EMPTY.problem()


def group_map(value: Any) -> Iterator[Problem]:
    """Names mapped to names or lists of names, with at most one star in each, for a user model with groups."""
    yield from needs_field("groups", value)
    wrong_type = list(dictionary(value)) or [found for pair in value.items() for found in check_types(*pair)]
    yield from wrong_type
    for name, groups in () if wrong_type else value.items():
        for group in (groups,) if isinstance(groups, str) else groups:
            if name.count("*") > 1 or group.count("*") > name.count("*"):
                yield PATTERN_INVALID.problem(name=name, group=group)


def check_types(name: Any, groups: Any) -> Iterable[Problem]:
    """Both sides of a group map are strings; the right side may be a list."""
    if isinstance(name, str):
        return text_or_strings(groups)
    found = f"a dictionary with {type(name).__name__}"
    return [WRONG_TYPE.problem(expected="a dictionary of strings", example='{"...": "..."}', found=found)]


def flag_groups(flag: str) -> Rule:
    """Return the rule for the groups that set a flag of the user model."""
    return lambda value: [*strings(value), *needs_field(flag, value)]


def needs_field(name: str, value: Any) -> Iterator[Problem]:
    """The user model has the field that an argument writes to."""
    if value and get_field(name) is None:
        yield FIELD_MISSING.problem(name=name)


def profile_map(value: Any) -> Iterator[Problem]:
    """User fields with plain values that neither identify people nor give them rights."""
    is_map = isinstance(value, Mapping)
    claims = {name: "" if callable(source) else source for name, source in value.items()} if is_map else value
    yield from text_map(claims)
    for name in value if is_map else ():
        if not isinstance(name, str) or not may_be_written(name):
            yield FIELD_PROTECTED.problem(name=name)


# The provider as a whole.


def check_groups(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """Arguments about groups require the claim that contains them."""
    if provider.groups_paths or "groups_claim" in entry.broken:
        return
    for name in ("group_map", "staff_groups", "superuser_groups", "create_groups"):
        if entry.arguments.get(name):
            yield CLAIM_MISSING.problem(name)
    if provider.groups_missing != "remove":
        yield CLAIM_MISSING.problem("groups_missing")
