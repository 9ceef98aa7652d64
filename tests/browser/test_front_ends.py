"""docs/examples/react and plain-javascript in a browser: two origins on one site, and a session that ends meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from oidc_login.testing import OpenIDProvider, serve
from tests import npm
from tests.browser.served_site import PEOPLE, choose
from tests.demo.browser import Browser
from tests.support.sites import free_port, opened, running

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = DOCS / "examples"
SERVER = EXAMPLES / "plain-javascript" / "server.py"
SECONDS = 120
PATIENCE = 15_000  # milliseconds

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Where the front end is, and where Django is: the same host, so one site, and two origins."""

    url: str
    site: str


def plain_javascript(folder: Path, api: str) -> Path:
    """The files as they are, with the address of this Django."""
    copy = Path(shutil.copytree(EXAMPLES / "plain-javascript", folder / "plain"))
    script = copy / "app.js"
    script.write_text(script.read_text().replace("http://localhost:8000/api/", api))
    return copy


def react(folder: Path, api: str) -> Path:
    """What Vite builds of them."""
    vite = npm.install(EXAMPLES / "react") / "vite" / "bin" / "vite.js"
    command = ["node", str(vite), "build", "--outDir", str(folder / "react"), "--emptyOutDir"]
    subprocess.run(
        command,
        cwd=EXAMPLES / "react",
        env={**os.environ, "VITE_API": api},
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    return folder / "react"


def documented(folder: Path, api: str) -> Path:
    """What Vite builds of its empty project and the script in docs/front-ends.md."""
    vite = npm.install(EXAMPLES / "react") / "vite" / "bin" / "vite.js"
    (script,) = re.findall(r"```javascript\n(// src/main.js\n.*?)```", (DOCS / "front-ends.md").read_text(), re.DOTALL)
    (source := folder / "shop" / "src").mkdir(parents=True)
    (source / "main.js").write_text(script.replace("http://localhost:8000/api/", api))
    shutil.copy(DOCS / "typescript" / "oidc-login.ts", source)
    html = '<!doctype html><div id="app"></div><script type="module" src="/src/main.js"></script>'
    (folder / "shop" / "index.html").write_text(html)
    command = ["node", str(vite), "build", "--target", "esnext"]
    subprocess.run(command, cwd=folder / "shop", check=True, capture_output=True, timeout=SECONDS)
    return folder / "shop" / "dist"


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    op = OpenIDProvider(users=PEOPLE, claims_in_id_token=True)
    with serve(op, host="127.0.0.1"):
        yield op


@pytest.fixture
def front_end(request: pytest.FixtureRequest, provider: OpenIDProvider, tmp_path: Path) -> Iterator[FrontEnd]:
    site = f"http://localhost:{free_port()}"
    built = request.param(tmp_path, f"{site}/api/")
    pages = ThreadingHTTPServer(("localhost", 0), partial(SimpleHTTPRequestHandler, directory=str(built)))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    url = f"http://localhost:{pages.server_port}"
    environment = {
        **os.environ,
        "COMPANY_ISSUER": provider.issuer,
        "COMPANY_CLIENT_ID": provider.client_id,
        "COMPANY_CLIENT_SECRET": provider.client_secret,
        "FRONT_END": url,
        "DATABASE": str(tmp_path / "db.sqlite3"),
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    subprocess.run([sys.executable, str(SERVER), "migrate", "-v0"], env=environment, check=True, timeout=SECONDS)
    command = [sys.executable, str(SERVER), "runserver", "--noreload", site.removeprefix("http://")]
    with running(command, folder=tmp_path, environment=environment):
        opened(Browser(), f"{site}/oauth/")
        yield FrontEnd(url, site)
    pages.shutdown()
    pages.server_close()


examples = pytest.mark.parametrize("front_end", [plain_javascript, react], indirect=True)


def sign_in(page: Page) -> None:
    with page.expect_popup() as opening:
        page.get_by_role("button", name="Sign in with Company").click()
    choose(opening.value)
    expect(page.get_by_role("status")).to_have_text("Hello alice", timeout=PATIENCE)


@examples
def test_what_was_typed_outlives_the_session(page: Page, front_end: FrontEnd) -> None:
    page.goto(front_end.url)
    expect(page.get_by_role("status")).to_have_text("Please sign in.")
    sign_in(page)
    page.get_by_label("Note").fill("First")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("listitem")).to_have_text(["First"])

    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Note").fill("Second")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_contain_text("Your session has ended")
    expect(page.get_by_label("Note")).to_have_value("Second")
    sign_in(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("listitem")).to_have_text(["Second"])
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0, "no token is kept"


@examples
def test_person_who_cancels_learns_so(page: Page, front_end: FrontEnd) -> None:
    page.goto(front_end.url)
    with page.expect_popup() as opening:
        page.get_by_role("button", name="Sign in with Company").click()
    opening.value.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_have_text("You could not be signed in (cancelled).")


@pytest.mark.parametrize("front_end", [react], indirect=True)
def test_page_notices_the_sign_in_of_a_pop_up_that_the_provider_cut_off(
    page: Page, front_end: FrontEnd, provider: OpenIDProvider
) -> None:
    """No message arrives then, so the page asks for its session."""

    def isolate(route: Route) -> None:
        response = route.fetch(max_redirects=0)
        route.fulfill(response=response, headers={**response.headers, "Cross-Origin-Opener-Policy": "same-origin"})

    page.context.route(f"{provider.issuer}/**", isolate)
    page.goto(front_end.url)
    page.evaluate("addEventListener('message', event => { window.told = true; })")

    sign_in(page)

    assert page.evaluate("window.told") is None


@pytest.mark.parametrize("front_end", [documented], indirect=True)
def test_documented_page(page: Page, front_end: FrontEnd) -> None:
    page.goto(front_end.url)
    page.get_by_role("button", name="Sign in with Company").click()
    choose(page)
    expect(page.get_by_text("Hello alice")).to_be_visible(timeout=PATIENCE)
    assert page.url == f"{front_end.url}/"
