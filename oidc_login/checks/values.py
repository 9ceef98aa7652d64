"""The messages about values of arguments and settings, for the mistakes that `validation` knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from oidc_login import validation
from oidc_login.checks.reports import Problem, Report
from oidc_login.validation import Mistake, ValueRule, did_you_mean, listed

Rule = Callable[[Any], Iterable[Problem]]

WRONG_TYPE = Report("E007", "{subject} must be {expected}, not {found}.", "Write {written} {example}")
WRONG_CHOICE = Report("E009", "{subject} is {value!r}{near}.", "Write one of {names}.")
OUT_OF_RANGE = Report("E010", "{subject} must be {expected}.", "Write {written} {example}")
NO_URL = Report(
    "E011",
    "{subject} is not a valid URL.",
    "Write an absolute https:// URL without a user name, a fragment or spaces. http:// is accepted for localhost only.",
)
NO_PRIVATE_KEY = Report(
    "E014",
    "{subject} is not a readable private key.",
    "Write a private JWK as a dictionary, a PEM string without a password, or the path of a file that holds one of "
    "them.",
)


def problem_of(mistake: Mistake) -> Problem:
    """Return the message for a mistake."""
    if mistake.kind == "type":
        return WRONG_TYPE.problem(**mistake.values)
    if mistake.kind == "choice":
        return wrong_choice(mistake.values["value"], mistake.values["names"])
    if mistake.kind == "range":
        return OUT_OF_RANGE.problem(**mistake.values)
    return (NO_URL if mistake.kind == "url" else NO_PRIVATE_KEY).problem()


def wrong_choice(value: object, choices: Iterable[str], *, otherwise: str = "") -> Problem:
    """Return the message about a value that is not one of the choices."""
    return WRONG_CHOICE.problem(
        value=value, near=did_you_mean(value, choices), names=listed(choices) + (otherwise and f", or {otherwise}")
    )


def problems_of(rule: ValueRule, value: Any) -> list[Problem]:
    """Return the problems that a rule finds with a value."""
    return list(map(problem_of, rule(value)))


def reporting(rule: ValueRule) -> Rule:
    """Return a rule that reports the mistakes of another one."""
    return lambda value: problems_of(rule, value)


boolean = reporting(validation.boolean)
text = reporting(validation.text)
dictionary = reporting(validation.dictionary)
strings = reporting(validation.strings)
text_or_strings = reporting(validation.text_or_strings)
text_map = reporting(validation.text_map)
private_key = reporting(validation.private_key)


def one_of(*choices: str) -> Rule:
    """Return the rule that a value must be one of the choices."""
    return reporting(validation.one_of(*choices))


def number(expected: str, example: str, *types: type, **bounds: float) -> Rule:
    """Return the rule that a value must be a number in a range."""
    return reporting(validation.number(expected, example, *types, **bounds))


def url(value: Any) -> Iterator[Problem]:
    """A URL that can be requested, or ""."""
    if value == "":
        return
    yield from text(value) or problems_of(validation.url, value)
