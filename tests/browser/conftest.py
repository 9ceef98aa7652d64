"""Debian's Chromium, driven by Playwright: one browser a module, a fresh profile for every person."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = "OIDC_LOGIN_SCREENSHOTS"
SIZES = {"desktop": (1280, 800), "phone": (375, 812), "narrow": (320, 568)}
PATIENCE = 15_000  # milliseconds; a busy machine is no failure

NewPerson = Callable[..., BrowserContext]
Shoot = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; without one these tests are skipped, and in CI they fail."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed, and CI must not go without these tests")
    return path or pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")


# Not for the whole session: while Playwright runs, this thread counts as one with a running event loop.
@pytest.fixture(scope="module")
def playwright(chromium: str) -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright's own loop is no reason for Django to refuse a query in this thread.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def new_person(browser: Browser) -> Iterator[NewPerson]:
    """Make a browser profile of its own, which must not ask anything of another machine."""
    contexts: list[BrowserContext] = []
    hosts: set[str | None] = set()

    def make(*, size: str = "desktop", at: Browser = browser, **options: Any) -> BrowserContext:
        width, height = SIZES[size]
        viewport = {"width": width, "height": height}
        context = at.new_context(**{"viewport": viewport, "locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert hosts <= {"127.0.0.1", "localhost", None}


@pytest.fixture
def page(new_person: NewPerson) -> Page:
    return new_person().new_page()


@pytest.fixture
def shoot(request: pytest.FixtureRequest, tmp_path: Path) -> Shoot:
    """Keep a picture of the page in both colour schemes, in the folder that OIDC_LOGIN_SCREENSHOTS names."""
    folder = Path(os.environ.get(SCREENSHOTS) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")

    def take(page: Page, step: str) -> None:
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"{test}-{step}-{scheme}.png")

    return take
