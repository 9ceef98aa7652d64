"""What somebody has to know who sets a provider up. The documentation prints it; nothing at run time reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One provider, as `docs/providers.md` describes it; each text is one or two plain sentences of Markdown."""

    register_at: str  # the URL where an application is registered
    register_as: str  # what to choose and switch on there
    identity: str  # which value is the identity, and why it never changes
    email: str  # whether there is an address, and when it counts as verified
    refresh: str  # how long tokens live, and how new ones are had
    caution: str = ""  # a surprise, or what could not be checked against the live provider
    sources: tuple[str, ...] = ()  # the provider's own pages that say so
    arguments: Mapping[str, str] = field(default_factory=dict)  # of the class's own: what each is for
    example: Mapping[str, Any] = field(default_factory=dict)  # what an entry of the settings holds beside the client
