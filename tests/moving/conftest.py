"""A provider with a hundred people, and the other packages' own tables beside ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from oidc_login.testing import OpenIDProvider, User, serve

if TYPE_CHECKING:
    from pytest_django import Settings

PEOPLE = [f"person-{number}" for number in range(100)]


@pytest.fixture(scope="session")
def served_directory() -> Iterator[tuple[OpenIDProvider, str]]:
    people = [User(f"sub-of-{name}", email=f"{name}@example.org", email_verified=True) for name in PEOPLE]
    op = OpenIDProvider(users=people)
    with serve(op) as issuer:
        yield op, issuer


@pytest.fixture
def directory(served_directory: tuple[OpenIDProvider, str], settings: Settings) -> OpenIDProvider:
    """The provider that everybody comes from, configured by the key "company"."""
    op, issuer = served_directory
    settings.OIDC_LOGIN_PROVIDERS = {
        "company": {"issuer": issuer, "client_id": "client", "client_secret": "secret"},
        "github": {"class": "oidc_login.providers.GitHubProvider", "client_id": "c", "client_secret": "s"},
    }
    return op


@pytest.fixture
def install(transactional_db: None, settings: Settings) -> Iterator[Callable[..., Any]]:
    """Install another package's application, with the tables of its models."""
    registered = dict(admin.site._registry)  # installing an application lets its admin register itself for good
    with ExitStack() as stack:

        def install_app(*apps: str, models: str, names: tuple[str, ...]) -> list[Any]:
            settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *apps]
            module = import_module(models)
            found = [getattr(module, name) for name in names]
            for model in found:
                stack.enter_context(table_of(model))
            return found

        yield install_app
    admin.site._registry = registered


@contextmanager
def table_of(model: Any) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)


def run_import(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit status and all that it printed."""
    out = StringIO()
    try:
        call_command("oidc_login_import", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}\n{error}"
    return 0, out.getvalue()
