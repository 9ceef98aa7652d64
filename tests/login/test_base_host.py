"""Several hosts and one callback host: a flow begins there, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

BASE = "login.site.example"
TENANT = "tenant1.site.example"
LOGIN = "/oauth/op/login/"


class BrowserOfHosts(Browser):
    """A browser that keeps the cookies of each host apart, except for those with a domain."""

    def __init__(self, host: str) -> None:
        self.kept: dict[tuple[str, str], Morsel[str]] = {}
        super().__init__(https=True, host=host)

    @property
    def jar(self) -> dict[str, Morsel[str]]:
        own = (self.host, self.host.partition(".")[2])
        return {name: morsel for (host, name), morsel in self.kept.items() if host in own}

    @jar.setter
    def jar(self, value: dict[str, Morsel[str]]) -> None:
        self.kept.clear()

    def _keep(self, cookies: Mapping[str, Morsel[str]]) -> None:
        for name, morsel in cookies.items():
            at = ((morsel["domain"] or self.host).lstrip("."), name)
            if str(morsel["max-age"]) == "0":
                self.kept.pop(at, None)
            else:
                self.kept[at] = morsel

    def follow(self, response: Any, **options: Any) -> Any:
        """Go where a redirect within the site leads."""
        target = urlsplit(response["Location"])
        self.host = target.netloc or self.host
        return self.get(f"{target.path}?{target.query}", **options)

    def come_back(self, op: OpenIDProvider, begun: Any, user: str | None = "alice") -> Any:
        """Go from the redirect to the provider to the callback, at whatever host that is."""
        answer = self.authorize(op, begun, user)
        self.host = urlsplit(answer.url).netloc
        return self.end(answer)


@pytest.fixture
def several_hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = [".site.example"]
    settings.OIDC_LOGIN_BASE_URL = f"https://{BASE}"
    settings.LOGIN_REDIRECT_URL = "/welcome/"


@pytest.fixture
def shared(several_hosts: None, settings: Settings) -> None:
    settings.SESSION_COOKIE_DOMAIN = ".site.example"


# Hosts that share the session.


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("next_url", "end"),
    [
        ("/basket/?a=1", f"https://{TENANT}/basket/?a=1"),
        (f"https://{TENANT}/basket/", f"https://{TENANT}/basket/"),
        (None, f"https://{TENANT}/welcome/"),
        ("https://evil.example/", f"https://{TENANT}/welcome/"),
        (f"https://{BASE}/basket/", f"https://{TENANT}/welcome/"),
        ("https://tenant2.site.example/", f"https://{TENANT}/welcome/"),
    ],
)
def test_sign_in_begins_at_the_base_host_and_returns(op: OpenIDProvider, next_url: str | None, end: str) -> None:
    browser = BrowserOfHosts(TENANT)
    sent = browser.begin(next=next_url)
    assert sent["Location"].startswith(f"https://{BASE}{LOGIN}?begin=")

    begun = browser.follow(sent)
    flow_hosts = {host for host, name in browser.kept if "flow" in name}
    response = browser.come_back(op, begun)

    assert flow_hosts == {BASE}
    assert (response.status_code, response["Location"]) == (302, end)
    browser.host = TENANT
    assert browser.user.username == "alice"


@pytest.mark.usefixtures("shared")
def test_sign_in_at_the_base_host_takes_the_short_way(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(BASE)

    response = browser.come_back(op, browser.begin(next="/basket/"))

    assert response["Location"] == "/basket/"


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("next_url", [f"https://{TENANT}/basket/", "https://tenant2.site.example/"])
def test_next_at_the_base_host_stays_there(op: OpenIDProvider, next_url: str) -> None:
    browser = BrowserOfHosts(BASE)

    assert browser.come_back(op, browser.begin(next=next_url))["Location"] == "/welcome/"


@pytest.mark.usefixtures("shared")
def test_connect_begins_at_the_base_host_for_the_same_person(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(TENANT)
    browser.come_back(op, browser.follow(browser.begin()))
    browser.host = TENANT

    begun = browser.follow(browser.begin(view="connect", next="/oauth/connections/"))
    response = browser.come_back(op, begun, "bob")

    assert response["Location"] == f"https://{TENANT}/oauth/connections/"
    assert OAuthConnection.objects.filter(user__username="alice").count() == 2


@pytest.mark.usefixtures("shared")
def test_link_to_what_another_browser_asked_for_begins_nothing(op: OpenIDProvider) -> None:
    """A GET that begins a sign-in would be a login CSRF: what was asked for is in the session of who asked."""
    sent = BrowserOfHosts(TENANT).begin()
    victim = BrowserOfHosts(BASE)

    response = victim.follow(sent)

    assert response.status_code == 200
    assert not victim.flow_cookies


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("path", [LOGIN, "/oauth/op/connect/"])
def test_post_without_csrf_token_asks_for_nothing(op: OpenIDProvider, path: str) -> None:
    browser = BrowserOfHosts(TENANT)

    assert browser.request("POST", path, {}, cross_site=True).status_code == 403
    assert browser.session_key is None


@pytest.mark.usefixtures("shared")
def test_what_was_asked_for_begins_once(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(TENANT)
    sent = browser.begin()

    assert browser.follow(sent).status_code == 302
    assert browser.follow(sent).status_code == 200


@pytest.mark.usefixtures("shared")
def test_head_begins_nothing(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(TENANT)
    target = urlsplit(browser.begin()["Location"])
    browser.host = BASE

    assert browser.request("HEAD", f"{target.path}?{target.query}").status_code == 200
    assert browser.get(f"{target.path}?{target.query}").status_code == 302


@pytest.mark.usefixtures("shared")
def test_what_was_asked_for_long_ago_begins_nothing(op: OpenIDProvider, later: Callable[[float], None]) -> None:
    browser = BrowserOfHosts(TENANT)
    sent = browser.begin()
    later(121)

    assert browser.follow(sent).status_code == 200


@pytest.mark.usefixtures("shared")
def test_several_tabs_ask_at_once(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(TENANT)
    sent = [browser.begin(next=f"/tab/{number}/") for number in range(3)]

    ends = [browser.come_back(op, browser.follow(each))["Location"] for each in sent]

    assert ends == [f"https://{TENANT}/tab/{number}/" for number in range(3)]


@pytest.mark.usefixtures("shared")
def test_host_that_is_no_longer_allowed_is_not_returned_to(op: OpenIDProvider, settings: Settings) -> None:
    browser = BrowserOfHosts(TENANT)
    begun = browser.follow(browser.begin(next="/basket/"))
    settings.ALLOWED_HOSTS = [BASE]

    assert browser.come_back(op, begun)["Location"] == "/welcome/"


@pytest.mark.usefixtures("shared")
def test_cancelled_sign_in_leads_back_to_the_host_it_began_at(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(TENANT)

    response = browser.come_back(op, browser.follow(browser.begin(next="/basket/")), None)

    assert response["Location"] == f"https://{TENANT}/oauth/?next=https%3A%2F%2F{TENANT}%2Fbasket%2F"


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(("next_url", "end"), [("/after/", "/after/"), (None, "/bye/")])
def test_logout_returns_to_the_host_it_began_at(
    op: OpenIDProvider, settings: Settings, next_url: str | None, end: str
) -> None:
    settings.LOGOUT_REDIRECT_URL = "/bye/"
    browser = BrowserOfHosts(TENANT)
    browser.come_back(op, browser.follow(browser.begin()))
    browser.host = TENANT

    sent = browser.post("/oauth/logout/", {} if next_url is None else {"next": next_url})
    state = sent["Location"].partition("&state=")[2].partition("&")[0]
    browser.host = BASE
    done = f"/oauth/logout/done/?state={state}"

    assert browser.get(done)["Location"] == f"https://{TENANT}{end}"
    assert browser.get(done)["Location"] == "/bye/"


def test_proxy_that_passes_another_host_of_the_domain_on_makes_no_loop(shared: None, op: OpenIDProvider) -> None:
    """Django is told the same host each time, whatever the browser asked for."""
    browser = BrowserOfHosts(TENANT)
    target = urlsplit(browser.begin()["Location"])

    assert browser.get(f"{target.path}?{target.query}")["Location"].startswith(op.authorization_endpoint)


# Hosts that do not.


@pytest.mark.usefixtures("several_hosts")
@pytest.mark.parametrize("domain", [None, ".other.example", TENANT, f".{BASE}"])
def test_sign_in_that_could_not_end_is_refused_when_it_begins(
    op: OpenIDProvider, settings: Settings, domain: str | None
) -> None:
    settings.SESSION_COOKIE_DOMAIN = domain
    browser = BrowserOfHosts(TENANT)

    response = browser.begin(next="/basket/")

    assert (response.status_code, response.context["oauth_error"].code) == (400, "wrong_host")
    assert response.context["retry_url"] == f"https://{BASE}{LOGIN}?next=%2Fbasket%2F"
    assert not browser.flow_cookies
    assert browser.session_key is None


@pytest.mark.usefixtures("several_hosts")
def test_connect_that_could_not_end_is_refused(op: OpenIDProvider) -> None:
    browser = BrowserOfHosts(TENANT)
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert browser.begin(view="connect").context["oauth_error"].code == "wrong_host"


@pytest.mark.usefixtures("several_hosts")
@pytest.mark.parametrize("host", [BASE, BASE.upper(), f"{BASE}:443", f"{BASE}:8443"])
def test_base_host_is_the_same_by_any_spelling(op: OpenIDProvider, host: str) -> None:
    response = Client().post(LOGIN, secure=True, headers={"host": host})

    assert response["Location"].startswith(op.authorization_endpoint)


# A proxy that keeps the public host to itself.


@pytest.mark.parametrize(
    ("allowed", "host", "secure", "origin", "begins"),
    [
        pytest.param(["backend"], "backend", False, None, True, id="neither host nor scheme"),
        pytest.param(["backend"], "backend", True, None, True, id="the scheme alone"),
        pytest.param(["backend", BASE], "backend", False, None, True, id="neither, of two hosts"),
        pytest.param(["backend", BASE], "backend", True, f"https://{BASE}", True, id="form of the base host"),
        pytest.param(["*"], "backend", True, None, True, id="any host"),
        pytest.param(["*"], "other.example", True, "https://other.example", False, id="form of another host"),
        pytest.param(["other.example", BASE], "other.example", True, None, False, id="another host of the site"),
        pytest.param(["other.example", BASE], "other.example", True, "null", False, id="hidden origin"),
        pytest.param([BASE, "other.example"], "other.example", False, "https://other.example", False, id="no scheme"),
    ],
)
def test_host_that_only_the_proxy_knows_is_no_other_host(
    op: OpenIDProvider,
    settings: Settings,
    allowed: list[str],
    host: str,
    secure: bool,
    origin: str | None,
    begins: bool,
) -> None:
    settings.ALLOWED_HOSTS, settings.OIDC_LOGIN_BASE_URL = allowed, f"https://{BASE}"
    headers = {"host": host, **({} if origin is None else {"origin": origin})}

    response = Client().post(LOGIN, secure=secure, headers=headers)

    assert response.status_code == (302 if begins else 400)


# The check.


@pytest.mark.parametrize(
    ("allowed", "domain", "named"),
    [
        ([".site.example"], None, ["'.site.example'"]),
        ([".site.example"], ".site.example", None),
        ([".site.example"], "site.example", None),
        ([".site.example"], BASE, ["'.site.example'"]),
        ([BASE, "www.site.example", "other.example"], ".site.example", ["'other.example'"]),
        ([BASE, "www.site.example"], None, ["'www.site.example'"]),
        ([BASE], None, None),
        ([BASE, "localhost", "127.0.0.1", "[::1]", "10.0.0.7", "web"], None, None),
        (["backend.internal"], None, None),
        (["*"], None, None),
    ],
)
def test_check_says_where_nobody_can_sign_in(
    settings: Settings, allowed: list[str], domain: str | None, named: list[str] | None
) -> None:
    settings.ALLOWED_HOSTS, settings.SESSION_COOKIE_DOMAIN = allowed, domain
    settings.OIDC_LOGIN_BASE_URL = f"https://{BASE}"

    found = [each for each in run_checks(tags=["oidc_login"], databases=[]) if each.id == "oidc_login.W130"]

    if named is None:
        assert found == []
    else:
        [message] = found
        assert f"people cannot sign in at {', '.join(named)}, which" in message.msg
        assert "SESSION_COOKIE_DOMAIN" in str(message.hint)
