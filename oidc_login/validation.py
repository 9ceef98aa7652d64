"""Rules for values of settings and options, and suggestions for misspelt names.

The system checks and `oidc_login.client` share these rules and phrase the mistakes for their own readers. A mistake
never contains a value that may be secret.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

MistakeKind = Literal["type", "choice", "range", "url", "private_key"]
Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """The mistake in a value: its kind, and the values for a message about it.

    "type": `expected`, `example`, `found`; "choice": `value`, `names`; "range": `expected`, `example`.
    """

    kind: MistakeKind
    values: Mapping[str, Any] = field(default_factory=dict)


ValueRule = Callable[[Any], Iterable[Mistake]]


# Names.


def nearest(name: object, names: Iterable[object]) -> str:
    """Return the most similar name, or "" if none is similar."""
    found = get_close_matches(str(name), list(map(str, names)), n=1, cutoff=0.5)
    return found[0] if found else ""


def did_you_mean(name: object, names: Iterable[object]) -> str:
    """Return the most similar name as a question in parentheses for the end of a message, or ""."""
    near = nearest(name, names)
    return f" (did you mean {near!r}?)" if near else ""


def listed(names: Iterable[object]) -> str:
    """Return the names quoted and separated by commas."""
    return ", ".join(map(repr, names))


# Rules made of types, choices and ranges.


def of_type(expected: str, example: str, *types: type) -> ValueRule:
    """Return the rule that a value has one of these types; True is not a number."""

    def rule(value: Any) -> Iterator[Mistake]:
        unwanted_bool = isinstance(value, bool) and bool not in types
        if unwanted_bool or not isinstance(value, types):
            yield wrong_type(expected, example, found=type(value).__name__)

    return rule


def wrong_type(expected: str, example: str, *, found: str) -> Mistake:
    return Mistake(kind="type", values={"expected": expected, "example": example, "found": found})


def one_of(*choices: str) -> ValueRule:
    """Return the rule that a value is one of the choices."""

    def rule(value: Any) -> Iterator[Mistake]:
        if value not in choices:
            yield Mistake(kind="choice", values={"value": value, "names": choices})

    return rule


def number(
    expected: str,
    example: str,
    *types: type,
    minimum: Number = -math.inf,
    maximum: Number = math.inf,
    above: Number = -math.inf,
) -> ValueRule:
    """Return the rule that a value is a number in a range; `above` is an exclusive lower bound."""
    is_number = of_type("a number", example, *types)

    def rule(value: Any) -> Iterator[Mistake]:
        mistakes = list(is_number(value))
        yield from mistakes
        if not mistakes and not (minimum <= value <= maximum and value > above):
            yield Mistake(kind="range", values={"expected": expected, "example": example})

    return rule


def optional(rule: Callable[[Any], Iterable[Any]]) -> Callable[[Any], Iterable[Any]]:
    """Return the rule that a value is None or follows the other rule."""
    return lambda value: () if value is None else rule(value)


boolean = of_type("True or False", "True", bool)
text = of_type("a string", '"..."', str)
dictionary = of_type("a dictionary", "{...}", Mapping)
integer = of_type("a number", "1", int)


def strings(value: Any) -> Iterator[Mistake]:
    """A list of strings; a single string is rejected, because its letters would become the items."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        yield wrong_type("a list of strings", '["..."]', found=describe(value))


def text_or_strings(value: Any) -> Iterable[Mistake]:
    """A string or a list of strings."""
    return () if isinstance(value, str) else strings(value)


def describe(value: Any) -> str:
    """Return the type of a value, and of the first item of a list that is not a string."""
    others = [item for item in value if not isinstance(item, str)] if isinstance(value, (list, tuple)) else []
    return f"a {type(value).__name__} with {type(others[0]).__name__}" if others else type(value).__name__


def text_map(value: Any) -> Iterator[Mistake]:
    """A dictionary from strings to strings."""
    yield from dictionary(value)
    pairs = value.items() if isinstance(value, Mapping) else ()
    others = [item for pair in pairs for item in pair if not isinstance(item, str)]
    if others:
        found = f"a dictionary with {type(others[0]).__name__}"
        yield wrong_type("a dictionary of strings", '{"...": "..."}', found=found)


# Rules for URLs and keys.


def is_url(value: Any) -> bool:
    """Whether a value is a URL that the package would send a request to."""
    from oidc_login.protocol.errors import MetadataInvalid
    from oidc_login.protocol.http.urls import check_url

    try:
        return isinstance(value, str) and bool(check_url(value))
    except MetadataInvalid:
        return False


def url(value: Any) -> Iterator[Mistake]:
    """An absolute URL that the package would send a request to."""
    if not is_url(value):
        yield Mistake(kind="url")


def private_key(value: Any) -> Iterator[Mistake]:
    """A private key that can be read: a JWK, a PEM string, or the path of a file that contains one."""
    from oidc_login.protocol.private_key import PrivateKey  # loads jwcrypto

    if not isinstance(value, (str, Mapping)):
        yield wrong_type("a string", '"..."', found=type(value).__name__)
        return
    try:
        PrivateKey(value)
    except (KeyError, ValueError):  # jwcrypto raises KeyError for a JWK without members
        yield Mistake(kind="private_key")
