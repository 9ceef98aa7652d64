"""Reads the body of a request: a JSON object or a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from oidc_login.contrib.headless.errors import BodyTooLarge, FieldInvalid
from oidc_login.protocol.errors import ResponseInvalid
from oidc_login.protocol.http.messages import strict_json

JSON: Final = "application/json"
UNREADABLE: Final = (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent, UnreadablePostError)
MAX_BODY: Final = 32 * 1024  # bytes; an ID token with many claims has a few thousand


def members_of(request: HttpRequest) -> Mapping[str, Any]:
    """Return the members of the body; raise `FieldInvalid` or `BodyTooLarge` if there are none."""
    if request.content_type != JSON:
        return form_of(request)
    body = request.body
    if len(body) > MAX_BODY:
        raise BodyTooLarge("body")
    try:
        members = strict_json(body) if body else {}
    except ResponseInvalid:
        raise FieldInvalid("body") from None
    if not isinstance(members, dict):
        raise FieldInvalid("body")
    return members


def form_of(request: HttpRequest) -> Mapping[str, str]:
    """Return the fields of a form, or none for another media type."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        raise BodyTooLarge("body")
    return {name: values[-1] for name, values in request.POST.lists()}


def body_refusal(error: Exception) -> BodyTooLarge | FieldInvalid:
    """Return the refusal for a body that Django rejects, possibly in its CSRF check."""
    return BodyTooLarge("body") if isinstance(error, RequestDataTooBig) else FieldInvalid("body")


def text_member(members: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    """Return a member that is a string, or "" if it is absent."""
    value = members.get(name)
    if value is None or value == "":
        if required:
            raise FieldInvalid(name)
        return ""
    if not isinstance(value, str):
        raise FieldInvalid(name)
    return value


def number_member(members: Mapping[str, Any], name: str) -> int | None:
    """Return a member that is a whole number of seconds, or `None` if it is absent; forms send digits."""
    value = members.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    raise FieldInvalid(name)
