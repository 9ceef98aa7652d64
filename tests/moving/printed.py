"""The settings that the command prints, executed and checked as a site would use them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.contrib import admin
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings
from django.urls import clear_url_caches, path

from tests.moving.conftest import run_import
from tests.settings.urls import home

URLS_PART = "# urls.py\n"
URLS = "tests.moving.printed_urls"


def printed(source: str) -> str:
    status, said = run_import(source, "--settings")
    assert status == 0, said
    return said


def executed(text: str) -> dict[str, Any]:
    """Run the part for settings.py; return the settings."""
    names: dict[str, Any] = {}
    exec(compile(text.partition(URLS_PART)[0], "settings.py", "exec"), names)  # this is the point
    return {name: value for name, value in names.items() if name.isupper()}


@contextmanager
def moved_site(text: str, **more: Any) -> Iterator[dict[str, Any]]:
    """Run a site with what was printed, its two parts in a module each; `more` is what the person decided."""
    written = executed(text)
    with override_settings(**{**written, **more}, ROOT_URLCONF=URLS):
        forget_urls()
        module: Any = ModuleType(URLS)
        module.urlpatterns = [path("", home, name="home"), path("admin/", admin.site.urls)]
        exec(compile(text.partition(URLS_PART)[2], "urls.py", "exec"), vars(module))
        sys.modules[URLS] = module
        try:
            yield written
        finally:
            forget_urls()


def forget_urls() -> None:
    """Let the next import make the URLs again, as when a site starts."""
    for name in [name for name in sys.modules if name.startswith("oidc_login.compat.")]:
        if not name.endswith((".views", ".patterns")):
            del sys.modules[name]
    sys.modules.pop(URLS, None)
    clear_url_caches()


def complaints() -> list[CheckMessage]:
    return [message for message in run_checks(tags=["oidc_login"]) if not message.is_silenced()]
