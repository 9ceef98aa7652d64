"""What other sites, link scanners and the browser's own haste can do to a sign-in, and what they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import path
from playwright.sync_api import BrowserContext, Page, expect

from oidc_login.decorators import reauthentication_required
from oidc_login.models import OAuthConnection
from tests.browser import urls
from tests.browser.served_site import Run, ServedSite, choose, continue_to_provider, expect_signed_in, sign_in

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FLOW = "oidc_login_flow_"
CART = """<!doctype html><html lang="en"><head><title>Cart</title></head><body>
<p>In the cart: {{ items|join:", " }}.</p>
<form method="post">{% csrf_token %}<button>Put a book in</button></form>
</body></html>"""

PREFETCH = """url => {
    const link = Object.assign(document.createElement("link"), {rel: "prefetch", href: url});
    document.head.append(link);
}"""


def cart(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        request.session["cart"] = [*request.session.get("cart", []), "a book"]
        return HttpResponseRedirect("/cart/")
    page = engines["django"].from_string(CART)
    return HttpResponse(page.render({"items": request.session.get("cart", [])}, request))


@reauthentication_required(acr_values=["gold"])
def vault(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<title>Vault</title><p>The vault of {request.user}, {request.GET.get('door')}.</p>")


urlpatterns = [*urls.urlpatterns, path("cart/", cart), path("vault/", vault)]


@pytest.fixture
def open_world(run: Run, settings: Settings) -> Iterator[Callable[..., ServedSite]]:
    """Start the site with a cart and a vault, and its provider."""
    entered: list[Any] = []

    def start(**arguments: Any) -> ServedSite:
        entered.append(run(**arguments))
        served: ServedSite = entered[-1].__enter__()
        settings.ROOT_URLCONF = __name__
        return served

    yield start
    for context in entered:
        context.__exit__(None, None, None)


OpenWorld = Callable[..., ServedSite]


def cookie(context: BrowserContext, name: str = "sessionid") -> str:
    found = [cookie["value"] for cookie in context.cookies() if cookie["name"] == name]
    return found[0] if found else ""


def flow_cookies(context: BrowserContext) -> list[str]:
    return [cookie["name"] for cookie in context.cookies() if FLOW in cookie["name"]]


def elsewhere(page: Page, served: ServedSite, html: str) -> None:
    """Show a page of another site."""
    page.goto(f"{served.provider.issuer}/portal")
    page.set_content(f"<!doctype html><title>Portal</title>{html}")


def pending_answer(page: Page, served: ServedSite) -> str:
    """Begin a sign-in, and be about to come back."""
    page.goto(f"{served.site}/?next=/basket/")
    continue_to_provider(page)
    return served.provider.authorize(page.url, "alice")


# The visitor's session.


@pytest.mark.parametrize(
    ("response_mode", "same_site"), [("form_post", "Lax"), (None, "Strict")], ids=["form_post", "strict"]
)
def test_cart_of_a_visitor_survives_the_sign_in(
    page: Page, open_world: OpenWorld, settings: Settings, response_mode: str | None, same_site: str
) -> None:
    settings.SESSION_COOKIE_SAMESITE = same_site
    served = open_world(response_mode=response_mode)
    page.goto(f"{served.site}/cart/")
    page.get_by_role("button", name="Put a book in").click()
    expect(page.get_by_text("In the cart: a book.")).to_be_visible()
    before = cookie(page.context)

    sign_in(page, served)

    page.goto(f"{served.site}/cart/")
    expect(page.get_by_text("In the cart: a book.")).to_be_visible()
    assert cookie(page.context) not in ("", before), "the session key changes"


def test_connecting_by_a_posted_answer_ends_in_the_very_session_it_began_in(page: Page, open_world: OpenWorld) -> None:
    served = open_world(response_mode="form_post")
    sign_in(page, served)
    before = cookie(page.context)

    page.get_by_role("button", name="Connect op").click()
    choose(page, "Bob Birch")

    expect(page.get_by_text("Signed in as alice@example.org, 2 connected.")).to_be_visible()
    assert cookie(page.context) == before
    assert OAuthConnection.objects.values("user").distinct().count() == 1


@pytest.mark.parametrize("data", [{"code": "c"}, {"state": "s", "code": "c"}], ids=["no state", "guessed"])
def test_post_of_another_site_leaves_the_session_alone(page: Page, open_world: OpenWorld, data: dict[str, str]) -> None:
    """The browser withholds the session from it: an answer that set a new one would sign the person out."""
    served = open_world(response_mode="form_post")
    sign_in(page, served)
    before = cookie(page.context)

    fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in data.items())
    form = f'<form method="post" action="{served.site}/oauth/op/callback/">{fields}<button>Win a prize</button></form>'
    elsewhere(page, served, form)
    page.get_by_role("button", name="Win a prize").click()

    expect(page.get_by_text("Error 400")).to_be_visible()
    assert cookie(page.context) == before
    page.goto(served.site)
    expect_signed_in(page)


def test_post_of_another_site_leaves_a_pending_sign_in_alone(page: Page, open_world: OpenWorld) -> None:
    served = open_world(response_mode="form_post")
    page.goto(served.site)
    continue_to_provider(page)
    other = page.context.new_page()
    form = f'<form method="post" action="{served.site}/oauth/op/callback/"><button>Win a prize</button></form>'
    elsewhere(other, served, form)
    other.get_by_role("button", name="Win a prize").click()
    expect(other.get_by_text("Error 400")).to_be_visible()

    choose(page)

    expect_signed_in(page)


# The browser's haste, and other people's scanners.


@pytest.mark.parametrize("where", ["own site", "another site"])
def test_prefetched_answer_is_still_good(page: Page, open_world: OpenWorld, where: str) -> None:
    served = open_world()
    answer = pending_answer(page, served)
    hasty = page.context.new_page()
    if where == "own site":
        hasty.goto(served.site)
    else:
        elsewhere(hasty, served, "")

    with hasty.expect_response(lambda response: "/callback/" in response.url) as fetched:
        hasty.evaluate(PREFETCH, answer)
    assert fetched.value.request.all_headers()["sec-purpose"] == "prefetch"
    assert fetched.value.status == 503

    page.goto(answer)
    expect_signed_in(page)
    assert page.url == f"{served.site}/basket/"
    assert served.provider.asked().count("token") == 1


def test_answer_that_a_scanner_looked_at_is_still_good(page: Page, open_world: OpenWorld) -> None:
    served = open_world()
    answer = pending_answer(page, served)
    scanner = page.context.new_page()
    scanner.goto(served.site)

    status = scanner.evaluate("url => fetch(url, {method: 'HEAD'}).then(answer => answer.status)", answer)

    assert status == 405
    page.goto(answer)
    expect_signed_in(page)


def test_page_that_is_reloaded_at_the_error_says_the_same(page: Page, open_world: OpenWorld) -> None:
    served = open_world()
    answer = pending_answer(page, served)
    page.context.clear_cookies()
    page.goto(answer)
    expect(page.get_by_text("Error 400 (state_unknown)")).to_be_visible()

    page.reload()

    expect(page.get_by_text("Error 400 (state_unknown)")).to_be_visible()
    assert "token" not in served.provider.asked()


# Sign-ins that another site begins.


@pytest.mark.parametrize(("method", "response_mode"), [("get", None), ("post", "form_post")], ids=["link", "form"])
def test_portal_of_another_site_begins_a_sign_in(
    page: Page, open_world: OpenWorld, method: str, response_mode: str | None
) -> None:
    served = open_world(third_party_initiated_login=True, response_mode=response_mode)
    data = {"iss": served.provider.issuer, "target_link_uri": f"{served.site}/basket/?tile=1"}
    fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in data.items())
    action = f"{served.site}/oauth/op/initiate/"
    elsewhere(page, served, f'<form method="{method}" action="{action}">{fields}<button>Shop</button></form>')
    page.get_by_role("button", name="Shop").click()
    choose(page)

    expect_signed_in(page)
    assert page.url == f"{served.site}/basket/?tile=1"
    assert flow_cookies(page.context) == []


def test_frame_of_another_site_begins_nothing(page: Page, open_world: OpenWorld) -> None:
    served = open_world(third_party_initiated_login=True)
    url = f"{served.site}/oauth/op/initiate/?{urlencode({'iss': served.provider.issuer})}"

    with page.expect_response(lambda response: "/initiate/" in response.url) as seen:
        elsewhere(page, served, f'<iframe src="{url}"></iframe>')

    assert seen.value.headers["x-frame-options"] == "DENY"
    assert flow_cookies(page.context) == []


# Step-up.


@pytest.mark.parametrize(
    ("response_mode", "same_site"), [(None, "Lax"), ("form_post", "Strict")], ids=["query", "form_post and strict"]
)
def test_page_that_asks_for_more_gets_it_and_is_shown(
    page: Page, open_world: OpenWorld, settings: Settings, response_mode: str | None, same_site: str
) -> None:
    settings.SESSION_COOKIE_SAMESITE = same_site
    served = open_world(response_mode=response_mode)
    sign_in(page, served)
    before = cookie(page.context)

    page.goto(f"{served.site}/vault/?door=2%263")
    assert "acr_values=gold" in page.url
    choose(page)

    expect(page.get_by_text("The vault of alice, 2&3.")).to_be_visible()
    assert page.url == f"{served.site}/vault/?door=2%263"
    assert cookie(page.context) != before
    page.reload()
    expect(page.get_by_text("The vault of alice")).to_be_visible()


def test_two_tabs_ask_for_more_at_once(page: Page, open_world: OpenWorld) -> None:
    served = open_world()
    sign_in(page, served)
    other = page.context.new_page()
    page.goto(f"{served.site}/vault/?door=1")
    other.goto(f"{served.site}/vault/?door=2")

    choose(other)
    expect(other.get_by_text("The vault of alice, 2.")).to_be_visible()
    choose(page)

    expect(page.get_by_text("The vault of alice, 1.")).to_be_visible()


def test_somebody_else_is_told_and_the_first_person_stays(page: Page, open_world: OpenWorld) -> None:
    served = open_world()
    sign_in(page, served)
    page.goto(f"{served.site}/vault/")
    choose(page, "Bob Birch")

    expect(page.get_by_text("Error 403 (connect_user_changed)")).to_be_visible()
    page.goto(served.site)
    expect_signed_in(page)


def test_back_from_the_page_is_no_trap(page: Page, open_world: OpenWorld) -> None:
    served = open_world()
    sign_in(page, served)
    page.goto(f"{served.site}/vault/?door=1")
    choose(page)
    expect(page.get_by_text("The vault of alice, 1.")).to_be_visible()

    page.go_back()
    choose(page)

    expect(page.get_by_text("The vault of alice, 1.")).to_be_visible()


def test_cancelling_offers_the_ways_in_and_leaves_the_person_signed_in(page: Page, open_world: OpenWorld) -> None:
    served = open_world()
    sign_in(page, served)
    page.goto(f"{served.site}/vault/?door=1")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You did not sign in.")).to_be_visible()

    page.goto(served.site)

    expect_signed_in(page)
