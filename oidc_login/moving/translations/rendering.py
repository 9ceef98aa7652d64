"""Renders a translation as Python code for a person to read, complete and paste. It contains no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from oidc_login.moving.translations.values import Entry, Environment, Include, Translation

WIDTH = 100


def render(translation: Translation) -> str:
    """Return the settings and the URLs of a site as Python code."""
    lines = [
        *comment(f"settings.py, after {translation.package}"),
        *(["import os", ""] if has_environment(translation) else []),
        f"AUTHENTICATION_BACKENDS = {literal(translation.backends())}",
        "",
        *settings(translation),
        "OIDC_LOGIN_PROVIDERS = {",
        *(line for entry in translation.entries for line in entry_lines(entry)),
        "}",
        "",
        *(line for remark in translation.remarks for line in comment(remark)),
        "",
        "# urls.py",
        "from django.urls import include, path",
        "",
        "urlpatterns += [",
        *(line for include in translation.includes for line in include_lines(include)),
        "]",
    ]
    return "\n".join(lines) + "\n"


def settings(translation: Translation) -> Iterator[str]:
    for name, value in translation.settings.items():
        yield from comment(translation.setting_remarks.get(name, ""))
        yield f"{name} = {literal(value)}"
        yield ""


def entry_lines(entry: Entry) -> Iterator[str]:
    for remark in entry.remarks:
        yield from comment(remark, indent=4)
    yield f"    {literal(entry.key)}: {literal(entry.arguments, indent=4)},"


def include_lines(include: Include) -> Iterator[str]:
    yield from comment(include.remark, indent=4)
    yield f"    path({literal(include.path)}, include({literal(include.module)})),"


def comment(text: str, *, indent: int = 0) -> list[str]:
    """Return a note as comment lines; text from settings cannot break out of the comment."""
    one = " ".join(text.split())
    return [f"{' ' * indent}# {line}" for line in wrap(one, WIDTH - indent)]


def literal(value: Any, *, indent: int = 0) -> str:
    """Return a value as Python code."""
    if isinstance(value, Environment):
        return f"os.environ[{literal(value.name)}]"
    if isinstance(value, Mapping):
        inner = [f"{literal(str(name))}: {literal(one, indent=indent + 4)}" for name, one in value.items()]
        return block("{", inner, "}", indent=indent) if inner else "{}"
    if isinstance(value, (list, tuple)):
        inner = [literal(one, indent=indent + 4) for one in value]
        short = f"[{', '.join(inner)}]"
        return short if len(short) + indent < WIDTH else block("[", inner, "]", indent=indent)
    if isinstance(value, str):
        return json.dumps(value)
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    return json.dumps(str(value))  # a lazy string or a path


def block(begin: str, inner: list[str], end: str, *, indent: int) -> str:
    space = "\n" + " " * (indent + 4)
    return begin + "".join(f"{space}{one}," for one in inner) + "\n" + " " * indent + end


def has_environment(translation: Translation) -> bool:
    values = [value for entry in translation.entries for value in entry.arguments.values()]
    return any(isinstance(value, Environment) for value in values)
