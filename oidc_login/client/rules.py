"""The rules for the value of one option: each returns what is wrong with it and what to write, or nothing.

None shows a value, which may be secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.http.urls import check_url
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, PrivateKey

Kind = Literal["unknown", "refused", "value", "unused"]

# The kind of a finding, what was found, and what to write instead.
Finding = tuple[Kind, str, str]
Rule = Callable[[Any], Finding | None]


def wrong(expected: str, example: str) -> Finding:
    return "value", f"must be {expected}", f"Write {example}."


def text(value: Any) -> Finding | None:
    return None if isinstance(value, str) else wrong("a string", '"..."')


def texts(value: Any) -> Finding | None:
    """A string, or a list of them."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, (list, tuple)) and all(isinstance(item, str) for item in items):
        return None
    return wrong("a string or a list of strings", '"..." or ["..."]')


def names(value: Any) -> Finding | None:
    """A list of strings, and not one string."""
    return texts(value) if isinstance(value, (list, tuple)) else wrong("a list of strings", '["..."]')


def flag(value: Any) -> Finding | None:
    return None if isinstance(value, bool) else wrong("True or False", "True")


def url(value: Any) -> Finding | None:
    """A URL that requests may go to; a relative one is nobody's."""
    try:
        if isinstance(value, str) and check_url(value):
            return None
    except MetadataInvalid:
        pass
    return "value", "is not a URL that can be used", "Write an absolute https:// URL; http:// is for localhost alone."


def algorithms(value: Any) -> Finding | None:
    """Signatures that everybody can verify; neither none at all nor one made with the client's own secret."""
    if isinstance(value, (list, tuple)) and value and all(name in ASYMMETRIC_ALGORITHMS for name in value):
        return None
    return "refused", "names an algorithm that is not accepted here", f"Write some of {listed(ASYMMETRIC_ALGORITHMS)}."


def between(low: float, high: float, example: str, *, above: bool = False) -> Rule:
    """Return the rule that a value is a number of seconds in a range."""

    def rule(value: Any) -> Finding | None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and low <= value <= high and not (above and value == low):
            return None
        return "refused", f"must be a number of seconds from {low:g} to {high:g}", f"Write {example}."

    return rule


def one_of(*choices: str, kind: Kind = "value") -> Rule:
    return lambda value: None if value in choices else (kind, "has another value", f"Write one of {listed(choices)}.")


def only(accepted: Any, finding: str, advice: str) -> Rule:
    """Return the rule that a value is the safe one, which is used without being written too."""
    return lambda value: None if value is accepted or value == accepted else ("refused", finding, advice)


def never(finding: str, advice: str) -> Rule:
    return lambda value: ("refused", finding, advice)


def unused(advice: str) -> Rule:
    return lambda value: ("unused", "is not used", advice)


def verify(value: Any) -> Finding | None:
    """Certificates are verified, by the usual authorities or by those of a file."""
    if value is True or (isinstance(value, str) and os.path.exists(value)):
        return None
    if isinstance(value, str):
        return "value", "names no file of certificates", 'Write "/path/to/authorities.pem".'
    return "refused", "would switch TLS off", 'Remove it; for a private authority write "/path/to/authority.pem".'


def client_key(value: Any) -> Finding | None:
    """The private key can be read."""
    try:
        PrivateKey(value)
    except (KeyError, TypeError, ValueError):
        return wrong("a private key that can be read", "a JWK as a dictionary, a PEM text, or the path of a file")
    return None


def parameters(*taken: str) -> Rule:
    """Return the rule for a dictionary of parameters that leaves some names alone."""

    def rule(value: Any) -> Finding | None:
        if not isinstance(value, Mapping) or not all(isinstance(item, (str, int)) for item in value.values()):
            return wrong("a dictionary of strings", '{"...": "..."}')
        for name in value:
            if name in taken:
                return "refused", f"sets {name!r}, which is not a site's to choose", f"Remove {name!r}."
        return None

    return rule


def scalar(value: Any) -> Finding | None:
    return None if isinstance(value, (str, int)) else wrong("a string", '"..."; of a dictionary its json.dumps()')


def age(value: Any) -> Finding | None:
    is_age = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if is_age else wrong("a number of seconds", "3600")


def random_text(shortest: int, longest: int) -> Rule:
    """Return the rule for what a site makes up itself: as long and as plain as what would be made for it."""
    form = re.compile(f"[A-Za-z0-9._~-]{{{shortest},{longest}}}")
    advice = "Leave it out, and a new one is made; or write secrets.token_urlsafe(32)."

    def rule(value: Any) -> Finding | None:
        if isinstance(value, str) and form.fullmatch(value):
            return None
        return "refused", f"must be {shortest} to {longest} random letters, digits, '-', '.', '_' and '~'", advice

    return rule


def function(value: Any) -> Finding | None:
    return None if callable(value) else wrong("a function", "the function itself")


def listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
