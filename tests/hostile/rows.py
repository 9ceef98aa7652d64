"""Rows of the hostile tables, and the changes that they make: each changes one thing of a good sign-in.

A row names its source: the section of a specification, a CVE, or a module of the OpenID Foundation's conformance
suite for relying parties (`oidcc-client-test-...`, `fapi2-security-profile-final-client-test-...`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from oidc_login.testing import Answer, AuthorizationAnswer, UnsignedToken

Seen = tuple[int, str]
Bends = dict[str, Callable[[Any], Any]]
T = TypeVar("T", bound=Callable[..., object])

# What people and the site see (status and code).
SIGNED_IN: Seen = (302, "")
BAD_ANSWER: Seen = (400, "parameter_invalid")
ID_TOKEN: Seen = (502, "id_token_invalid")
TOKENS: Seen = (502, "token_response_invalid")
USERINFO: Seen = (502, "userinfo_invalid")
METADATA: Seen = (502, "metadata_invalid")
UNAVAILABLE: Seen = (503, "provider_unavailable")

# The value of a member that is to be left out.
ABSENT = object()

_MODULE = re.compile(r"\b(?:oidcc-client-test|fapi\d-[a-z-]+-client-test)[a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that is changed, and what must become of the sign-in.

    `site` are arguments of the site's provider, `provider` attributes of the provider that is asked.
    """

    name: str
    source: str
    seen: Seen
    bends: Bends = field(default_factory=dict)
    site: Mapping[str, Any] = field(default_factory=dict)
    provider: Mapping[str, Any] = field(default_factory=dict)
    user: str = "alice"
    at: Literal["begin", "callback"] = "callback"
    uses_flow: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def modules(self) -> set[str]:
        """The conformance modules that the row stands for."""
        return set(_MODULE.findall(self.source))


def refused(name: str, source: str, bends: Bends, seen: Seen, **more: Any) -> Row:
    return Row(name=name, source=source, bends=bends, seen=seen, **more)


def accepted(name: str, source: str, bends: Bends | None = None, **more: Any) -> Row:
    return Row(name=name, source=source, bends=bends or {}, seen=SIGNED_IN, **more)


def source(text: str) -> Callable[[T], T]:
    """Name the source of a test that is more than a row."""

    def mark(test: T) -> T:
        test.stands_for = text  # type: ignore[attr-defined]  # read by tests/hostile/test_conformance_modules.py
        return test

    return mark


def modules_of(text: str) -> set[str]:
    return set(_MODULE.findall(text))


def changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Members with others set, left out (`ABSENT`) or made of what they were (a function)."""
    result = dict(members)
    for name, value in changes.items():
        if value is ABSENT:
            result.pop(name, None)
        else:
            result[name] = value(result.get(name)) if callable(value) else value
    return result


# Changes of the ID token.


def claims(**changes: Any) -> Bends:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.claims = changed(token.claims, changes)
        return token

    return {"id_token": change}


def header(**changes: Any) -> Bends:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.header = changed(token.header, changes)
        return token

    return {"id_token": change}


def payload(change_bytes: Callable[[UnsignedToken], bytes]) -> Bends:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.payload = change_bytes(token)
        return token

    return {"id_token": change}


def compact(change_text: Callable[[str], Any]) -> Bends:
    """Change the finished token."""
    return {"id_token": lambda token: change_text(token.signed())}


def signature(change_text: Callable[[str], str]) -> Bends:
    """Change the third part of the finished token."""

    def change(raw: str) -> str:
        signed, _, last = raw.rpartition(".")
        return f"{signed}.{change_text(last)}"

    return compact(change)


# Changes of HTTP answers.


def json_of(endpoint: str, **changes: Any) -> Bends:
    def change(answer: Answer) -> Answer:
        answer.json = changed(answer.json, changes)
        return answer

    return {endpoint: change}


def answers(endpoint: str, **parts: Any) -> Bends:
    """Another status, body, delay or raw answer; headers are completed."""

    def change(answer: Answer) -> Answer:
        headers = {**answer.headers, **parts.get("headers", {})}
        for name, value in {**parts, "headers": headers}.items():
            setattr(answer, name, value)
        return answer

    return {endpoint: change}


def body_of(endpoint: str, change_bytes: Callable[[bytes], bytes]) -> Bends:
    def change(answer: Answer) -> Answer:
        answer.body = change_bytes(answer.content())
        return answer

    return {endpoint: change}


def keys(change_keys: Callable[[list[dict[str, Any]]], Iterable[Any]]) -> Bends:
    """Publish other keys."""

    def change(answer: Answer) -> Answer:
        answer.json = {**answer.json, "keys": list(change_keys(answer.json["keys"]))}
        return answer

    return {"jwks": change}


def response(change_answer: Callable[[AuthorizationAnswer], AuthorizationAnswer]) -> Bends:
    """Change the authorization response, on its way through the browser."""
    return {"authorize": change_answer}
