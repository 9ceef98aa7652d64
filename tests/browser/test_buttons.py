"""A page with the buttons of all providers: readable in light and dark, and used by the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Judge
from tests.browser.served_site import ServedSite
from tests.providers.shipped import shipped_entries

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOCUS = "getComputedStyle(document.activeElement).outlineWidth"


@pytest.fixture
def buttons(page: Page, served: ServedSite, settings: Settings) -> Page:
    """The page on which every provider of the documentation has its button, after the one that is served here."""
    entries: dict[str, Any] = {**settings.OIDC_LOGIN_PROVIDERS, **shipped_entries()}
    settings.OIDC_LOGIN_PROVIDERS = entries
    page.goto(f"{served.site}/oauth/")
    page.evaluate("document.querySelector('details').open = true")
    expect(page.locator(".oidc-login-button:visible")).to_have_count(len(entries))
    return page


def test_buttons_of_all_providers_keep_nobody_out(buttons: Page, judge: Judge) -> None:
    judge(buttons, "all")


def test_buttons_of_all_providers_are_used_by_keyboard(buttons: Page) -> None:
    """Each is reached by the tabulator key in its turn, and shows that it is."""
    names = buttons.locator(".oidc-login-button, summary").all_inner_texts()
    reached = []
    for _ in names:
        buttons.keyboard.press("Tab")
        reached.append(buttons.evaluate("document.activeElement.innerText"))
        assert buttons.evaluate(FOCUS) == "3px"

    assert reached == names


def test_a_button_is_pressed_by_keyboard(buttons: Page) -> None:
    buttons.get_by_role("button", name="Continue with Example ID").focus()
    buttons.keyboard.press("Enter")

    buttons.wait_for_url("http*://localhost:*/**")


def test_icons_keep_one_size(buttons: Page) -> None:
    sizes = {(box["width"], box["height"]) for svg in buttons.locator("svg").all() if (box := svg.bounding_box())}

    assert sizes == {(28.0, 28.0)}
