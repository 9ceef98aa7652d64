"""The index for addresses in any case: the check recommends it, and each database uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, run_checks
from django.db import connection
from django.db.models import Index, Q
from django.db.models.functions import Collate, Lower, Upper
from django.test.utils import CaptureQueriesContext

from oidc_login.signin.users import find_by_email

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="expressions as PostgreSQL has them")

ADDRESS = "User77@example.org"
INDEXES = {
    "postgresql": Index(Upper("email"), name="user_email_upper"),
    "sqlite": Index(Collate("email", "nocase"), name="user_email_nocase"),
    "mysql": Index(fields=["email"], name="user_email"),
}


def messages() -> list[CheckMessage]:
    found = run_checks(tags=["oidc_login"], include_deployment_checks=True, databases=["default"])
    return [message for message in found if message.id == "oidc_login.W003" and "'email'" in message.msg]


@contextmanager
def indexed(index: Index) -> Iterator[None]:
    """Have an index on the users."""
    with connection.schema_editor() as editor:
        editor.add_index(get_user_model(), index)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.remove_index(get_user_model(), index)


def test_check_suggests_the_index() -> None:
    (message,) = messages()

    assert "'email' of auth_user" in message.msg
    assert "AddSignInIndexes" in str(message.hint)


def test_check_is_silent_with_the_documented_index() -> None:
    with indexed(INDEXES[connection.vendor]):
        assert messages() == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite needs the collation")
@pytest.mark.parametrize(
    "index",
    [
        Index(fields=["email"], name="plain"),
        Index(Collate("username", "nocase"), name="another_column"),
        Index("username", Collate("email", "nocase"), name="not_the_first"),
        Index(Collate("email", "nocase"), name="of_some_rows", condition=Q(is_active=True)),
    ],
    ids=lambda index: index.name,
)
def test_check_suggests_the_index_where_sqlite_cannot_use_another(index: Index) -> None:
    with indexed(index):
        assert len(messages()) == 1


@on_postgresql
@pytest.mark.parametrize(
    "index",
    [
        Index(Upper("email"), name="just_so"),
        Index(Upper("email").desc(), "username", name="with_more"),
    ],
    ids=lambda index: index.name,
)
def test_check_is_silent_with_the_index(index: Index) -> None:
    with indexed(index):
        assert messages() == []


@on_postgresql
@pytest.mark.parametrize(
    "index",
    [
        Index(fields=["email"], name="plain"),
        Index(Lower("email"), name="lower"),
        Index(Upper("username"), name="another_column"),
        Index("username", Upper("email"), name="not_the_first"),
        Index(Upper("email"), name="of_some_rows", condition=Q(is_active=True)),
    ],
    ids=lambda index: index.name,
)
def test_check_suggests_the_index_where_another_cannot_be_used(index: Index) -> None:
    with indexed(index):
        assert len(messages()) == 1


def test_check_needs_a_database_to_ask() -> None:
    found = run_checks(tags=["oidc_login"], databases=[], include_deployment_checks=True)

    assert "oidc_login.W003" not in [message.id for message in found]


def test_check_before_the_first_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_user_model()._meta, "db_table", "not_there_yet")

    assert messages() == []


def test_index_of_the_documentation_is_used() -> None:
    """What docs/scaling.md writes for this database is what the query for an address uses."""
    make_users(2_000)
    index = INDEXES[connection.vendor]

    with indexed(index):
        analyze()
        with CaptureQueriesContext(connection) as queries:
            (found,) = find_by_email(ADDRESS.lower())
        plan = explain(queries.captured_queries[-1]["sql"])

    assert found.get_username() == "user77"
    assert index.name in plan


def make_users(number: int) -> None:
    model: Any = get_user_model()
    model.objects.bulk_create(model(username=f"user{n}", email=f"User{n}@example.org") for n in range(number))


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE auth_user" if connection.vendor == "mysql" else "ANALYZE auth_user")
        if connection.vendor == "mysql":
            cursor.fetchall()


def explain(sql: str) -> str:
    prefix = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{prefix} {sql}")
        return str(cursor.fetchall())
