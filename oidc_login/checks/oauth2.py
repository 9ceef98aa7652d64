"""The checks of `mapping`: where a userinfo response contains the identity and the profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oidc_login.checks.entries import Entry
from oidc_login.checks.parts import is_given
from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import text_map
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.mapping import NAMES, PATH
from oidc_login.validation import did_you_mean, listed

# Members of responses that people can change or give up.
CHANGEABLE = (
    "email",
    "mail",
    "login",
    "username",
    "user_name",
    "screen_name",
    "nickname",
    "handle",
    "name",
    "full_name",
    "display_name",
    "preferred_username",
)

# A class that overrides one of these may identify people differently.
IDENTIFYING_METHODS = ("get_userinfo", "user_from_userinfo", "subject_from_userinfo")

USER_ID_MISSING = Report(
    "E076",
    "{entry}: mapping has no user_id.",
    'Write "mapping": {{"user_id": "id", ...}}, and use the name of a field that never changes.',
)
NAME_UNKNOWN = Report("E077", "{subject} contains the unknown name {name!r}{near}.", "Use one or more of {names}.")
PATH_INVALID = Report(
    "E078",
    "{subject}: {path!r}, used for {name}, is not a valid path.",
    'Separate names with dots, and use numbers for positions in lists: "data.emails.0.address".',
)
USER_ID_CHANGES = Report(
    "W075",
    "{entry}: mapping takes the user_id from {path!r}, which people can usually change.",
    "Somebody else could take over a name that a person gives up, and with it the person's account here. Use a field "
    "that never changes, such as a number.",
)


def mapping(value: Any) -> Iterator[Problem]:
    """Known names, and dotted paths to their values."""
    wrong_type = list(text_map(value))
    yield from wrong_type
    for name, path in () if wrong_type else value.items():
        if name not in NAMES:
            yield NAME_UNKNOWN.problem(name=name, near=did_you_mean(name, NAMES), names=listed(NAMES))
        elif not PATH.fullmatch(path):
            yield PATH_INVALID.problem(name=name, path=path)


def check_identity(entry: Entry, provider: OAuthProvider) -> Iterator[Problem]:
    """A mapping identifies people by a value that never changes."""
    if not provider.mapping or any(is_given(provider, name) for name in IDENTIFYING_METHODS):
        return
    path = provider.mapping.get("user_id")
    if path is None:
        yield USER_ID_MISSING.problem()
    elif path.rpartition(".")[2].lower() in CHANGEABLE:
        yield USER_ID_CHANGES.problem(path=path)
