"""What a provider class has to say itself, since its base cannot know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from oidc_login.checks.entries import Entry
from oidc_login.providers.base import OAuthProvider


def missing_parts(
    entry: Entry, provider: OAuthProvider, base: type[OAuthProvider], parts: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, str]]:
    """Yield each part that a provider has neither itself nor as what it may override instead, and all these ways."""
    for part, alternatives in parts.items():
        ways = (part, *alternatives)
        if not any(name in entry.broken or is_given(provider, base, name) for name in ways):
            yield part, " or ".join(ways)


def is_given(provider: OAuthProvider, base: type[OAuthProvider], name: str) -> bool:
    """Whether a provider has its own attribute or method instead of the base's."""
    return name in vars(provider) or getattr(type(provider), name) is not getattr(base, name)
