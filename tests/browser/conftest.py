"""Debian's Chromium, driven by Playwright: one browser for all of it, a fresh profile for every person."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests import npm
from tests.browser.served_site import Run, ServedSite, serve_site

if TYPE_CHECKING:
    from pytest_django import Settings

HERE = Path(__file__).resolve().parent
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
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
PATIENCE = 15_000  # milliseconds; a busy machine is no failure

NewPerson = Callable[..., BrowserContext]
Shoot = Callable[[Page, str], None]
Judge = Callable[..., None]

# The success criteria of WCAG 2.0, 2.1 and 2.2, levels A and AA, and what axe asks for beyond them.
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa")
GOOD_PRACTICE = ("best-practice",)
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
RUN_AXE = """async rules => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]});
  return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html} ${node.failureSummary}`));
}"""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; without one these tests are skipped, and in CI they fail."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    return path or npm.do_without("Chromium is not installed (Debian: apt-get install chromium)")


# Not for the whole session: while Playwright runs, this thread counts as one with a running event loop.
@pytest.fixture(scope="package")
def playwright(chromium: str) -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright's own loop is no reason for Django to refuse a query in this thread.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="package")
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
def run(settings: Settings) -> Run:
    """Start the site and its provider for the length of a `with` block."""
    return partial(serve_site, settings)


@pytest.fixture
def served(run: Run) -> Iterator[ServedSite]:
    with run() as served:
        yield served


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """Keep a picture of the page in both colour schemes, where OIDC_LOGIN_SCREENSHOTS names a folder for them."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")

    def take(page: Page, step: str) -> None:
        if not (folder := os.environ.get(SCREENSHOTS)):
            return
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(full_page=True, path=Path(folder) / f"{name}-{step}-{scheme}.png")

    return take


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that finds what keeps people out (axe-core)."""
    return (npm.install(HERE) / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def judge(axe: str, shoot: Shoot) -> Judge:
    """Find nothing wrong with a page: on a desktop and a phone in both colour schemes, and on the narrowest phone."""

    def look(page: Page, step: str, *, rules: Sequence[str] = (*WCAG, *GOOD_PRACTICE)) -> None:
        page.evaluate(axe)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(FITS), f"too wide for {size}"
            for scheme in SCHEMES if size != "narrow" else ():
                page.emulate_media(color_scheme=scheme)
                assert page.evaluate(RUN_AXE, list(rules)) == [], f"{size}, {scheme}"
            shoot(page, f"{step}-{size}")

    return look
