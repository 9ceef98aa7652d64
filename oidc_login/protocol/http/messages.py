"""Requests, responses, and the strict JSON parser for everything that a provider sends."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from oidc_login.protocol.errors import ResponseInvalid

MAX_DEPTH = 32
MAX_DIGITS = 40


def strict_json(raw: bytes | str) -> Any:
    """Parse UTF-8 JSON without duplicate names, infinite numbers or deep nesting (RFC 8259 4, 6, 8.1, 9)."""
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        # Not chained, because these errors contain the document.
        raise ResponseInvalid("json") from None
    # With so few brackets the nesting cannot be too deep, so most documents need no second pass.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    return value


def stated(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that have a value; serializers write null or "" for absent members.

    Use it for documents, keys and responses, but not for signed headers and claims.
    """
    return {name: value for name, value in members.items() if value is not None and value != ""}


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return
        level = [inner for outer in containers for inner in (outer.values() if type(outer) is dict else outer)]
    raise ResponseInvalid("json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ResponseInvalid("json")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ResponseInvalid("json")
    return number


def _short_integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ResponseInvalid("json")
    return int(text)


def _refuse_constant(_name: str) -> NoReturn:
    raise ResponseInvalid("json")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_finite,
    parse_int=_short_integer,
    parse_constant=_refuse_constant,
)


DEFAULT_MAX_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is sent once."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response with any status; header names are in lower case."""

    status: int
    content_type: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return strict_json(self.body)


def retry_after(response: Response, now: float) -> int | None:
    """Return the seconds that a 429 or 503 asked to wait, between a second and an hour (RFC 9110 10.2.3)."""
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
