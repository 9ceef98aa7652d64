"""What a provider class has to say itself, since its base cannot know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..providers.base import OAuthProvider
from .arguments import problem
from .messages import Problem


def missing_parts(
    provider: OAuthProvider, base: type[OAuthProvider], parts: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Yield each part that a provider has neither itself nor as what it may override instead."""
    for part, alternatives in parts.items():
        if not any(is_given(provider, base, name) for name in (part, *alternatives)):
            yield problem("E019", part=part, alternatives=" or ".join((part, *alternatives)))


def is_given(provider: OAuthProvider, base: type[OAuthProvider], name: str) -> bool:
    """Whether a provider has its own attribute or method instead of the base's."""
    return name in vars(provider) or getattr(type(provider), name) is not getattr(base, name)
