"""What the diagnosis reports: one finding for each check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oidc_login.advice import ADVICE
from oidc_login.protocol.errors import ProtocolError, ProviderUnavailable

FAULT = "The provider has an internal error or limits requests (5xx, 429): check its status page."
UNUSABLE = "The provider sent an unusable response: check whether a proxy responded instead, and `metadata`."
RESULTS: Mapping[bool | None, str] = {True: "ok", False: "failed", None: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check; `is_good` is `None` if the check cannot tell.

    `url`, `expected` and `seen` are the evidence. None of them is secret.
    """

    subject: str
    is_good: bool | None
    text: str
    url: str = ""
    expected: str = ""
    seen: str = ""

    def evidence(self) -> dict[str, str]:
        """Return the evidence that is not empty, by name."""
        named = {"url": self.url, "expected": self.expected, "seen": self.seen}
        return {name: value for name, value in named.items() if value}

    def as_json(self) -> dict[str, str]:
        return {"subject": self.subject, "result": RESULTS[self.is_good], "text": self.text, **self.evidence()}


def failed(subject: str, error: ProtocolError, *, url: str = "") -> Finding:
    """Return the finding of a failed request, with advice."""
    other = FAULT if isinstance(error, ProviderUnavailable) else UNUSABLE
    return Finding(
        subject=subject,
        is_good=False,
        text=f"{error.reason}: {ADVICE.get(error.reason, other)}",
        url=url,
        expected=error.evidence.expected if error.evidence else "",
        seen=error.evidence.seen if error.evidence else "",
    )
