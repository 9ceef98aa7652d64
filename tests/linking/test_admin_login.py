"""The admin: buttons on its login page, what its actions do, and who may use them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

import oidc_login
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, OpenIDProvider
from tests.linking.conftest import Commits
from tests.support.browser import Browser
from tests.support.markup import Markup
from tests.support.served import ALICE, configure
from tests.support.signals import Heard

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

URL = "/admin/oidc_login/oauthconnection/"
INCLUDING = """{% extends "admin/login.html" %}
{% block content %}{{ block.super }}{% include "oidc_login/admin_login.html" %}{% endblock %}"""


@pytest.fixture(params=["folder", "include"])
def with_buttons(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> None:
    """A site that has put the buttons on the admin's login page, by one of the two ways."""
    folder = Path(oidc_login.__file__).parent / "admin_templates"
    if request.param == "include":
        folder = tmp_path
        (tmp_path / "admin").mkdir()
        (tmp_path / "admin" / "login.html").write_text(INCLUDING)
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [folder]}]


def page_for(browser: Browser, url: str) -> Any:
    """Follow redirects as a browser does, but not in circles."""
    for _ in range(4):
        response = browser.get(url)
        if response.status_code != 302:
            return response
        url = response["Location"]
    raise AssertionError(f"still being redirected, to {url}")


# The login page.


@pytest.mark.usefixtures("with_buttons")
@pytest.mark.parametrize(("url", "target"), [("/admin/auth/user/", "/admin/auth/user/"), ("/admin/login/", "/admin/")])
def test_buttons_lead_to_the_page_that_was_asked_for(
    op: OpenIDProvider, browser: Browser, url: str, target: str
) -> None:
    text = page_for(browser, url).content.decode()

    assert 'name="password"' in text
    (form,) = Markup(text[text.index('<div class="oidc-login-buttons">') :]).forms
    assert (form.action, form.method, dict(form.fields)["next"]) == ("/oauth/op/login/", "post", target)


@pytest.mark.usefixtures("with_buttons")
def test_staff_get_in(op: OpenIDProvider, browser: Browser) -> None:
    Browser().sign_in(op)
    get_user_model().objects.update(is_staff=True)

    response = browser.sign_in(op, next="/admin/")

    assert response["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


@pytest.mark.usefixtures("with_buttons")
def test_staff_made_by_a_claim_get_in(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", groups_claim="nickname", staff_groups=["admin"])
    op.bend("userinfo", _nicknamed)

    browser.sign_in(op, next="/admin/")

    assert browser.get("/admin/").status_code == 200


def _nicknamed(answer: Any) -> Any:
    answer.json = {**answer.json, "nickname": "admin"}
    return answer


@pytest.mark.usefixtures("with_buttons")
def test_nobody_else_gets_in_or_goes_in_circles(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op, next="/admin/")

    page = page_for(browser, "/admin/")

    assert page.status_code == 200
    assert page.request["PATH_INFO"] == "/admin/login/"
    assert "not authorized" in page.content.decode()
    assert browser.user.username == "alice"
    assert not browser.user.is_staff


@pytest.mark.usefixtures("with_buttons")
def test_staff_are_not_linked_by_email_from_here_either(op: OpenIDProvider, browser: Browser) -> None:
    get_user_model().objects.create_user("root", ALICE.email, is_staff=True)

    assert browser.sign_in(op, next="/admin/").status_code == 409


# The list and its actions.


@pytest.fixture
def connection(op: OpenIDProvider) -> OAuthConnection:
    Browser().sign_in(op)
    op.clear()
    return OAuthConnection.objects.get()


def staff(*codenames: str) -> Browser:
    """Somebody of the staff with these rights."""
    user = get_user_model().objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser = Browser()
    browser.log_in(user)
    return browser


def act(browser: Browser, action: str, *connections: OAuthConnection) -> Any:
    browser.get(URL)
    data = {"action": action, "_selected_action": [str(connection.pk) for connection in connections]}
    return browser.post(URL, data)


MANAGER = ("view_oauthconnection", "change_oauthconnection")


def test_list_says_how_it_came_about(connection: OAuthConnection) -> None:
    text = staff(*MANAGER).get(URL).content.decode()

    assert "sign-up" in text
    for value in ("alice", "op", ALICE.email):
        assert value in text


@pytest.mark.parametrize("query", ["q=alice", "q=canary", "provider_key=op", "status=ok", "link_reason=signed_up"])
def test_list_finds(connection: OAuthConnection, query: str) -> None:
    other = get_user_model().objects.create_user("another")
    OAuthConnection.objects.create(user=other, provider_key="x", provider_user_id="x", status="revoked")

    text = staff(*MANAGER).get(f"{URL}?{query}").content.decode()

    assert "1 connection" in text


def test_revoking(op: OpenIDProvider, connection: OAuthConnection) -> None:
    act(staff(*MANAGER), "revoke_tokens", connection)

    assert [request.endpoint for request in op.requests] == ["revocation"]
    connection.refresh_from_db()
    assert (connection.status, connection.access_token, connection.refresh_token) == ("revoked", "", "")


@pytest.mark.parametrize("trouble", ["provider", "gone", "key"])
def test_revoking_that_fails_says_so_and_keeps_the_tokens(
    op: OpenIDProvider, connection: OAuthConnection, settings: Settings, trouble: str
) -> None:
    if trouble == "provider":
        op.bend("revocation", lambda _: Answer(status=503, body=b""))
    if trouble == "gone":
        settings.OIDC_LOGIN_PROVIDERS = {"other": settings.OIDC_LOGIN_PROVIDERS["op"]}
    if trouble == "key":
        settings.OIDC_LOGIN_TOKEN_KEYS = ["a key that came later, " * 3]
    token = op.answered[0]["access_token"]  # type: ignore[attr-defined]  # of the recording provider
    browser = staff(*MANAGER)

    assert act(browser, "revoke_tokens", connection).status_code == 302

    text = browser.get(URL).content.decode()
    assert "0 connections were revoked" in text
    assert token not in text
    assert OAuthConnection.objects.get().status == "ok"


def test_marking(op: OpenIDProvider, connection: OAuthConnection) -> None:
    act(staff(*MANAGER), "ask_for_new_sign_in", connection)

    connection.refresh_from_db()
    assert connection.status == "needs_reauth"
    assert op.requests == []


@pytest.mark.parametrize("action", ["revoke_tokens", "ask_for_new_sign_in", "delete_selected"])
def test_whoever_may_only_look_changes_nothing(op: OpenIDProvider, connection: OAuthConnection, action: str) -> None:
    browser = staff("view_oauthconnection")
    assert action not in browser.get(URL).content.decode()

    act(browser, action, connection)

    connection.refresh_from_db()
    assert connection.status == "ok"
    assert op.requests == []


def test_removing_several_is_told(connection: OAuthConnection, heard: Heard, committing: Commits) -> None:
    key = connection.pk
    browser = staff("view_oauthconnection", "delete_oauthconnection")
    browser.get(URL)

    with committing():
        data = {"action": "delete_selected", "_selected_action": [str(key)], "post": "yes"}
        browser.post(URL, data)

    assert not OAuthConnection.objects.exists()
    ((name, told),) = heard
    assert (name, told["connection"].pk, told["reason"]) == ("connection_removed", key, "removed in the admin")
