"""A site whose router reads from a replica: what decides about a person is read where it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection

from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE, BOB, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

MIDDLEWARE = ["oidc_login.middleware.SessionLogout", "oidc_login.middleware.SessionRefresh"]


class Router:
    """Notes what is read where a replica could answer."""

    read: list[Any] = []

    def db_for_read(self, model: Any, **hints: Any) -> None:
        self.read.append(model)


@contextmanager
def nothing_read_from_a_replica(*but: Any) -> Iterator[None]:
    """Whatever decides is asked of the primary; `but` may come from elsewhere."""
    Router.read.clear()
    yield
    deciding = {OAuthConnection, SignedInSession, get_user_model(), Group} - set(but)
    assert deciding & set(Router.read) == set()


@pytest.fixture(autouse=True)
def site(settings: Settings, op: OpenIDProvider) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *MIDDLEWARE]
    configure(settings, "op", groups_claim="groups", group_map={"editors": "editors"}, link_by_email="verified")
    op.always_refresh_token = True
    Group.objects.create(name="editors")
    op.users.change("alice", claims={"groups": ["editors"]})


def sign_up(browser: Browser, op: OpenIDProvider) -> Any:
    return browser.sign_in(op)


def sign_in_again(browser: Browser, op: OpenIDProvider) -> Any:
    Browser().sign_in(op)
    op.users.change("alice", claims={"groups": []})
    return browser.sign_in(op)


def link_by_email(browser: Browser, op: OpenIDProvider) -> Any:
    get_user_model()._default_manager.create_user("somebody", email=ALICE.email)
    return browser.sign_in(op)


@pytest.mark.parametrize("way", [sign_up, sign_in_again, link_by_email])
def test_a_sign_in_reads_where_it_writes(
    op: OpenIDProvider, browser: Browser, way: Callable[[Browser, OpenIDProvider], Any]
) -> None:
    with nothing_read_from_a_replica():
        assert way(browser, op).status_code == 302


def test_what_a_person_does_with_their_connections_reads_where_it_writes(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    user = get_user_model()  # of the session, as for all pages of the site

    with nothing_read_from_a_replica(user):
        assert browser.connect(op, user="bob").status_code == 302
        assert browser.get("/oauth/connections/").status_code == 200
        answer = browser.post("/oauth/op/disconnect/", {"provider_user_id": BOB.sub})

    assert answer.status_code == 302
    assert OAuthConnection.objects.count() == 1


def test_tokens_are_read_where_they_are_written(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    with nothing_read_from_a_replica():
        connection = OAuthConnection.objects.get()
        connection.refresh_access_token()
        connection.revoke()


def test_somebody_whom_the_replica_does_not_know_yet_is_signed_in(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    table = connection.ops.quote_name(get_user_model()._meta.db_table)
    asked: list[str] = []

    def be_behind(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if f"FROM {table}" not in sql:
            return execute(sql, params, many, context)
        asked.append(sql)
        return execute(sql, [-1, *params[1:]] if len(asked) == 1 else params, many, context)

    with connection.execute_wrapper(be_behind):
        assert browser.get("/").content == b"alice"

    assert len(asked) == 2
