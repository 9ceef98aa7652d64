"""Reads userinfo responses by dotted paths such as `data.0.id`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What a mapping can read from a userinfo response.
NAMES = ("user_id", "email", "email_verified", "username", "name", "picture")
PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")

# Members that are not passed on under their own names: `mapping` says what they are, and the response of an OAuth 2.0
# provider makes no statements of OpenID Connect.
RESERVED = frozenset(
    ("sub", "preferred_username", "name", "picture", "email", "email_verified")
    + ("iss", "aud", "azp", "exp", "iat", "nonce", "at_hash", "auth_time", "acr", "amr", "sid")
)


def value_at(document: Any, path: str) -> Any:
    """Return the value at a dotted path, or `None`; numbers are positions in lists, starting at 0."""
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
    """Return the text at a path, or "" if it is missing or not text."""
    value = value_at(document, path)
    return value if isinstance(value, str) else ""


def other_members(document: Any) -> Mapping[str, Any]:
    """Return the members that no mapping uses, for hooks and for settings that name claims."""
    members = document if isinstance(document, dict) else {}
    return {name: value for name, value in members.items() if name not in RESERVED}
