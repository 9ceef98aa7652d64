"""Rules for the values of options: each returns the problem and what to write instead, or nothing.

No rule shows a value that may be secret.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from oidc_login import validation
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS
from oidc_login.validation import Mistake, ValueRule, listed

Kind = Literal["unknown", "refused", "value", "unused"]

# The kind of the finding, what was found, and what to write instead.
Finding = tuple[Kind, str, str]
Rule = Callable[[Any], Finding | None]


def wrong(expected: str, example: str) -> Finding:
    return "value", f"must be {expected}", f"Write {example}."


def finding_of(mistake: Mistake, *, kind: Kind = "value") -> Finding:
    """Return a problem in the words of this API."""
    if mistake.kind == "choice":
        return kind, "has another value", f"Write one of {listed(mistake.values['names'])}."
    if mistake.kind == "url":
        return kind, "is not a valid URL", "Write an absolute https:// URL; http:// is accepted for localhost only."
    return kind, f"must be {mistake.values['expected']}", f"Write {mistake.values['example']}."


def finding(rule: ValueRule, *, kind: Kind = "value") -> Rule:
    """Return the rule that reports the first problem of another rule."""

    def first(value: Any) -> Finding | None:
        mistakes = list(rule(value))
        return finding_of(mistakes[0], kind=kind) if mistakes else None

    return first


text = finding(validation.text)
names = finding(validation.strings)
flag = finding(validation.boolean)
url = finding(validation.url)
age = finding(validation.number("a number of seconds", "3600", int, minimum=0))


def texts(value: Any) -> Finding | None:
    """The value must be a string or a list of strings."""
    mistakes = list(validation.text_or_strings(value))
    return wrong("a string or a list of strings", '"..." or ["..."]') if mistakes else None


def algorithms(value: Any) -> Finding | None:
    """Signature algorithms that everybody can verify: not `none`, and none that uses the client secret."""
    if isinstance(value, (list, tuple)) and value and all(name in ASYMMETRIC_ALGORITHMS for name in value):
        return None
    return "refused", "names an algorithm that is not accepted here", f"Write some of {listed(ASYMMETRIC_ALGORITHMS)}."


def between(low: float, high: float, example: str, *, above: bool = False) -> Rule:
    """Return the rule that a value is a number of seconds in a range; with `above`, the range excludes `low`."""
    in_range = validation.number(
        "a number", example, int, float, minimum=low, maximum=high, above=low if above else -math.inf
    )
    wording: Finding = ("refused", f"must be a number of seconds from {low:g} to {high:g}", f"Write {example}.")
    return lambda value: wording if list(in_range(value)) else None


def one_of(*choices: str, kind: Kind = "value") -> Rule:
    return finding(validation.one_of(*choices), kind=kind)


def only(accepted: Any, finding: str, advice: str) -> Rule:
    """Return the rule that a value is the safe one, which is also the default."""
    return lambda value: None if value is accepted or value == accepted else ("refused", finding, advice)


def never(finding: str, advice: str) -> Rule:
    return lambda value: ("refused", finding, advice)


def unused(advice: str) -> Rule:
    return lambda value: ("unused", "is not used", advice)


def verify(value: Any) -> Finding | None:
    """Certificates must be verified, with the default authorities or those of a file."""
    if value is True or (isinstance(value, str) and os.path.exists(value)):
        return None
    if isinstance(value, str):
        return "value", "names no file of certificates", 'Write "/path/to/authorities.pem".'
    return "refused", "would switch TLS off", 'Remove it; for a private authority write "/path/to/authority.pem".'


def client_key(value: Any) -> Finding | None:
    """The private key must be readable."""
    mistakes = list(validation.private_key(value))
    wording = wrong("a private key that can be read", "a JWK as a dictionary, a PEM text, or the path of a file")
    return wording if mistakes else None


def parameters(*taken: str) -> Rule:
    """Return the rule for a dictionary of parameters that excludes some names."""

    def rule(value: Any) -> Finding | None:
        if not isinstance(value, Mapping) or not all(isinstance(item, (str, int)) for item in value.values()):
            return wrong("a dictionary of strings", '{"...": "..."}')
        for name in value:
            if name in taken:
                return "refused", f"sets {name!r}, which the package chooses", f"Remove {name!r}."
        return None

    return rule


def scalar(value: Any) -> Finding | None:
    return None if isinstance(value, (str, int)) else wrong("a string", '"..."; of a dictionary its json.dumps()')


def random_text(shortest: int, longest: int) -> Rule:
    """Return the rule for a random value from the site; it must be as long as the package's own values."""
    form = re.compile(f"[A-Za-z0-9._~-]{{{shortest},{longest}}}")
    advice = "Leave it out to get a new one, or write secrets.token_urlsafe(32)."

    def rule(value: Any) -> Finding | None:
        if isinstance(value, str) and form.fullmatch(value):
            return None
        return "refused", f"must be {shortest} to {longest} random letters, digits, '-', '.', '_' and '~'", advice

    return rule


def function(value: Any) -> Finding | None:
    return None if callable(value) else wrong("a function", "the function itself")
