"""The groups that a provider names: given, absent or unavailable. `provisioning` decides what they change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from oidc_login.exceptions import RefusedBySite
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.claim_paths import Absent, Unreadable, claim_at, is_there, top_level_names
from oidc_login.signin.claims import storable

# The limit for the stored names. The rest of the 8 kB is for the other claims.
MAX_KEPT_BYTES = 4 * 1024

# Separators of several names in one string.
_SEPARATORS = re.compile(r"""[\s,;|\[\]{}"']+""")


Decision = Literal["apply", "keep", "refuse"]


class ClaimState(Enum):
    """Whether a provider says which groups a person has."""

    GIVEN = "given"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"


# Reasons that concern the provider's settings, and not one person.
SHAPES = ("shape", "several_names_in_one_text", "json_in_a_text")

REASONS: Mapping[str, str] = {
    "overage": "the provider keeps them elsewhere, because there are too many",
    "null": "the claim is null, or nobody answered for it",
    "shape": "the claim is not a list of names",
    "several_names_in_one_text": "the claim is one text with several names",
    "json_in_a_text": "the claim is a text that contains JSON",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsClaim:
    """What the claims say about a person's groups; for an unavailable claim the path and the reason."""

    state: ClaimState
    names: frozenset[str] = field(default=frozenset(), repr=False)
    path: str = ""
    reason: str = ""


ABSENT = GroupsClaim(state=ClaimState.ABSENT)


def read(claims: Mapping[str, Any], provider: OAuthProvider) -> GroupsClaim:
    """Return what the claims say about groups.

    Several paths are joined. If one of them is unavailable, the groups are unavailable.
    """
    found = [_read_path(claims, path, provider) for path in provider.groups_paths]
    for claim in found:
        if claim.state is ClaimState.UNAVAILABLE:
            return claim
    given = [claim.names for claim in found if claim.state is ClaimState.GIVEN]
    return GroupsClaim(state=ClaimState.GIVEN, names=frozenset().union(*given)) if given else ABSENT


def _read_path(claims: Mapping[str, Any], path: str, provider: OAuthProvider) -> GroupsClaim:
    try:
        reason = ""
        names = _names(claim_at(claims, path), provider)
    except Absent:
        if not _is_overage(claims, path):
            return ABSENT
        names, reason = frozenset(), "overage"
    except Unreadable as error:
        names, reason = frozenset(), str(error) or "shape"
    state = ClaimState.UNAVAILABLE if reason else ClaimState.GIVEN
    return GroupsClaim(state=state, names=names, path=path, reason=reason)


def _is_overage(claims: Mapping[str, Any], path: str) -> bool:
    """Whether the claims refer to another place for the groups (Core 5.6.2), as Entra does for more than 200.

    https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#groups-overage-claim
    """
    if claims.get("hasgroups") in (True, "true") and "groups" in top_level_names(path):
        return True
    elsewhere = claims.get("_claim_names", {})
    return not isinstance(elsewhere, Mapping) or not top_level_names(path).isdisjoint(elsewhere)


def _names(value: Any, provider: OAuthProvider) -> frozenset[str]:
    """Return the names in a list of strings, or in one string; anything else is `Unreadable`."""
    if value is None:
        raise Unreadable("null")
    if isinstance(value, str):
        return frozenset({_one_name(value, provider)})
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Unreadable("shape")
    return frozenset(value)


def _one_name(text: str, provider: OAuthProvider) -> str:
    """Return a string that is one name. It is not if a part of it is a name that the settings know."""
    if text in provider.known_groups:
        return text
    if _is_json(text):
        raise Unreadable("json_in_a_text")
    parts = [part for part in _SEPARATORS.split(text) if part]
    if not parts:
        raise Unreadable("shape")
    if parts != [text] and any(is_known(part, provider) for part in parts):
        raise Unreadable("several_names_in_one_text")
    return text


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (list, dict, str))
    except (ValueError, RecursionError):
        return False


# Names that the settings of a provider know.


def is_known(name: str, provider: OAuthProvider) -> bool:
    """Whether a name grants a group or a flag."""
    return name in provider.known_groups or bool(groups_of(name, provider.group_map))


def groups_of(name: str, group_map: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return the groups that a map assigns to a name: by its own entry, or else by all matching patterns."""
    if name in group_map:
        return frozenset(group_map[name])
    found: set[str] = set()
    for pattern, groups in group_map.items():
        part = part_of(name, pattern)
        if part:
            found.update(group.replace("*", part) for group in groups)
    return frozenset(found)


def part_of(name: str, pattern: str) -> str:
    """Return what the star of a pattern matches in a name; "" if the name does not match."""
    before, star, after = pattern.partition("*")
    fits = star and name.startswith(before) and name.endswith(after)
    return name[len(before) : len(name) - len(after)] if fits else ""


def without_answer(claims: Mapping[str, Any], provider: OAuthProvider) -> dict[str, Any]:
    """Return claims in which missing groups are unavailable, and not absent."""
    missing = [path for path in provider.groups_paths if not is_there(claims, path)]
    return {**claims, **dict.fromkeys(missing)}


# A connection stores the names of each path under the path itself. `claim_at` looks for an exact name first, so the
# same settings can read them later.


def decide(claim: GroupsClaim, provider: OAuthProvider) -> Decision:
    """Return what a claim means: its groups apply, nothing changes, or the person may not sign in."""
    if claim.state is ClaimState.UNAVAILABLE:
        return "keep"
    if claim.state is ClaimState.GIVEN or provider.groups_missing == "remove":
        return "apply"
    return "keep" if provider.groups_missing == "keep" else "refuse"


def check(claims: Mapping[str, Any], provider: OAuthProvider) -> None:
    """Refuse a person without the claim where `groups_missing` is "refuse"."""
    if provider.groups_paths and decide(read(claims, provider), provider) == "refuse":
        raise RefusedBySite("groups_missing")


def kept(claims: Mapping[str, Any], provider: OAuthProvider, *, previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names of each given path, or those from before if nothing changes.

    Too many names are reduced to those that the settings know. `None`: those are too many as well.
    """
    claim = read(claims, provider)
    if claim.state is ClaimState.UNAVAILABLE or (claim is ABSENT and provider.groups_missing == "keep"):
        return {path: previous[path] for path in provider.groups_paths if path in previous}
    names = {path: _in_order(claim_at(claims, path)) for path in provider.groups_paths if is_there(claims, path)}
    if _fits(names):
        return dict(names)
    known: dict[str, list[str]] = {
        path: [name for name in values if is_known(name, provider)] for path, values in names.items()
    }
    return dict(known) if _fits(known) else dict.fromkeys(names)


def with_groups_of(claims: Mapping[str, Any], provider: OAuthProvider, *, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored claims with only the groups replaced by those of other claims."""
    others = {name: value for name, value in stored.items() if name not in provider.groups_paths}
    return storable(others, wanted=others, judged=kept(claims, provider, previous=stored))


def _in_order(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(dict.fromkeys(value))


def _fits(names: Mapping[str, Any]) -> bool:
    return len(json.dumps(names)) <= MAX_KEPT_BYTES
