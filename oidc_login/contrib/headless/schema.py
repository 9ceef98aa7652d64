"""The description of an endpoint: its body, responses and error statuses, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MOMENT_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
URL: Schema = {"type": "string"}
URL_OR_NULL: Schema = {"type": ["string", "null"]}
SECONDS: Schema = {"type": "integer", "minimum": 0}


def an_object(**members: Schema) -> Schema:
    """Return the schema of an object with exactly these members."""
    return {"type": "object", "properties": members, "required": sorted(members), "additionalProperties": False}


def a_body(*required: str, **members: Schema) -> Schema:
    """Return the schema of a request's body; unknown members are ignored."""
    return {"type": "object", "properties": members, **({"required": sorted(required)} if required else {})}


def a_list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


USER = an_object(id=TEXT, username=TEXT, email=TEXT, name=TEXT)
PROVIDER = an_object(key=TEXT, label=TEXT, icon=TEXT_OR_NULL, begin_url=URL)
PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "status": {"type": "integer"},
        "code": TEXT,
        "detail": TEXT,
        "providers": a_list(PROVIDER),
        "csrf_token": TEXT,
        "confirm_link": an_object(provider=TEXT, email=TEXT),
        "provider": TEXT,
        "login_url": URL,
    },
    "required": ["code", "detail", "status", "title"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of an endpoint. `errors` are the statuses of its problem documents, except 500."""

    summary: str
    answers: Mapping[int, Schema | None]
    errors: Sequence[int] = ()
    body: Schema | None = None
    takes_app_token: bool = False
    needs_csrf_token: bool = field(default=False)
