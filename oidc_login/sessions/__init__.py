"""The session of a person who has signed in through a provider."""

from __future__ import annotations

import secrets


def new_mark() -> str:
    return secrets.token_hex(16)
