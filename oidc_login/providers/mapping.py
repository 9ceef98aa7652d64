"""What an answer means: dotted paths into its JSON, such as `data.0.id`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What can be read from a user-info answer.
NAMES = ("user_id", "email", "email_verified", "username", "name", "picture")
PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")

# Members of an answer that are not passed on under their own names: `mapping` says what these are, and nothing in
# the answer of an OAuth 2.0 provider is a statement of OpenID Connect.
RESERVED = frozenset(
    ("sub", "preferred_username", "name", "picture", "email", "email_verified")
    + ("iss", "aud", "azp", "exp", "iat", "nonce", "at_hash", "auth_time", "acr", "amr", "sid")
)


def value_at(document: Any, path: str) -> Any:
    """Return what stands at a dotted path, `None` where nothing does; a number counts in lists, from 0."""
    for step in path.split("."):
        document = _member(document, step)
    return document if path else None


def _member(document: Any, name: str) -> Any:
    if isinstance(document, dict):
        return document.get(name)
    if isinstance(document, list) and name.isascii() and name.isdigit():
        return document[int(name)] if int(name) < len(document) else None
    return None


def text_at(document: Any, path: str) -> str:
    """Return the text that stands at a path, "" for anything else."""
    value = value_at(document, path)
    return value if isinstance(value, str) else ""


def other_members(document: Any) -> Mapping[str, Any]:
    """Return the members that no mapping names, for hooks and for the settings that name claims."""
    members = document if isinstance(document, dict) else {}
    return {name: value for name, value in members.items() if name not in RESERVED}
