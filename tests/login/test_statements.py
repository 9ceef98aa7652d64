"""The query that finds an identity, which is compiled once, and the writing of single fields of a row."""

from __future__ import annotations

import gc
import threading
import weakref
from datetime import datetime, timezone
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import UserManager
from django.db import connections as databases
from django.db.models import QuerySet
from django.forms import model_to_dict

from oidc_login.models import OAuthConnection
from oidc_login.models import queries as statements
from oidc_login.signin.claims import Identity

pytestmark = pytest.mark.django_db

# Some are named as the parameters of the statement are, or differ in one member alone.
IDENTITIES = (
    ("op", "https://op.example", "17"),
    ("op", "", "17"),
    ("op2", "https://op.example", "17"),
    ("op", "https://op.example", "18"),
    ("subject", "provider_key", "issuer"),
    ("provider_key", "issuer", "subject"),
    ("issuer", "subject", "provider_key"),
    ("provider_key", "", "subject"),
)


def identity(provider_key: str, issuer: str, subject: str) -> Identity:
    return Identity(
        provider_key=provider_key, issuer=issuer, subject=subject, email="", email_verified=False, claims={}
    )


def connect(provider_key: str, issuer: str, subject: str) -> OAuthConnection:
    user = get_user_model().objects.create_user(f"{provider_key} {issuer} {subject}")
    return OAuthConnection.objects.create(
        user=user, provider_key=provider_key, issuer=issuer, provider_user_id=subject, scope="openid"
    )


@pytest.fixture
def connections() -> dict[tuple[str, str, str], OAuthConnection]:
    return {members: connect(*members) for members in IDENTITIES}


def test_each_identity_finds_its_own_connection_and_user(
    connections: dict[tuple[str, str, str], OAuthConnection],
) -> None:
    for members, connection in connections.items():
        found = OAuthConnection.objects.find(identity(*members))

        assert found is not None
        assert (found, found.user) == (connection, connection.user)
        assert (found.provider_key, found.issuer, found.provider_user_id) == members
        assert found.user.get_username() == connection.user.get_username()


def test_identity_that_is_not_connected_finds_nobody(
    connections: dict[tuple[str, str, str], OAuthConnection],
) -> None:
    for members in (
        ("op", "https://op.example", ""),
        ("op2", "", "17"),
        ("", "", ""),
        ("op", "https://op.example", "%"),
    ):
        assert OAuthConnection.objects.find(identity(*members)) is None


def test_user_is_read_as_the_orm_reads_one() -> None:
    user = connect("op", "", "17").user
    user.last_login = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone.utc)
    user.save()

    found = OAuthConnection.objects.find(identity("op", "", "17"))

    assert found is not None
    assert not found.user.get_deferred_fields()
    assert (found.user._state.adding, found.user._state.db) == (False, "default")
    read = get_user_model().objects.get(pk=user.pk)
    assert model_to_dict(found.user) == model_to_dict(read)
    for field in read._meta.concrete_fields:
        value, expected = getattr(found.user, field.attname), getattr(read, field.attname)
        assert (type(value), value) == (type(expected), expected)


def test_what_is_kept_of_a_statement_is_no_thread_s_connection() -> None:
    made: list[weakref.ref[Any]] = []

    def compile_it() -> None:
        statements.compiled_query(get_user_model(), "default", True)
        made.append(weakref.ref(databases["default"]))
        databases["default"].close()

    statements.compiled_query.cache_clear()
    thread = threading.Thread(target=compile_it)
    thread.start()
    thread.join()
    gc.collect()

    (connection,) = made
    assert connection() is None


class HidingManager(UserManager[Any]):
    """A base manager that leaves users out, as one that looks at the request may."""

    hidden: tuple[str, ...] = ()

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().exclude(username__in=self.hidden)


def test_manager_of_the_site_is_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model, connection = get_user_model(), connect("op", "", "17")
    manager = HidingManager()
    manager.model = model
    monkeypatch.setattr(model._meta, "base_manager", manager)

    assert OAuthConnection.objects.find(identity("op", "", "17")) == connection
    manager.hidden = (connection.user.get_username(),)
    assert OAuthConnection.objects.find(identity("op", "", "17")) is None
    manager.hidden = ()
    assert OAuthConnection.objects.find(identity("op", "", "17")) == connection


def test_one_row_is_written_and_of_it_the_fields_that_are_named(
    connections: dict[tuple[str, str, str], OAuthConnection],
) -> None:
    before = {row.pk: row for row in OAuthConnection.objects.all()}
    connection = connections["op", "", "17"]
    connection.email, connection.claims, connection.access_token = "new@example.org", {"name": "%s"}, "a-token"

    assert connection.update_row(["claims", "access_token"])

    written = OAuthConnection.objects.get(pk=connection.pk)
    assert (written.email, written.claims, written.access_token) == ("", {"name": "%s"}, "a-token")
    assert all(
        (row.claims, row.access_token) == (before[row.pk].claims, before[row.pk].access_token)
        for row in OAuthConnection.objects.exclude(pk=connection.pk)
    )


def test_row_that_is_gone_is_told(connections: dict[tuple[str, str, str], OAuthConnection]) -> None:
    connection = connections["op", "", "17"]
    OAuthConnection.objects.filter(pk=connection.pk).delete()

    assert not connection.update_row(["email"])
    assert OAuthConnection.objects.count() == len(IDENTITIES) - 1
