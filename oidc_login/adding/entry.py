"""Formats an entry of `OIDC_LOGIN_PROVIDERS`, whose client comes from environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pprint import pformat
from typing import Any, Final

WIDTH: Final = 120


def variable(key: str, name: str) -> str:
    """Return the environment variable for an argument of the client."""
    return f"{key.upper().replace('-', '_')}_{name.upper()}"


def entry_lines(key: str, settings: Mapping[str, Any], *, has_secret: bool) -> Iterator[str]:
    """Yield the lines of a dictionary: first the class, then the client, then all other arguments."""
    given = dict(settings)
    ordered = {"class": given.pop("class", None), "client_id": given.pop("client_id", None)}
    for name, value in {**ordered, **given}.items():
        if value is not None:
            yield f'    "{name}": {literal(value)},'
        if name == "client_id":
            yield from client_lines(key, named=value is not None, has_secret=has_secret)


def client_lines(key: str, *, named: bool, has_secret: bool) -> Iterator[str]:
    if not named:
        yield f'    "client_id": os.environ["{variable(key, "client_id")}"],'
    if has_secret:
        yield f'    "client_secret": os.environ["{variable(key, "client_secret")}"],'


def literal(value: Any) -> str:
    """Return a value as Python code with double quotes."""
    if value is ...:
        return "..."
    written = pformat(value, width=WIDTH)
    return written if '"' in written else written.replace("'", '"')


def entry_value(key: str, settings: Mapping[str, Any], *, has_secret: bool) -> str:
    """Return the entry as a dictionary on several lines."""
    return "\n".join(["{", *entry_lines(key, settings, has_secret=has_secret), "}"])
