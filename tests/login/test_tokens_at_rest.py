"""Tokens in the database: ciphertext bound to its row and column, readable as long as a key is known."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction
from django.forms import model_to_dict

from oidc_login.fields import TokenKeyError
from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.databases import ciphertext, overwrite
from tests.support.invariant import Witness

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ACCESS, REFRESH = "access-token-in-clear", "refresh-token-in-clear"


def make_connection(subject: str = "1", **fields: Any) -> OAuthConnection:
    user, _ = get_user_model().objects.get_or_create(username="somebody")
    return OAuthConnection.objects.create(
        **{
            "user": user,
            "provider_key": "op",
            "issuer": "https://op.example",
            "provider_user_id": subject,
            "link_reason": "signed_up",
            "access_token": ACCESS,
            "refresh_token": REFRESH,
            **fields,
        }
    )


def read_again(connection: OAuthConnection) -> OAuthConnection:
    return OAuthConnection.objects.get(pk=connection.pk)


# What the table holds.


def test_table_holds_no_token_of_a_sign_in(op: OpenIDProvider, browser: Browser, witness: Witness) -> None:
    op.always_refresh_token = True
    browser.sign_in(op)

    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM oidc_login_oauthconnection")
        table = repr(cursor.fetchall())

    tokens = set(op.grants._access_tokens) | set(op.grants._refresh_tokens)
    assert len(tokens) == 2
    assert not [token for token in tokens if token in table]
    assert OAuthConnection.objects.get().access_token in tokens


def test_same_token_is_never_the_same_ciphertext() -> None:
    connections = [make_connection(str(number)) for number in range(3)]

    texts = {ciphertext(c, column) for c in connections for column in ("access_token", "refresh_token")}
    assert len(texts) == 6


def test_token_comes_back_as_it_was() -> None:
    connection = read_again(make_connection())

    assert (connection.access_token, connection.refresh_token) == (ACCESS, REFRESH)
    assert connection.oauth_token.access_token == ACCESS


def test_token_can_be_read_before_and_after_saving() -> None:
    connection = make_connection()
    assert connection.access_token == ACCESS

    connection.access_token = "changed"
    assert connection.access_token == "changed"
    connection.save()
    assert connection.access_token == read_again(connection).access_token == "changed"


def test_no_token_is_an_empty_text() -> None:
    connection = make_connection(access_token="", refresh_token="")

    assert ciphertext(connection) == ciphertext(connection, "refresh_token") == ""
    assert read_again(connection).access_token == ""


def test_saving_leaves_a_ciphertext_that_was_not_changed() -> None:
    connection = make_connection()
    before = ciphertext(connection)

    loaded = read_again(connection)
    loaded.scope = "other"
    loaded.save()

    assert ciphertext(connection) == before


def test_token_of_sixteen_kilobytes() -> None:
    long = "x" * 16 * 1024

    assert read_again(make_connection(access_token=long)).access_token == long


# What shows it.


def test_nothing_that_shows_a_connection_shows_its_tokens() -> None:
    connection = make_connection()
    unsaved = OAuthConnection(access_token=ACCESS, refresh_token=REFRESH)

    shown = [
        str(connection),
        repr(connection),
        repr(vars(connection)),
        repr(connection.oauth_token),
        str(model_to_dict(connection)),
        str(list(OAuthConnection.objects.values())),
        str(list(OAuthConnection.objects.values_list("access_token", "refresh_token"))),
        serializers.serialize("json", [connection]),
        serializers.serialize("xml", [connection]),
        serializers.serialize("python", [connection]).__repr__(),
        repr(vars(unsaved)),
        serializers.serialize("json", [unsaved]),
    ]
    assert not [text for text in shown if ACCESS in text or REFRESH in text]


def test_dumpdata_and_loaddata(tmp_path: Path) -> None:
    connection = make_connection()
    before = ciphertext(connection)
    dump = StringIO()
    call_command("dumpdata", "auth.user", "oidc_login", stdout=dump)
    assert ACCESS not in dump.getvalue() and REFRESH not in dump.getvalue()
    path = tmp_path / "dump.json"
    path.write_text(dump.getvalue())

    for is_there in (True, False):
        if not is_there:
            get_user_model().objects.all().delete()
        call_command("loaddata", str(path), verbosity=0)

        loaded = OAuthConnection.objects.get()
        assert (loaded.access_token, loaded.refresh_token) == (ACCESS, REFRESH)
        assert ciphertext(loaded) == before


def test_dump_without_the_key_can_be_loaded_with_it(tmp_path: Path, settings: Settings) -> None:
    """A backup does not need the key."""
    make_connection()
    kept = settings.SECRET_KEY
    path = tmp_path / "dump.json"
    settings.SECRET_KEY = "another " * 10
    call_command("dumpdata", "auth.user", "oidc_login", output=str(path))
    get_user_model().objects.all().delete()
    call_command("loaddata", str(path), verbosity=0)

    settings.SECRET_KEY = kept
    assert OAuthConnection.objects.get().access_token == ACCESS


def test_pickled_connection_holds_ciphertext() -> None:
    pickled = pickle.dumps(read_again(make_connection()))

    assert ACCESS.encode() not in pickled and REFRESH.encode() not in pickled
    assert pickle.loads(pickled).access_token == ACCESS


def test_connection_just_saved_can_be_pickled() -> None:
    assert ACCESS.encode() not in pickle.dumps(make_connection())


def test_connection_with_an_unsaved_token_cannot_be_pickled() -> None:
    connection = make_connection()
    connection.access_token = "unsaved"

    with pytest.raises(TypeError, match="save the connection"):
        pickle.dumps(connection)


# Bound to its place.


def test_ciphertext_of_another_row_is_refused() -> None:
    mine, theirs = make_connection("1"), make_connection("2", access_token="theirs")
    overwrite(mine, ciphertext(theirs))

    with pytest.raises(TokenKeyError):
        _ = read_again(mine).access_token


def test_ciphertext_of_the_other_column_is_refused() -> None:
    connection = make_connection()
    overwrite(connection, ciphertext(connection, "refresh_token"))

    with pytest.raises(TokenKeyError):
        _ = read_again(connection).access_token


@pytest.mark.parametrize("column", ["provider_key", "issuer", "provider_user_id"])
def test_ciphertext_does_not_follow_another_identity(column: str) -> None:
    connection = make_connection()
    overwrite(connection, "changed", column)

    with pytest.raises(TokenKeyError):
        _ = read_again(connection).access_token


@pytest.mark.parametrize("change", ["flip", "cut", "prefix alone", "garbage"])
def test_changed_ciphertext_is_refused(change: str) -> None:
    connection = make_connection()
    good = ciphertext(connection)
    overwrite(
        connection,
        {
            "flip": good[:-3] + ("A" if good[-3] != "A" else "B") + good[-2:],
            "cut": good[:-20],
            "prefix alone": "oidc_login.1.",
            "garbage": "oidc_login.1.\u00e9!",
        }[change],
    )

    with pytest.raises(TokenKeyError):
        _ = read_again(connection).access_token


def test_error_holds_neither_token_nor_ciphertext(settings: Settings) -> None:
    connection = make_connection()
    text = ciphertext(connection)
    settings.SECRET_KEY = "another " * 10

    with pytest.raises(TokenKeyError) as caught:
        _ = read_again(connection).access_token

    assert "OIDC_LOGIN_TOKEN_KEYS" in str(caught.value)
    assert text not in repr(caught.value)


# Deferred and read again.


@pytest.mark.parametrize("how", ["only", "defer"])
def test_deferred_token_is_read_when_it_is_asked_for(how: str) -> None:
    pk = make_connection().pk
    rows = OAuthConnection.objects.only("user") if how == "only" else OAuthConnection.objects.defer("access_token")
    connection = rows.get(pk=pk)
    assert "access_token" in connection.get_deferred_fields()

    assert connection.access_token == ACCESS


def test_deferred_token_survives_saving() -> None:
    pk = make_connection().pk
    connection = OAuthConnection.objects.defer("access_token").get(pk=pk)
    connection.scope = "other"
    connection.save()

    assert read_again(connection).access_token == ACCESS


@pytest.mark.parametrize("fields", [None, ["access_token"], ["scope", "access_token"]])
def test_refresh_from_db_reads_what_is_stored_by_now(fields: list[str] | None) -> None:
    connection = make_connection()
    other = read_again(connection)
    other.access_token = "newer"
    other.save()

    connection.refresh_from_db(fields=fields)

    assert connection.access_token == "newer"
    connection.save()
    assert read_again(connection).access_token == "newer"


def test_refresh_from_db_drops_what_was_not_saved() -> None:
    connection = make_connection()
    connection.access_token = "unsaved"

    connection.refresh_from_db()

    assert connection.access_token == ACCESS


def test_refresh_from_db_of_a_row_that_is_gone() -> None:
    connection = make_connection()
    OAuthConnection.objects.all().delete()

    for fields in (None, ["access_token"]):
        with pytest.raises(OAuthConnection.DoesNotExist):
            connection.refresh_from_db(fields=fields)


# Only through an instance.


@pytest.mark.parametrize(
    "use",
    [
        lambda connection: OAuthConnection.objects.update(access_token="in clear"),
        lambda connection: OAuthConnection.objects.filter(access_token=ACCESS).count(),
        lambda connection: OAuthConnection.objects.bulk_update([_changed(connection)], ["access_token"]),
    ],
    ids=["update", "filter", "bulk_update"],
)
def test_queryset_cannot_write_or_search_a_token(use: Callable[[OAuthConnection], Any]) -> None:
    connection = make_connection()

    with pytest.raises(TypeError, match="access_token"), transaction.atomic():
        use(connection)

    assert read_again(connection).access_token == ACCESS


def _changed(connection: OAuthConnection) -> OAuthConnection:
    connection.access_token = "in clear"
    return connection


def test_queryset_may_empty_a_token() -> None:
    connection = make_connection()

    OAuthConnection.objects.update(access_token="")

    assert read_again(connection).access_token == ""


def test_bulk_create_encrypts() -> None:
    made = make_connection()
    OAuthConnection.objects.all().delete()
    connection = OAuthConnection(
        user=made.user, provider_key="op", provider_user_id="9", link_reason="signed_up", access_token=ACCESS
    )

    OAuthConnection.objects.bulk_create([connection])

    loaded = OAuthConnection.objects.get()
    assert ACCESS not in ciphertext(loaded)
    assert loaded.access_token == ACCESS


# Keys.


def test_token_keys_replace_the_secret_key(settings: Settings) -> None:
    settings.OIDC_LOGIN_TOKEN_KEYS = ["first token key"]
    connection = make_connection()
    settings.SECRET_KEY = "another " * 10

    assert read_again(connection).access_token == ACCESS


def test_token_keys_rotate(settings: Settings) -> None:
    settings.OIDC_LOGIN_TOKEN_KEYS = ["old"]
    connection = make_connection()
    old = ciphertext(connection)

    settings.OIDC_LOGIN_TOKEN_KEYS = ["new", "old"]
    loaded = read_again(connection)
    assert loaded.access_token == ACCESS
    loaded.access_token = "newer"
    loaded.save()
    assert ciphertext(connection)[:17] != old[:17], "written with the first key"

    settings.OIDC_LOGIN_TOKEN_KEYS = ["new"]
    assert read_again(connection).access_token == "newer"
    with pytest.raises(TokenKeyError):
        _ = read_again(connection).refresh_token


def test_secret_key_rotates_with_its_fallbacks(settings: Settings) -> None:
    connection = make_connection()

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another " * 10

    assert read_again(connection).access_token == ACCESS


def test_moving_from_the_secret_key_to_token_keys(settings: Settings) -> None:
    connection = make_connection()

    settings.OIDC_LOGIN_TOKEN_KEYS = ["token key", settings.SECRET_KEY]

    assert read_again(connection).access_token == ACCESS


def test_sign_in_works_after_the_key_was_lost(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    op.always_refresh_token = True
    settings.OIDC_LOGIN_TOKEN_KEYS = ["lost"]
    Browser().sign_in(op)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["found"]

    response = browser.sign_in(op)

    assert response.status_code == 302
    connection = OAuthConnection.objects.get()
    assert connection.access_token and connection.refresh_token


def test_sign_in_keeps_a_refresh_token_that_it_cannot_read(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    """The key may come back; the answer had no newer token."""
    op.always_refresh_token = True
    settings.OIDC_LOGIN_TOKEN_KEYS = ["lost"]
    Browser().sign_in(op)
    before = ciphertext(OAuthConnection.objects.get(), "refresh_token")
    settings.OIDC_LOGIN_TOKEN_KEYS = ["other"]
    op.always_refresh_token = False

    assert browser.sign_in(op).status_code == 302

    assert ciphertext(OAuthConnection.objects.get(), "refresh_token") == before
    settings.OIDC_LOGIN_TOKEN_KEYS = ["other", "lost"]
    assert OAuthConnection.objects.get().refresh_token in op.grants._refresh_tokens
