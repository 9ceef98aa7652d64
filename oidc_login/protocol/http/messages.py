"""One request and its response, as the rest of the protocol floor sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

from oidc_login.protocol.http.strict_json import strict_json

DEFAULT_MAX_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be sent, once."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What was answered, whatever the status; header names are found in lower case."""

    status: int
    content_type: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return strict_json(self.body)


def retry_after(response: Response, now: float) -> int | None:
    """Seconds to wait, as a 429 or 503 asked for, between a second and an hour (RFC 9110 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if response.status not in (429, 503) or not value:
        return None
    try:
        seconds = int(value) if value.isdecimal() else _http_date(value) - now
    except (ValueError, OverflowError):
        return None
    return math.ceil(max(1, min(seconds, 3600)))


def _http_date(value: str) -> float:
    date = parsedate_to_datetime(value)
    return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
