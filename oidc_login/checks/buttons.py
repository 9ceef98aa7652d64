"""The rules for what a provider looks like on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template

from oidc_login.checks.arguments import Rule, optional, problem, text
from oidc_login.checks.messages import Problem
from oidc_login.templatetags.oidc_login import is_color

MAX_LETTERS = 2


def icon(value: Any) -> Iterator[Problem]:
    """A template or a static file of the site, which its pages can show."""
    yield from text(value)
    if not isinstance(value, str) or not value:
        return
    if value.endswith(".html"):
        yield from template(value)
    elif not is_static_file(value):
        yield problem("W070", value=value)


def template(name: str) -> Iterator[Problem]:
    """A template that can be loaded."""
    try:
        get_template(name)
    except (TemplateDoesNotExist, TemplateSyntaxError) as error:
        yield problem("E070", reason=type(error).__name__)


def is_static_file(name: str) -> bool:
    """Whether a static file is found, or nobody here knows where they are."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return True
    try:
        return finders.find(name) is not None
    except (SuspiciousFileOperation, ValueError):  # it leads out of the folders, or is no path
        return False


def color(value: Any) -> Iterator[Problem]:
    """A colour as an attribute of an SVG has it, of which the contrast can be computed."""
    if not is_color(value):
        yield problem("E010", expected='a colour such as "#1a56c4"', example='"#1a56c4"')


def letters(value: Any) -> Iterator[Problem]:
    """So few that they can be read on a button."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_LETTERS:
        yield problem("E010", expected="one or two letters", example='"EX"')


BUTTON_RULES: Mapping[str, Rule] = {"icon": icon, "brand_color": optional(color), "monogram": optional(letters)}
