"""What the diagnosis has to say: one finding for each thing that it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oidc_login.advice import ADVICE
from oidc_login.protocol.errors import ProtocolError, ProviderUnavailable

FAULT = "The provider has a fault of its own or wants fewer requests (5xx, 429): see its status page."
UNUSABLE = "The provider gave an answer that cannot be used: see whether a proxy answers instead, and `metadata`."
RESULTS: Mapping[bool | None, str] = {True: "ok", False: "failed", None: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `is_good` is `None` where nobody can tell from here.

    `url`, `expected` and `seen` are the evidence, none of which is secret.
    """

    subject: str
    is_good: bool | None
    text: str
    url: str = ""
    expected: str = ""
    seen: str = ""

    def evidence(self) -> dict[str, str]:
        """Return what there is of the evidence, by name."""
        named = {"url": self.url, "expected": self.expected, "seen": self.seen}
        return {name: value for name, value in named.items() if value}

    def as_json(self) -> dict[str, str]:
        return {"subject": self.subject, "result": RESULTS[self.is_good], "text": self.text, **self.evidence()}


def failed(subject: str, error: ProtocolError, *, url: str = "") -> Finding:
    """Return the finding of a request that failed, with what to do and where."""
    other = FAULT if isinstance(error, ProviderUnavailable) else UNUSABLE
    return Finding(
        subject=subject,
        is_good=False,
        text=f"{error.reason}: {ADVICE.get(error.reason, other)}",
        url=url,
        expected=error.evidence.expected if error.evidence else "",
        seen=error.evidence.seen if error.evidence else "",
    )
