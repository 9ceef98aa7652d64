"""Taking tokens back: by the site, by the person, by deactivating the user."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from oidc_login.exceptions import ConnectionRemoved, ProviderUnavailable
from oidc_login.models import OAuthConnection, Status
from oidc_login.testing import Answer
from tests.support.browser import Browser
from tests.support.served import RecordingGitHub, RecordingOpenIDProvider
from tests.tokens.conftest import Connect, stored

pytestmark = pytest.mark.django_db(transaction=True)


def has_tokens(connection: OAuthConnection) -> bool:
    connection = stored(connection)
    return bool(connection.access_token or connection.refresh_token)


def test_revoking_ends_the_grant_and_keeps_the_identity(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    connection.revoke()

    assert stored(connection).status == connection.status == Status.REVOKED
    assert not has_tokens(connection) and connection.access_token == ""
    assert not op.grants._refresh_tokens and not op.grants._access_tokens


def test_newest_tokens_are_revoked_whatever_the_instance_holds(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    stored(connection).refresh_access_token()

    connection.revoke()

    assert not op.grants._refresh_tokens and not op.grants._access_tokens


def test_nothing_is_forgotten_while_the_provider_is_down(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    with op.bend("revocation", lambda good: Answer(status=503)), pytest.raises(ProviderUnavailable):
        connection.revoke()

    assert has_tokens(connection) and stored(connection).status == Status.OK


def test_connection_without_tokens_asks_nobody(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect(access_token="", refresh_token="")

    connection.revoke()

    assert op.asked() == []
    assert stored(connection).status == Status.REVOKED


def test_connection_that_is_gone(connect: Connect) -> None:
    connection = connect()
    OAuthConnection.objects.all().delete()

    with pytest.raises(ConnectionRemoved):
        connection.revoke()


def test_deactivating_a_user_revokes(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection, other = connect(), connect("bob", sub="another")
    user = get_user_model().objects.get(pk=connection.user_id)

    user.save()
    assert op.asked() == [], "still active"
    user.is_active = False
    user.save()

    assert not has_tokens(connection) and stored(connection).status == Status.REVOKED
    assert has_tokens(other)
    user.save()
    assert op.asked().count("revocation") == 1


def test_saving_other_fields_of_an_inactive_user_asks_nobody(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    user = get_user_model().objects.get(pk=connection.user_id)
    user.is_active = False

    user.save(update_fields=["first_name"])

    assert op.asked() == [] and has_tokens(connection)


def test_deactivating_works_while_the_provider_is_down(
    op: RecordingOpenIDProvider, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect()
    user = get_user_model().objects.get(pk=connection.user_id)
    user.is_active = False

    with op.bend("revocation", lambda good: Answer(status=503)):
        user.save()

    assert not get_user_model().objects.get(pk=user.pk).is_active
    assert "revocation failed: " in caplog.text
    assert OAuthConnection.objects.revoke_for(user) == [], "tried again later"
    assert not has_tokens(connection)


def test_github_deletes_the_token(github: RecordingGitHub, browser: Browser) -> None:
    """GitHub has no RFC 7009 but "Delete an app token"."""
    browser.sign_in(github, "github")
    connection = OAuthConnection.objects.get()
    token = connection.access_token
    assert github.grants.of_access_token(token)

    connection.revoke()

    assert github.grants.of_access_token(token) is None
    request = github.requests[-1]
    assert (request.method, request.path) == ("DELETE", "/api/v3/applications/client/token")
    assert request.headers["authorization"].startswith("Basic ")
