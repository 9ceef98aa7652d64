"""Sign-ins where the browser decides whether they work: tabs, history, cookies of two sites, TLS."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, serve
from tests.browser.conftest import CHROMIUM_ARGUMENTS, NewPerson, Shoot
from tests.browser.served_site import Run, ServedSite, choose, continue_to_provider, expect_signed_in, sign_in
from tests.support.servers import make_authority

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FLOW = "oidc_login_flow_"


def flow_cookies(context: BrowserContext) -> list[Any]:
    return [cookie for cookie in context.cookies() if FLOW in cookie["name"]]


def callbacks(page: Page) -> list[str]:
    """Watch for the callback URLs that this page asks for."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "/callback/" in request.url else None)
    return seen


# A site's own page.


def test_buttons_on_a_sites_own_page_lead_to_its_next(page: Page, served: ServedSite, shoot: Shoot) -> None:
    page.goto(f"{served.site}/?next=/basket/%3Fsize%3D%22xl%22")
    shoot(page, "own-page")
    continue_to_provider(page)
    choose(page)

    expect_signed_in(page)
    assert page.url == f"{served.site}/basket/?size=%22xl%22"
    assert flow_cookies(page.context) == []


def test_buttons_obey_a_policy_that_allows_no_inline_style(page: Page, served: ServedSite, shoot: Shoot) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
    policy = "default-src 'none'; img-src 'self'; form-action 'self' http://localhost:*"

    def answer_with_policy(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route(f"{served.site}/", answer_with_policy)
    page.goto(f"{served.site}/")
    assert page.locator("rect").evaluate("rect => getComputedStyle(rect).fill") == "rgb(55, 65, 81)"
    shoot(page, "own-page")
    continue_to_provider(page)
    choose(page)

    expect_signed_in(page)
    assert complaints == []


def test_signing_in_needs_no_script_and_no_mouse(new_person: NewPerson, served: ServedSite) -> None:
    page = new_person(java_script_enabled=False).new_page()
    page.goto(f"{served.site}/oauth/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("http://localhost:*/**")
    choose(page)

    expect_signed_in(page)


@pytest.mark.parametrize(
    "path",
    ["/oauth/", "/oauth/op/login/", "/oauth/op/callback/?state=s&code=c"],
    ids=["providers", "login", "error"],
)
def test_page_fits_the_narrowest_phone(new_person: NewPerson, run: Run, shoot: Shoot, path: str) -> None:
    with run(label="Donaudampfschifffahrtsgesellschaft Directory") as served:
        page = new_person(size="narrow").new_page()
        page.goto(served.site + path)
        shoot(page, "fits")

        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


# Tabs, history and impatience.


def test_two_tabs_begun_at_once_both_end_well(page: Page, served: ServedSite) -> None:
    other = page.context.new_page()
    for tab, target in ((page, "/basket/?tab=1"), (other, "/basket/?tab=2")):
        tab.goto(f"{served.site}/?next={quote(target)}")
    continue_to_provider(page)
    continue_to_provider(other)
    assert len(flow_cookies(page.context)) == 2

    choose(other)
    expect_signed_in(other)
    choose(page)
    expect_signed_in(page)

    assert (page.url, other.url) == (f"{served.site}/basket/?tab=1", f"{served.site}/basket/?tab=2")
    assert OAuthConnection.objects.count() == 1
    assert flow_cookies(page.context) == []


def test_callback_opened_again_after_the_sign_in_leads_on(page: Page, served: ServedSite) -> None:
    seen = callbacks(page)
    sign_in(page, served)
    answer = page.goto(seen[0])

    assert answer is not None and answer.status == 200
    assert page.url == f"{served.site}/"
    expect_signed_in(page)


def test_back_to_the_provider_and_choosing_again_leads_on(page: Page, served: ServedSite) -> None:
    sign_in(page, served)
    page.go_back()
    choose(page)

    expect_signed_in(page)
    assert page.url == f"{served.site}/"


def test_back_and_forward_through_a_sign_in_is_no_error(page: Page, served: ServedSite) -> None:
    sign_in(page, served)
    for move in (page.go_back, page.go_back, page.go_forward, page.go_forward):
        move()

    expect_signed_in(page)


def test_double_click_on_the_button_ends_well(page: Page, served: ServedSite) -> None:
    page.goto(served.site)
    page.get_by_role("button", name="Continue with Example ID").dblclick()
    page.wait_for_url("http://localhost:*/**")
    choose(page)

    expect_signed_in(page)


def test_callback_in_another_browser_is_an_error_with_a_way_to_try_again(
    page: Page, new_person: NewPerson, served: ServedSite, shoot: Shoot
) -> None:
    """What a person sees to whom somebody sent the end of their own sign-in (login CSRF, RFC 9700 4.7)."""
    attacker = new_person().new_page()
    attacker.goto(f"{served.site}/oauth/?next=/basket/")
    continue_to_provider(attacker)
    link = served.provider.authorize(attacker.url, "bob")

    answer = page.goto(link)
    shoot(page, "error")

    assert answer is not None and answer.status == 400
    page.get_by_role("link", name="Try again").click()
    continue_to_provider(page)
    choose(page)
    expect_signed_in(page)


def test_cancelled_sign_in_can_be_tried_again_with_its_next(page: Page, served: ServedSite, shoot: Shoot) -> None:
    page.goto(f"{served.site}/oauth/?next=/basket/")
    continue_to_provider(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You did not sign in.")).to_be_visible()
    shoot(page, "cancelled")
    continue_to_provider(page)
    choose(page)

    expect_signed_in(page)
    assert page.url == f"{served.site}/basket/"


def test_provider_that_is_down_is_said_and_can_be_tried_again(page: Page, served: ServedSite, shoot: Shoot) -> None:
    page.goto(served.site)
    continue_to_provider(page)
    with served.provider.bend("token", lambda answer: Answer(status=500)):
        choose(page)
        expect(page.get_by_text("Error 503")).to_be_visible()
        shoot(page, "error")
    page.get_by_role("link", name="Try again").click()
    continue_to_provider(page)
    choose(page)

    expect_signed_in(page)


# Cookies between the two sites.


@pytest.mark.parametrize("response_mode", [None, "form_post"], ids=["query", "form_post"])
@pytest.mark.parametrize("same_site", ["Lax", "Strict"])
def test_sign_in_and_connect_keep_the_session(
    page: Page, run: Run, settings: Settings, response_mode: str | None, same_site: str
) -> None:
    settings.SESSION_COOKIE_SAMESITE = same_site
    with run(response_mode=response_mode) as served:
        sign_in(page, served)
        page.get_by_role("button", name="Connect op").click()
        choose(page, "Bob Birch")

        expect(page.get_by_text("Signed in as alice@example.org, 2 connected.")).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text("The account has been connected.")
    assert flow_cookies(page.context) == []


def test_page_that_moves_on_never_leaves_the_site(page: Page, run: Run, settings: Settings) -> None:
    """A refresh takes the quotes off its URL: this path would be another host's without them."""
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    with run() as served:
        elsewhere = f"'//localhost:{urlsplit(served.provider.issuer).port}/'"
        page.goto(f"{served.site}/oauth/?next={quote(elsewhere)}")
        continue_to_provider(page)
        with page.expect_navigation(url="**/%27//**"):
            choose(page)

        assert urlsplit(page.url).netloc == urlsplit(served.site).netloc


# TLS, with the cookies that only it allows.


@pytest.fixture
def secure(settings: Settings, tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """What a server with a certificate of the tests' own authority needs, and the authority's bundle."""
    authority = make_authority(tmp_path / "authority")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    return authority.server_context("127.0.0.1", "localhost"), authority.bundle


@contextmanager
def trusting(playwright: Playwright, chromium: str, url: str) -> Iterator[Browser]:
    """Run a browser that accepts this server's key, and no other certificate that it cannot verify."""
    parts = urlsplit(url)
    pem = ssl.get_server_certificate((str(parts.hostname), parts.port or 443))
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    pin = f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}"
    browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_ARGUMENTS, pin])
    try:
        yield browser
    finally:
        browser.close()


@pytest.mark.parametrize(
    ("response_mode", "same_site"), [(None, "Lax"), ("form_post", "None")], ids=["query", "form_post"]
)
def test_flow_cookie_over_tls_is_of_this_host_alone(
    playwright: Playwright,
    chromium: str,
    new_person: NewPerson,
    run: Run,
    secure: tuple[ssl.SSLContext, str],
    response_mode: str | None,
    same_site: str,
) -> None:
    tls, ca_bundle = secure
    with (
        run(tls=tls, ca_bundle=ca_bundle, response_mode=response_mode) as served,
        trusting(playwright, chromium, served.site) as browser,
    ):
        context = new_person(at=browser)
        page = context.new_page()
        page.goto(served.site)
        continue_to_provider(page)

        [cookie] = flow_cookies(context)
        assert cookie["name"].startswith("__Host-" + FLOW)
        assert (cookie["domain"], cookie["path"]) == ("127.0.0.1", "/")
        assert cookie["secure"] and cookie["httpOnly"]
        assert cookie["sameSite"] == same_site

        choose(page)
        expect_signed_in(page)
        assert page.url.startswith("https://127.0.0.1:")
        assert flow_cookies(context) == []

        page.get_by_role("button", name="Connect op").click()
        choose(page, "Bob Birch")
        expect(page.get_by_text("Signed in as alice@example.org, 2 connected.")).to_be_visible()
        assert flow_cookies(context) == []


# A sibling host, under TLS.

PREFIXES = ["", *(space.encode().decode("latin-1") for space in "\u2000\u3000\u00a0\u0085"), "\u00a0", "\u0085"]


def test_sibling_host_plants_no_flow(
    playwright: Playwright,
    chromium: str,
    run: Run,
    secure: tuple[ssl.SSLContext, str],
    settings: Settings,
) -> None:
    """It can set a cookie whose name begins with a Unicode space: for Django's parser that is the flow's own."""
    settings.ALLOWED_HOSTS = ["site.localhost"]
    tls, ca_bundle = secure
    link, planted = "", [("Set-Cookie", "")]

    def sibling(environ: Any, start_response: Any) -> list[bytes]:
        start_response("302 Found", [("Location", link), ("Content-Length", "0"), *planted])
        return [b""]

    with (
        run(tls=tls, ca_bundle=ca_bundle) as served,
        serve(sibling, host="127.0.0.1", tls=tls) as evil,
        trusting(playwright, chromium, served.site) as browser,
    ):
        host, evil_port = f"site.localhost:{urlsplit(served.site).port}", urlsplit(evil).port
        begun = Client(headers={"host": host}).post("/oauth/op/login/", secure=True)
        [(name, morsel)] = [item for item in begun.cookies.items() if FLOW in item[0]]
        link = served.provider.authorization_answer(begun["Location"], "bob").url
        attributes = f"{name}={morsel.value}; Domain=site.localhost; Path=/; Secure"
        planted = [("Set-Cookie", prefix + attributes) for prefix in PREFIXES]
        with browser.new_context(locale="en-GB") as context:
            page = context.new_page()
            answer = page.goto(f"https://evil.site.localhost:{evil_port}/")

            assert answer is not None and answer.status == 400
            assert urlsplit(page.url).netloc == host
            sent = answer.request.all_headers()["cookie"]
            assert name in sent and not sent.startswith("__Host-") and "; __Host-" not in sent
            expect(page.get_by_text("started to sign in with another browser")).to_be_visible()
            page.goto(f"https://{host}/")
            expect(page.get_by_text("Nobody is signed in.")).to_be_visible()
