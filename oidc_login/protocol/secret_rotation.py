"""Which of several client secrets is used while they are rotated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from oidc_login.protocol.errors import TokenErrorResponse

T = TypeVar("T")


class SecretRotation:
    """Remembers the position of the secret that worked last."""

    def __init__(self) -> None:
        self._position = 0

    def current(self, secrets: Sequence[str]) -> str:
        """Return the secret that worked last."""
        return secrets[self._position]

    def send(self, request: Callable[[str], T], secrets: Sequence[str], *, refusals: Collection[str]) -> T:
        """Make a request with the secret that worked last, and with the others if the client is refused.

        The client is judged before anything else (RFC 6749 3.2.1), so a code is not used up by a refusal.
        """
        for attempt in range(len(secrets)):
            position = (self._position + attempt) % len(secrets)
            try:
                answer = request(secrets[position])
            except TokenErrorResponse as error:
                if error.reason not in refusals or attempt + 1 == len(secrets):
                    raise
            else:
                self._position = position
                return answer
        raise AssertionError("unreachable")
