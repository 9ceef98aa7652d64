"""`python -m tests.demo.check`: the demo's sign-ins without a person, each step over HTTP as a browser would do it.

Continuous integration copies this folder next to an installed wheel and runs it there, so it imports no other test.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

from oidc_login.demo import people
from oidc_login.demo.running import Demo, running
from oidc_login.testing import UnsignedToken, generate_key
from tests.demo.browser import Browser, Page


class NotHeld(Exception):
    """A step ended otherwise than it must."""


def check(demo: Demo) -> int:
    """Walk through all steps, print a line for each, and count those that did not hold."""
    log = StringIO()
    logging.getLogger().handlers = [logging.StreamHandler(log)]
    failed = sum(not holds(title, step, demo) for title, step in STEPS)
    if failed:
        print(log.getvalue(), end="")
    return failed


def holds(title: str, step: Callable[[Demo], None], demo: Demo) -> bool:
    """Take one step on fresh counters, and say how it ended."""
    demo.openid.clear()
    demo.github.clear()
    try:
        step(demo)
    except Exception as error:  # whatever it is, the line says so and the other steps are still taken
        print(f"FAILED  {title}: {str(error) or type(error).__name__}", flush=True)
        return False
    print(f"ok      {title}", flush=True)
    return True


def sign_up(demo: Demo) -> None:
    page = sign_in(demo, "openid", "alice")
    expect_signed_in(page, "alice", email="alice@example.org", identities="1 identity")


def repeat_sign_in(demo: Demo) -> None:
    page = sign_in(demo, "openid", "alice")
    expect_signed_in(page, "alice", email="alice@example.org", identities="1 identity")
    expect(demo.openid.asked() == ["token"], f"the provider was asked for {demo.openid.asked()}")
    # The browser opens two itself: for the provider's page, and for the form on it.
    expect(demo.openid.connections == 2, "the site opened a new connection instead of using the kept one")


def link_by_verified_email(demo: Demo) -> None:
    page = sign_in(demo, "openid", "carol")
    expect_signed_in(page, people.LOCAL_USERNAME, email=people.LOCAL_EMAIL, identities="1 identity")
    expect("Password yes" in page.text, "this is not the user who was there before")


def keep_unverified_email_out(demo: Demo) -> None:
    page = sign_in(demo, "openid", "bob")
    expect_signed_in(page, "bob", email="none", identities="1 identity")


def sign_in_with_github(demo: Demo) -> None:
    page = sign_in(demo, "github", "gina")
    expect_signed_in(page, "gina", email="gina@example.org", identities="1 identity")
    asked = ["token", "user", "emails"]
    expect(demo.github.asked() == asked, f"the provider was asked for {demo.github.asked()}")


def link_a_second_provider(demo: Demo) -> None:
    page = sign_in(demo, "github", "alice")
    expect_signed_in(page, "alice", email="alice@example.org", identities="2 identities")


def cancel(demo: Demo) -> None:
    browser = Browser()
    page = at_provider(demo, browser, "openid")
    page = browser.submit(page, page.forms[0], ("cancel", "1"))
    expect((page.status, page.path) == (200, "/login/"), f"it ended with HTTP {page.status} at {page.path}")
    expect_signed_out(demo, browser)
    expect(demo.openid.asked() == [], f"the provider was asked for {demo.openid.asked()}")


def refuse_forged_token(demo: Demo) -> None:
    """A stranger's signature under the name of a key that the provider published."""
    stranger = generate_key("RSA")

    def forged(token: UnsignedToken) -> UnsignedToken:
        return replace(token, key=stranger)

    browser = Browser()
    with demo.openid.bend("id_token", forged):
        page = sign_in(demo, "openid", "alice", browser=browser)
    expect(page.status == 502, f"it ended with HTTP {page.status} at {page.path}")
    expect("id_token_invalid" in page.text, "the page does not say what was refused")
    expect_signed_out(demo, browser)


def sign_out(demo: Demo) -> None:
    browser = Browser()
    page = sign_in(demo, "openid", "alice", browser=browser)
    sessions = len(demo.openid.sessions)
    page = browser.submit(page, page.form("/oauth/logout/"))
    expect((page.status, page.path) == (200, "/login/"), f"it ended with HTTP {page.status} at {page.path}")
    expect(len(demo.openid.sessions) == sessions - 1, "the provider's session goes on")
    expect_signed_out(demo, browser)


def sign_out_at_provider(demo: Demo) -> None:
    laptop, phone = Browser(), Browser()
    for browser in (laptop, phone):
        sign_in(demo, "openid", "bob", browser=browser)
    demo.openid.sign_out("bob")
    for browser in (laptop, phone):
        expect_signed_out(demo, browser)


STEPS: tuple[tuple[str, Callable[[Demo], None]], ...] = (
    ("sign-up: alice is new, and has an account now", sign_up),
    ("repeat sign-in: alice again, with one request to the provider", repeat_sign_in),
    ("linking: carol's verified address is that of the user who was there before", link_by_verified_email),
    ("unverified address: bob signs up, and the site does not take the address", keep_unverified_email_out),
    ("GitHub-style sign-in: gina has an account now", sign_in_with_github),
    ("second provider: alice has the same verified address there", link_a_second_provider),
    ("cancelled sign-in: back to the sign-in page, nobody is signed in", cancel),
    ("forged token: refused, nobody is signed in", refuse_forged_token),
    ("signing out: alice's session ends here and at the provider", sign_out),
    ("signing out there: bob leaves the provider, and both of his browsers here see it", sign_out_at_provider),
)


def sign_in(demo: Demo, provider: str, person: str, *, browser: Browser | None = None) -> Page:
    """From the site's sign-in page to where the browser is left in the end."""
    browser = browser or Browser()
    page = at_provider(demo, browser, provider)
    return browser.submit(page, page.forms[0], ("chosen_user", person))


def at_provider(demo: Demo, browser: Browser, provider: str) -> Page:
    page = browser.open(demo.site_url)
    expect(page.path == "/login/", f"the home page led to {page.path}")
    page = browser.submit(page, page.form(f"/oauth/{provider}/login/"))
    expect(page.status == 200, f"HTTP {page.status} at {page.path} instead of the provider's page")
    return page


def expect_signed_in(page: Page, username: str, *, email: str, identities: str) -> None:
    expect((page.status, page.path) == (200, "/"), f"it ended with HTTP {page.status} at {page.path}: {page.text}")
    for words in (f"Signed in as {username} ", f"Email {email} ", f"You sign in with {identities} "):
        expect(words in page.text, f"the home page does not say {words.strip()!r}")


def expect_signed_out(demo: Demo, browser: Browser) -> None:
    expect(browser.open(demo.site_url).path == "/login/", "somebody is signed in")


def expect(held: bool, why: str) -> None:
    if not held:
        raise NotHeld(why)


def check_all(demo: Demo) -> int:
    """Return the exit status of the check, and print the summary."""
    failed = check(demo)
    print(f"{failed} did not hold." if failed else "All held.")
    return 1 if failed else 0


def main() -> int:
    with running(port=0) as demo:
        return check_all(demo)


if __name__ == "__main__":
    sys.exit(main())
