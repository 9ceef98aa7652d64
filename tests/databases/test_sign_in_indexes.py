"""`AddSignInIndexes`, in a migration of the site: made, used, removed, and nothing for `makemigrations` to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import NotSupportedError, connection, migrations
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext

from oidc_login.models.indexes import has_index, index_name, searched_fields
from oidc_login.operations import AddSignInIndexes
from oidc_login.signin.users import find_by_email, find_by_email_or_name
from tests.databases.test_email_index import ADDRESS, INDEXES, analyze, explain, indexed, make_users

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL builds concurrently")


class AddIndexes(migrations.Migration):
    atomic = False
    operations = (AddSignInIndexes(),)


def state() -> ProjectState:
    return MigrationLoader(connection).project_state()


def migrate(*, atomic: bool = False) -> None:
    with connection.schema_editor(atomic=atomic) as editor:
        AddIndexes("0002_indexes", "shop").apply(state(), editor)


def migrate_back() -> None:
    with connection.schema_editor(atomic=False) as editor:
        AddIndexes("0002_indexes", "shop").unapply(state(), editor)


@pytest.fixture
def migrated() -> Iterator[None]:
    migrate()
    try:
        yield
    finally:
        migrate_back()


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, get_user_model()._meta.db_table))


def warned_columns() -> set[str]:
    found = run_checks(tags=["oidc_login"], include_deployment_checks=True, databases=["default"])
    messages = [message for message in found if message.id == "oidc_login.W003"]
    assert all("AddSignInIndexes" in str(message.hint) for message in messages)
    return {field.name for field in fields() if any(f"{field.column!r}" in message.msg for message in messages)}


def fields() -> list[Any]:
    return searched_fields(get_user_model())


@pytest.mark.usefixtures("migrated")
def test_search_for_an_address_uses_the_index() -> None:
    make_users(2_000)
    analyze()

    with CaptureQueriesContext(connection) as queries:
        (found,) = find_by_email(ADDRESS.lower())
    plan = explain(queries.captured_queries[-1]["sql"])

    assert found.get_username() == "user77"
    assert index_name(fields()[0]) in plan


@pytest.mark.usefixtures("migrated")
def test_search_of_a_sign_up_uses_both_indexes() -> None:
    make_users(2_000)
    analyze()

    with CaptureQueriesContext(connection) as queries:
        assert find_by_email_or_name("new@example.org", "new") == ([], True)
    plan = explain(queries.captured_queries[-1]["sql"])

    assert index_name(fields()[0]) in plan
    assert (index_name(fields()[1]) if connection.vendor != "mysql" else "username") in plan


def test_check_names_the_operation_until_it_has_run() -> None:
    with_unique_index = {"username"} if connection.vendor == "mysql" else set()
    assert warned_columns() == {"email", "username"} - with_unique_index

    migrate()
    try:
        assert warned_columns() == set()
    finally:
        migrate_back()


def test_migrating_back_leaves_the_table_as_it_was() -> None:
    before = index_names()

    migrate()
    assert all(has_index(connection, field) for field in fields())
    migrate_back()

    assert index_names() == before


def test_column_with_an_index_of_the_site_gets_no_second_one() -> None:
    with indexed(INDEXES[connection.vendor]):
        migrate()
        try:
            assert index_name(fields()[0]) not in index_names()
        finally:
            migrate_back()
        assert INDEXES[connection.vendor].name in index_names()


@pytest.mark.usefixtures("migrated")
def test_migration_can_run_again() -> None:
    names = index_names()

    migrate()

    assert index_names() == names


def test_makemigrations_finds_nothing_to_do() -> None:
    after, loader = state(), MigrationLoader(connection)
    AddSignInIndexes().state_forwards("shop", after)

    assert MigrationAutodetector(after, ProjectState.from_apps(apps)).changes(loader.graph) == {}


def test_migration_without_the_dependency_says_which_one_is_missing() -> None:
    with pytest.raises(LookupError, match="swappable_dependency"), connection.schema_editor(atomic=False) as editor:
        AddSignInIndexes().database_forwards("shop", editor, ProjectState(), ProjectState())


@on_postgresql
def test_atomic_migration_is_told_how_to_be_written() -> None:
    with pytest.raises(NotSupportedError, match="atomic = False"):
        migrate(atomic=True)

    assert index_name(fields()[0]) not in index_names()


@on_postgresql
@pytest.mark.usefixtures("migrated")
def test_index_whose_building_was_interrupted_is_built_again() -> None:
    with connection.cursor() as cursor:
        name = index_name(fields()[0])
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name])
    assert warned_columns() == {"email"}

    migrate()

    assert warned_columns() == set()
