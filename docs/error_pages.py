"""Writes docs/errors.md from the classes in oidc_login/exceptions: `python docs/error_pages.py`.

With --check it writes nothing, and fails if the page is stale. docs/templates/errors.json explains each code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from django.conf import settings

from oidc_login import exceptions
from oidc_login.exceptions import OAuthError

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "errors.md"
EXPLANATIONS = DOCS / "templates" / "errors.json"
NOTICE = "<!-- Made by docs/error_pages.py from oidc_login/exceptions and templates/errors.json: do not edit. -->"
HEAD = """# Error codes

Every failed sign-in has a code. People see it on the error page, the log contains it (logger `oidc_login`), and the
signal `login_failed` passes it as `error.code`. Codes never change, so you can use them in your own code.
[Troubleshooting](troubleshooting.md) explains how to find the cause of a failure.
"""


def errors_by_code() -> Mapping[str, list[type[OAuthError]]]:
    """Return the classes by code, in the order of the module."""
    found: dict[str, list[type[OAuthError]]] = {}
    for kind in vars(exceptions).values():
        if isinstance(kind, type) and issubclass(kind, OAuthError) and kind is not OAuthError:
            found.setdefault(kind.code, []).append(kind)
    return found


def section(code: str, kinds: list[type[OAuthError]], explanation: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines about one code."""
    yield from (f"### `{code}`", "", explanation["happened"], "")
    if explanation["do"]:
        yield from (f"**What to do**: {explanation['do']}", "")
    for message in dict.fromkeys(str(kind.message) for kind in kinds):
        yield from (f"> {message}", "")


def page() -> str:
    """Return the whole page: one section for each status, one below it for each code."""
    found, explanations = errors_by_code(), json.loads(EXPLANATIONS.read_text())
    if found.keys() != explanations.keys():
        raise SystemExit(f"errors.json must explain these codes: {sorted(found.keys() ^ explanations.keys())}")
    lines = [NOTICE, "", HEAD]
    for status in sorted({kinds[0].status_code for kinds in found.values()}):
        lines += [f"## {status} {HTTPStatus(status).phrase}", ""]
        for code in sorted(code for code, kinds in found.items() if kinds[0].status_code == status):
            lines += section(code, found[code], explanations[code])
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the page, or with --check report whether it is stale."""
    settings.configure(USE_I18N=False)
    made = page()
    if arguments == ["--check"]:
        stale = not PAGE.exists() or PAGE.read_text() != made
        if stale:
            print("docs/errors.md is stale: run `make pages`.", file=sys.stderr)
        return int(stale)
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
