"""The checks of how a provider looks on pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template

from oidc_login.checks.reports import Problem, Report
from oidc_login.checks.values import OUT_OF_RANGE, text
from oidc_login.templatetags.oidc_login import is_color

MAX_LETTERS = 2

NO_TEMPLATE = Report(
    "E070",
    "{subject} is a template that cannot be used ({reason}).",
    "Write the name of a template that Django finds, or remove it to show the provider's letters.",
)
NO_STATIC_FILE = Report(
    "W070",
    "{subject} is {value!r}, a static file that Django does not find.",
    "Write the path as you would pass it to the static template tag. A name that ends in .html is a template.",
)


def icon(value: Any) -> Iterator[Problem]:
    """A template or a static file of the site."""
    yield from text(value)
    if not isinstance(value, str) or not value:
        return
    if value.endswith(".html"):
        yield from template(value)
    elif not is_static_file(value):
        yield NO_STATIC_FILE.problem(value=value)


def template(name: str) -> Iterator[Problem]:
    """A template that can be loaded."""
    try:
        get_template(name)
    except (TemplateDoesNotExist, TemplateSyntaxError) as error:
        yield NO_TEMPLATE.problem(reason=type(error).__name__)


def is_static_file(name: str) -> bool:
    """Whether a static file can be found, or this site does not use Django's finders."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return True
    try:
        return finders.find(name) is not None
    except (SuspiciousFileOperation, ValueError):  # the path is outside of the static folders, or invalid
        return False


def color(value: Any) -> Iterator[Problem]:
    """A colour that is valid in SVG attributes and whose contrast can be computed."""
    if not is_color(value):
        yield OUT_OF_RANGE.problem(expected='a colour such as "#1a56c4"', example='"#1a56c4"')


def letters(value: Any) -> Iterator[Problem]:
    """Few enough letters to be readable on a button."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_LETTERS:
        yield OUT_OF_RANGE.problem(expected="one or two letters", example='"EX"')
