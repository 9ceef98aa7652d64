"""Our cookies are found by their exact name, as the browser sent it, and are of this host alone on https."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.test import AsyncClient, Client, RequestFactory

from oidc_login.flow import cookies
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Get = Callable[[Any, str, str], Any]

# What Django's parser strips from a name. A browser does not, so a sibling host can set such a cookie for all hosts.
STRIPPED = [
    "\u00a0",
    "\u0085",
    "\u1680",
    "\u2000",
    "\u200a",
    "\u2028",
    "\u202f",
    "\u3000",
    "\x1c",
    "\x1f",
    "\x0b",
    "\t",
]


def get(client: Client, url: str, header: str) -> Any:
    return client.get(url, secure=True, headers={"cookie": header})


def get_async(client: AsyncClient, url: str, header: str) -> Any:
    return async_to_sync(client.get)(url, secure=True, headers={"cookie": header})


interfaces = pytest.mark.parametrize(
    ("make_client", "get"), [(Client, get), (AsyncClient, get_async)], ids=["WSGI", "ASGI"]
)


def begun_flow(op: OpenIDProvider) -> tuple[str, str, str]:
    """Return the name and value of a flow's cookie, and the URL of its callback."""
    browser = Browser(https=True)
    answer = urlsplit(browser.authorize(op, browser.begin()).url)
    [(name, value)] = browser.flow_cookies.items()
    return name, value, f"{answer.path}?{answer.query}"


@interfaces
@pytest.mark.parametrize("before", ["", "a=b; ", "a=b;"])
def test_cookie_of_exactly_this_name_is_the_flows(op: OpenIDProvider, make_client: Any, get: Get, before: str) -> None:
    name, value, url = begun_flow(op)
    client = make_client()

    assert get(client, url, f"{before}{name}={value}; c=d").status_code == 302
    assert SESSION_KEY in client.session


@interfaces
def test_cookie_without_a_name_takes_no_flow_away(op: OpenIDProvider, make_client: Any, get: Get) -> None:
    """A browser sends the value alone of a cookie that has no name."""
    name, value, url = begun_flow(op)
    client = make_client()

    assert get(client, url, f"{name}; {name}={value}; c=d").status_code == 302
    assert SESSION_KEY in client.session


@interfaces
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("before", ["", "a=b; ", "a=b;"], ids=["alone", "behind another", "behind another at once"])
def test_name_that_begins_with_what_django_strips_is_not_the_flows(
    op: OpenIDProvider, make_client: Any, get: Get, encoding: str, before: str
) -> None:
    """A sibling host can set it, and would sign a victim in as somebody else (login CSRF)."""
    for space in STRIPPED:
        if encoding == "latin-1" and ord(space) > 0xFF:
            continue
        for planted in (space + "{}", "{}" + space, " " + space + "{}"):
            name, value, url = begun_flow(op)
            header = f"{before}{planted.format(name)}={value}".encode(encoding).decode("latin-1")
            client = make_client(raise_request_exception=False)

            assert get(client, url, header).status_code == 400, ascii(planted)
            assert SESSION_KEY not in client.session


@interfaces
def test_name_that_comes_twice_is_not_the_flows(op: OpenIDProvider, make_client: Any, get: Get) -> None:
    """A browser has one `__Host-` cookie of a name, so the second one came from somewhere else."""
    name, value, url = begun_flow(op)
    client = make_client(raise_request_exception=False)

    assert get(client, url, f"{name}={value}; {name}={value}").status_code == 400


def test_planted_cookies_push_no_flow_out(op: OpenIDProvider) -> None:
    name, value, _ = begun_flow(op)
    planted = [f"\u2000__Host-oidc_login_flow_{number:016}=x".encode().decode("latin-1") for number in range(9)]
    client = Client()

    header = "; ".join([f"{name}={value}", *planted])
    response = client.post("/oauth/op/login/", secure=True, headers={"cookie": header})

    assert [morsel.value != "" for morsel in response.cookies.values()] == [True]


@pytest.mark.parametrize("space", ["\u2000", "\u00a0", "\u3000"])
def test_logout_state_is_found_by_its_exact_name(op: OpenIDProvider, settings: Settings, space: str) -> None:
    settings.LOGOUT_REDIRECT_URL = "/bye/"
    browser = Browser(https=True)
    browser.sign_in(op)
    state = browser.post("/oauth/logout/", {"next": "/after/"})["Location"].partition("&state=")[2].partition("&")[0]
    name, morsel = next((name, morsel) for name, morsel in browser.jar.items() if "logout" in name)

    def end_at(prefix: str) -> str:
        header = f"{prefix}{name}={morsel.value}".encode().decode("latin-1")
        url = f"/oauth/logout/done/?state={state}"
        return str(Client().get(url, secure=True, headers={"cookie": header})["Location"])

    assert (end_at(space), end_at("")) == ("/bye/", "/after/")


def test_request_without_cookies_has_none(rf: RequestFactory) -> None:
    assert cookies.get(rf.get("/"), "anything") is None


# https that only OIDC_LOGIN_BASE_URL knows of.


@pytest.fixture
def behind_proxy(settings: Settings) -> None:
    """A proxy ends TLS, and the site is told of it by its public address."""
    settings.OIDC_LOGIN_BASE_URL = "https://site.example"


@pytest.mark.usefixtures("behind_proxy")
@pytest.mark.parametrize(("response_mode", "same_site"), [(None, "Lax"), ("form_post", "None")])
def test_https_of_the_base_url_makes_the_flows_cookie_a_host_cookie(
    op: OpenIDProvider, settings: Settings, response_mode: str | None, same_site: str
) -> None:
    configure(settings, "op", response_mode=response_mode)
    response = Client().post("/oauth/op/login/")

    [cookie] = [morsel for name, morsel in response.cookies.items() if "flow" in name]
    assert cookie.key.startswith("__Host-oidc_login_flow_")
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, same_site)
    assert (cookie["path"], cookie["domain"]) == ("/", "")


@pytest.mark.usefixtures("behind_proxy")
def test_flow_behind_a_proxy_ends_by_its_host_cookie_alone(op: OpenIDProvider) -> None:
    client, thief = Client(), Client(raise_request_exception=False)
    answer = urlsplit(op.authorization_answer(client.post("/oauth/op/login/")["Location"], "alice").url)
    for name, morsel in client.cookies.items():
        thief.cookies[name.removeprefix("__Host-")] = morsel.value

    assert thief.get(f"{answer.path}?{answer.query}").status_code == 400
    assert SESSION_KEY not in thief.session
    assert client.get(f"{answer.path}?{answer.query}").status_code == 302
    assert SESSION_KEY in client.session


@pytest.mark.usefixtures("behind_proxy")
def test_https_of_the_base_url_makes_the_logouts_cookie_a_host_cookie(op: OpenIDProvider) -> None:
    client = Client()
    answer = urlsplit(op.authorization_answer(client.post("/oauth/op/login/")["Location"], "alice").url)
    client.get(f"{answer.path}?{answer.query}")

    response = client.post("/oauth/logout/")

    [cookie] = [morsel for name, morsel in response.cookies.items() if "logout" in name]
    assert (cookie.key, cookie["secure"]) == ("__Host-oidc_login_logout", True)
    state = response["Location"].partition("&state=")[2].partition("&")[0]
    dropped = client.get(f"/oauth/logout/done/?state={state}").cookies["__Host-oidc_login_logout"]
    assert (dropped["secure"], dropped["max-age"]) == (True, 0)


@pytest.mark.usefixtures("behind_proxy")
@pytest.mark.parametrize(
    ("url", "end"), [("https://testserver/a", "https://testserver/a"), ("http://testserver/a", "/")]
)
def test_next_leads_to_no_plain_http_where_the_base_url_is_https(op: OpenIDProvider, url: str, end: str) -> None:
    client = Client()
    begun = client.post("/oauth/op/login/", {"next": url})
    answer = urlsplit(op.authorization_answer(begun["Location"], "alice").url)

    assert client.get(f"{answer.path}?{answer.query}")["Location"] == end
