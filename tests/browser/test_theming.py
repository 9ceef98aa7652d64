"""The examples of docs/theming.md with Bootstrap, with Tailwind's reset and with neither, as a browser shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from playwright.sync_api import Page, expect

from oidc_login.templatetags.oidc_login import SEEN_AT_ONCE
from tests import npm
from tests.browser.conftest import Judge
from tests.browser.served_site import ServedSite
from tests.docs.pages import FENCE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "theming.md"
SHEETS = {
    "plain": "",
    "bootstrap": "bootstrap/dist/css/bootstrap.css",
    "tailwind": "tailwindcss/preflight.css",
}
LAYERS = {"tailwind": "@layer base"}
HEADINGS = {
    "plain": "## Buttons on your own page",
    "bootstrap": "## With Bootstrap",
    "tailwind": "## With Tailwind CSS",
}
LOOK = """() => {
  const style = getComputedStyle(document.querySelector(".oidc-login-button"));
  return [style.borderTopWidth, style.borderTopStyle, style.display];
}"""


def example(name: str) -> str:
    """Return the template that the page of the documentation shows."""
    section = DOCS.read_text().split(HEADINGS[name])[1].split("\n## ")[0]
    code = next(fence["code"] for fence in FENCE.finditer(section) if fence["info"] == "html+django")
    return re.sub(r"<link .*?>", "", code)


def show(request: HttpRequest, name: str, direction: str) -> HttpResponse:
    """A site's own page around the example, in the scheme of the visitor's system."""
    sheet = (npm.install(HERE) / SHEETS[name]).read_text() if SHEETS[name] else ""
    layered = f"{LAYERS[name]} {{ {sheet} }}" if name in LAYERS else sheet
    source = f"""<!doctype html><html lang="en" dir="{direction}"><head><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{{% verbatim %}}{layered}{{% endverbatim %}}</style>
<style>:root {{ color-scheme: light dark; }} body {{ margin: 1rem; }}</style>
{{% load oidc_login %}}{{% oidc_login_stylesheet %}}</head>
<body><main><h1>Sign in</h1>{example(name)}</main></body></html>"""
    return HttpResponse(engines["django"].from_string(source).render({}, request))


urlpatterns: list[Any] = [
    path("oauth/", include("oidc_login.urls")),
    path("<str:name>/<str:direction>/", show),
]


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("name", SHEETS)
def test_buttons_look_like_buttons_on_a_sites_own_page(
    page: Page, served: ServedSite, settings: Settings, judge: Judge, name: str, direction: str
) -> None:
    settings.ROOT_URLCONF = __name__
    page.goto(f"{served.site}/{name}/{direction}/")

    expect(page.get_by_role("button", name="Continue with Example ID")).to_be_visible()
    assert page.evaluate(LOOK) == ["1px", "solid", "flex"]
    judge(page, f"{name}-{direction}")


def test_providers_behind_more_are_reached_by_keyboard(page: Page, served: ServedSite, settings: Settings) -> None:
    entry = settings.OIDC_LOGIN_PROVIDERS["op"]
    settings.OIDC_LOGIN_PROVIDERS = {f"p{number}": entry for number in range(SEEN_AT_ONCE + 2)}
    page.goto(f"{served.site}/oauth/")
    expect(page.locator(".oidc-login-button:visible")).to_have_count(SEEN_AT_ONCE)

    page.locator("summary").focus()
    page.keyboard.press("Enter")

    expect(page.locator(".oidc-login-button:visible")).to_have_count(SEEN_AT_ONCE + 2)


def test_connections_and_sessions_show_no_text_for_screen_readers_only(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/")
    assert page.evaluate("document.querySelectorAll('.oidc-login-hidden').length") == 0
