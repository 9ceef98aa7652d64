"""The demo, clicked through as `python -m oidc_login.demo` runs it: on a desktop and on a phone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Judge, NewPerson, Shoot

pytestmark = pytest.mark.browser

OPENID = "Example ID"
GITHUB = "the GitHub-style provider"
SITE = re.compile(r"The site: +(http://127\.0\.0\.1:\d+)/")


@pytest.fixture(scope="module", params=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Each test signs other people in, so that all of one size can share the program.
@pytest.fixture(scope="module")
def demo(size: str, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo site; at the end Ctrl-C must stop it cleanly."""
    errors = tmp_path_factory.mktemp("demo") / "stderr"
    with errors.open("w") as stderr:
        program = subprocess.Popen(
            [sys.executable, "-u", "-m", "oidc_login.demo", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        yield site_of(program, errors)
        program.send_signal(signal.SIGINT)
        output, _ = program.communicate(timeout=20)
    finally:
        program.kill()
        program.wait()
    assert "Stopped." in output
    assert program.returncode == 0
    assert "Traceback" not in errors.read_text()


def site_of(program: subprocess.Popen[str], errors: Path) -> str:
    """Wait until the program says that everything runs."""
    assert program.stdout is not None
    said = ""
    for line in program.stdout:
        said += line
        if "Ctrl-C" in line and (site := SITE.search(said)):
            return site[1]
    raise AssertionError(f"the demo did not start: {said}{errors.read_text()}")


@pytest.fixture
def page(new_person: NewPerson, demo: str, size: str) -> Page:
    """A person who has opened the demo's site."""
    page = new_person(size=size, is_mobile=size == "phone", has_touch=size == "phone").new_page()
    page.goto(f"{demo}/login/")
    return page


def sign_in(page: Page, name: str, provider: str = OPENID) -> None:
    page.get_by_role("button", name=f"Continue with {provider}").click()
    page.get_by_role("button", name=f"Continue as {name}").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def start(page: Page, demo: str, stop: str) -> None:
    """Press the button of a stop on the tour's page."""
    page.goto(demo)
    page.locator(f"#{stop}").get_by_role("button").click()


def expect_account(page: Page, *, username: str, email: str, connections: int) -> None:
    expect(page.locator("#username")).to_have_text(username)
    expect(page.locator("#email")).to_have_text(email)
    expect(page.locator(".connections li")).to_have_count(connections)


def test_person_signs_up_and_in_again_and_with_the_other_provider(page: Page, shoot: Shoot) -> None:
    shoot(page, "1-site")
    page.get_by_role("button", name=f"Continue with {OPENID}").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    shoot(page, "2-provider")
    page.get_by_role("button", name="Continue as Alice Ash").click()
    expect_account(page, username="alice", email="alice@example.org", connections=1)
    shoot(page, "3-signed-up")

    sign_out(page)
    sign_in(page, "Alice Ash")
    expect_account(page, username="alice", email="alice@example.org", connections=1)

    sign_out(page)
    sign_in(page, "Alice Ash", GITHUB)
    expect_account(page, username="alice", email="alice@example.org", connections=2)
    shoot(page, "4-linked")


def test_person_signs_up_with_the_github_style_provider(page: Page, shoot: Shoot) -> None:
    page.get_by_role("button", name=f"Continue with {GITHUB}").click()
    shoot(page, "provider")
    page.get_by_role("button", name="Continue as Gina Grove").click()

    expect_account(page, username="gina", email="gina@example.org", connections=1)


def test_person_whom_the_site_knows_is_linked_by_verified_email(page: Page) -> None:
    sign_in(page, "Carol Cedar")

    expect_account(page, username="carol", email="carol@example.org", connections=1)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_pages_of_the_demo_keep_nobody_out(page: Page, demo: str, judge: Judge) -> None:
    judge(page, "login")
    page.get_by_role("button", name=f"Continue with {GITHUB}").click()
    expect(page.get_by_role("button", name="Continue as Gina Grove")).to_be_visible()
    judge(page, "github")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You did not sign in.")).to_be_visible()
    judge(page, "cancelled")
    for name in ("", "rules/"):
        page.goto(f"{demo}/{name}")
        judge(page, name.strip("/") or "tour")
    start(page, demo, "tokens")
    page.get_by_role("button", name=f"Continue with {OPENID}").click()
    expect(page.get_by_role("button", name="Continue as Alice Ash")).to_be_visible()
    judge(page, "provider")
    page.get_by_role("button", name="Continue as Alice Ash").click()
    page.get_by_role("button", name="Call both APIs").click()
    expect(page.get_by_role("heading", name="HTTP 200")).to_have_count(2)
    judge(page, "tokens")
    page.goto(f"{demo}/account/")
    expect(page.locator("#username")).to_have_text("alice")
    judge(page, "account")
    start(page, demo, "step-up")
    page.get_by_role("button", name="Continue as Alice Ash").click()
    expect(page.get_by_role("heading", name="The secret plans")).to_be_visible()
    judge(page, "plans")
    page.goto(f"{demo}/oauth/connections/")
    judge(page, "connections")
    page.goto(f"{demo}/account/")
    page.get_by_role("link", name="Sign out at Example ID").click()
    expect(page.get_by_role("heading", name="Sign out of Example ID?")).to_be_visible()
    judge(page, "leaving")


@pytest.mark.parametrize(
    ("stop", "name", "heading", "rule"),
    [
        ("address-taken", "Dave Dogwood", "Something went wrong", "email_not_verified"),
        ("confirm-link", "Erin Elm", "One more step", "confirm_link"),
        ("forged-token", "Alice Ash", "Something went wrong", "id_token_invalid"),
    ],
)
@pytest.mark.parametrize("size", ["desktop"], indirect=True)  # `judge` looks at all sizes
def test_refusals_are_explained_on_the_spot(
    page: Page, demo: str, judge: Judge, stop: str, name: str, heading: str, rule: str
) -> None:
    start(page, demo, stop)
    expect(page.get_by_role("region", name="Stop of the tour")).to_contain_text(name)
    sign_in(page, name)

    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    judge(page, stop)
    page.get_by_role("link", name=rule).click()
    expect(page.locator(":target code").first).to_have_text(rule)


def test_person_who_cancels_is_told_and_can_try_again(page: Page, shoot: Shoot) -> None:
    page.get_by_role("button", name=f"Continue with {OPENID}").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You did not sign in.")).to_be_visible()
    shoot(page, "providers")

    sign_in(page, "Bob Birch")
    expect_account(page, username="bob", email="none", connections=1)


def test_person_on_the_error_page_can_try_again(page: Page, demo: str, shoot: Shoot) -> None:
    answer = page.goto(f"{demo}/oauth/openid/callback/?code=c&state=nobody-knows-it")
    assert answer is not None and answer.status == 400
    shoot(page, "1-error")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("link", name="Other ways to sign in")).to_be_visible()
    shoot(page, "2-one-button")

    sign_in(page, "Bob Birch")
    expect_account(page, username="bob", email="none", connections=1)


def test_person_on_the_error_page_can_take_another_way(page: Page, demo: str, shoot: Shoot) -> None:
    page.goto(f"{demo}/oauth/nobody/login/")
    shoot(page, "unknown")
    page.get_by_role("link", name="Go to the sign-in page").click()

    expect(page.get_by_role("button", name="Continue with")).to_have_count(2)
