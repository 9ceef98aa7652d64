"""The statements that are compiled once: those that find an identity or a user, and those that write a row."""

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
from django.db.models import EmailField, QuerySet
from django.db.models.lookups import IExact
from django.db.models.signals import post_save, pre_save
from django.forms import model_to_dict
from django.test.utils import register_lookup

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


def test_new_rows_are_as_save_writes_them() -> None:
    user = get_user_model().objects.create_user("alice")
    moment = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone.utc)
    members = {
        "user": user,
        "provider_key": "op",
        "email": "alice@example.org",
        "email_verified": True,
        "access_token": "a-token",
        "access_token_expires_at": moment,
        "claims": {"name": "100 %s"},
    }
    saved, inserted = (OAuthConnection(provider_user_id=subject, **members) for subject in ("17", "18"))
    sent: list[Any] = []

    def note(sender: Any, *, instance: Any, signal: Any, **kwargs: Any) -> None:
        sent.append((signal, sender, {**kwargs, "instance": instance.provider_user_id}))

    pre_save.connect(note)
    post_save.connect(note)
    try:
        saved.save(force_insert=True)
        statements.insert_row(inserted, using="default")
    finally:
        pre_save.disconnect(note)
        post_save.disconnect(note)

    first, second = (OAuthConnection.objects.get(pk=row.pk) for row in (saved, inserted))
    differs = {"id", "provider_user_id", "created_at", "updated_at"}
    assert inserted.pk != saved.pk
    assert (inserted._state.adding, inserted._state.db) == (False, "default")
    assert (second.provider_user_id, second.access_token, second.claims) == ("18", "a-token", {"name": "100 %s"})
    assert [
        (field.name, getattr(first, field.attname), getattr(second, field.attname))
        for field in first._meta.concrete_fields
        if field.name not in differs and getattr(first, field.attname) != getattr(second, field.attname)
    ] == []
    assert [{**told, "instance": "18"} for _, _, told in sent[:2]] == [told for _, _, told in sent[2:]]
    assert [one[:2] for one in sent[:2]] == [one[:2] for one in sent[2:]]


def test_search_by_text_finds_what_the_orm_finds() -> None:
    create_user = get_user_model().objects.create_user
    users = [create_user("alice", "Alice@Example.org"), create_user("a_ice", "b%@example.org"), create_user("bob", "")]

    for email, name, found in (
        ("alice@example.ORG", "nobody", users[:1]),
        ("nobody@example.org", "BOB", users[2:]),
        ("alice@example.org", "bob", [users[0], users[2]]),
        ("%@example.org", "a_ice", users[1:2]),
        ("nobody@example.org", "_ob", []),
    ):
        texts = {"email__iexact": email, "username__iexact": name}
        read = list(statements.users_with_text(get_user_model(), "default", texts).order_by("pk"))
        assert sorted(statements.find_users_by_text(texts), key=lambda user: user.pk) == read == found


def test_search_that_is_no_text_is_left_to_the_orm() -> None:
    assert statements.compiled_search(get_user_model(), "default", ("email__iexact", "username")) is None


class StrippedIExact(IExact):
    """A lookup of the site's own that changes what is looked for."""

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        sql, parameters = super().process_rhs(compiler, connection)
        return sql, [str(text).strip() for text in parameters]


def test_search_is_left_to_the_orm_where_a_lookup_changes_the_text() -> None:
    user = get_user_model().objects.create_user("alice", "alice@example.org")
    statements.compiled_search.cache_clear()

    with register_lookup(EmailField, StrippedIExact, lookup_name="iexact"):
        found = statements.find_users_by_text({"email__iexact": " alice@example.org ", "username__iexact": "nobody"})
    statements.compiled_search.cache_clear()

    assert found == [user]
