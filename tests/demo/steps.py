"""What a person does at each stop of the tour, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oidc_login.demo.running import Demo
from oidc_login.demo.tour import BY_STOP
from tests.demo.browser import Browser, Page


class NotHeld(Exception):
    """A stop ended otherwise than it must."""


# Whose account is it?


def sign_up(demo: Demo) -> None:
    page = take(demo, "sign-up", "openid", "alice")
    expect_signed_in(page, "alice", email="alice@example.org", identities="1 identity", rule="signed_up")


def repeat_sign_in(demo: Demo) -> None:
    page = take(demo, "repeat-sign-in", "openid", "alice")
    expect_signed_in(page, "alice", email="alice@example.org", identities="1 identity", rule="known_identity")
    expect(demo.openid.asked() == ["token"], f"the provider was asked for {demo.openid.asked()}")
    # The browser opens two itself: for the provider's page, and for the form on it.
    expect(demo.openid.connections == 2, "the site opened a new connection instead of using the kept one")


def link_by_verified_email(demo: Demo) -> None:
    page = take(demo, "linking", "openid", "carol")
    expect_signed_in(page, "carol", email="carol@example.org", identities="1 identity", rule="verified_email")
    expect("Password yes" in page.text, "this is not the user who was there before")


def link_a_second_provider(demo: Demo) -> None:
    page = take(demo, "second-provider", "github", "alice")
    expect_signed_in(page, "alice", email="alice@example.org", identities="2 identities", rule="verified_email")


def sign_in_with_github(demo: Demo) -> None:
    page = take(demo, "github", "github", "gina")
    expect_signed_in(page, "gina", email="gina@example.org", identities="1 identity", rule="signed_up")
    asked = ["token", "user", "emails"]
    expect(demo.github.asked() == asked, f"the provider was asked for {demo.github.asked()}")


def keep_unverified_email_out(demo: Demo) -> None:
    page = take(demo, "unverified-address", "openid", "bob")
    expect_signed_in(page, "bob", email="none", identities="1 identity", rule="signed_up")


def refuse_unverified_email(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "address-taken", "openid", "dave", browser=browser)
    expect_refused(demo, browser, page, status=409, rule="email_not_verified")


def connect(demo: Demo) -> None:
    browser = Browser()
    page = sign_in_by_password(browser, begin(demo, browser, "connect"), "dave")
    expect("None: you used your password." in page.text, f"HTTP {page.status} at {page.path}")
    page = browser.open(f"{demo.site_url}/oauth/connections/?next=/account/")
    page = browser.submit(page, page.form("/oauth/openid/connect/"))
    page = choose(browser, page, "dave")
    expect("The account has been connected." in page.text, f"HTTP {page.status} at {page.path}")
    page = browser.open(f"{demo.site_url}/account/")
    expect_signed_in(page, "dave", email="dave@example.org", identities="1 identity", rule="connected")


def confirm_link(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "confirm-link", "openid", "erin", browser=browser)
    expect_refused(demo, browser, page, status=409, rule="confirm_link")
    page = sign_in_by_password(browser, browser.open(f"{demo.site_url}/login/"), "erin")
    expect_signed_in(page, "erin", email="erin@example.org", identities="1 identity", rule="confirmed")
    expect(demo.openid.asked().count("token") == 1, "the provider was asked again")


def refuse_staff(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "staff", "openid", "frank", browser=browser)
    expect_refused(demo, browser, page, status=409, rule="staff_linking_off")


# After the sign-in.


def step_up(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "step-up", "openid", "alice", browser=browser)
    expect("Sign in at Example ID" in page.text, f"{page.path} did not ask again")
    page = choose(browser, page, "bob")
    expect(page.status == 403, f"somebody else got HTTP {page.status}")
    page = choose(browser, browser.open(f"{demo.site_url}/plans/"), "alice")
    expect((page.status, page.path) == (200, "/plans/"), f"HTTP {page.status} at {page.path}")
    expect("step_up" in page.text, "the page does not say why")
    expect(browser.open(f"{demo.site_url}/plans/").path == "/plans/", "the page does not stay open")


def call_apis(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "tokens", "openid", "alice", browser=browser)
    page = browser.submit(page, page.form("/tokens/"), ("call", "1"))
    expect_answers(page)
    page = browser.submit(page, page.form("/tokens/"), ("expire", "1"))
    expect("has expired" in page.text, "the token did not expire")
    page = browser.submit(page, page.form("/tokens/"), ("call", "1"))
    expect_answers(page)
    expect("refreshed before the first call" in page.text, "the page does not say that the token was refreshed")
    expect(demo.openid.asked().count("token") == 2, f"the provider was asked for {demo.openid.asked()}")
    expect(browser.open(f"{demo.site_url}/api/me/").status == 401, "a session opened the API")


def expect_answers(page: Page) -> None:
    for words in (
        "Example ID's API: HTTP 200",
        "This site's API: HTTP 200",
        "email alice@example.org",
        "username alice",
    ):
        expect(words in page.text, f"the page does not say {words!r}: {page.text}")


def sign_out(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "signing-out", "openid", "alice", browser=browser)
    sessions = len(demo.openid.sessions)
    page = browser.submit(page, page.form("/oauth/logout/"))
    expect((page.status, page.path) == (200, "/login/"), f"it ended with HTTP {page.status} at {page.path}")
    expect(len(demo.openid.sessions) == sessions - 1, "the provider's session goes on")
    expect_signed_out(demo, browser)


def sign_out_elsewhere(demo: Demo) -> None:
    laptop, phone = Browser(), Browser()
    for browser in (phone, laptop):
        take(demo, "elsewhere", "openid", "alice", browser=browser)
    page = laptop.open(f"{demo.site_url}/oauth/connections/")
    page = laptop.submit(page, page.form("/oauth/connections/sessions/end-others/"))
    expect(page.status == 200, f"HTTP {page.status} at {page.path}")
    expect_signed_out(demo, phone)
    expect(laptop.open(f"{demo.site_url}/account/").path == "/account/", "this browser was signed out too")


def sign_out_at_provider(demo: Demo) -> None:
    laptop, phone = Browser(), Browser()
    for browser in (laptop, phone):
        page = take(demo, "leaving-example-id", "openid", "bob", browser=browser)
        expect("Signed in as bob " in page.text, f"HTTP {page.status} at {page.path}")
    page = laptop.open(f"{demo.openid.base_url}/end_session")
    page = laptop.submit(page, page.forms[0])
    expect("signed out" in page.text, f"HTTP {page.status} at {page.path}")
    expect_signed_out(demo, laptop)
    expect(phone.open(f"{demo.site_url}/account/").path == "/account/", "another session of his ended too")
    demo.openid.sign_out("bob")
    expect_signed_out(demo, phone)


# When something goes wrong.


def cancel(demo: Demo) -> None:
    browser = Browser()
    page = at_provider(browser, begin(demo, browser, "cancel"), "openid")
    page = browser.submit(page, page.forms[0], ("cancel", "1"))
    expect((page.status, page.path) == (200, "/login/"), f"it ended with HTTP {page.status} at {page.path}")
    expect("You did not sign in." in page.text, "the page does not say what happened")
    expect_signed_out(demo, browser)
    expect(demo.openid.asked() == [], f"the provider was asked for {demo.openid.asked()}")


def refuse_forged_token(demo: Demo) -> None:
    """A stranger's signature under the name of a key that the provider published."""
    browser = Browser()
    page = take(demo, "forged-token", "openid", "alice", browser=browser)
    expect_refused(demo, browser, page, status=502, rule="id_token_invalid")
    expect_good_again(demo, browser)


def survive_a_provider_that_is_down(demo: Demo) -> None:
    browser = Browser()
    page = take(demo, "provider-down", "openid", "alice", browser=browser)
    expect_refused(demo, browser, page, status=503, rule="provider_unavailable")
    expect(demo.openid.asked() == ["token"], f"the provider was asked for {demo.openid.asked()}")
    expect_good_again(demo, browser)


def expect_good_again(demo: Demo, browser: Browser) -> None:
    page = choose(browser, at_provider(browser, browser.open(f"{demo.site_url}/login/"), "openid"), "alice")
    expect((page.status, page.path) == (200, "/account/"), f"trying again ended with HTTP {page.status}")


# For the people who run the site.


def look_at_the_admin(demo: Demo) -> None:
    browser = Browser()
    page = begin(demo, browser, "admin")
    page = browser.submit(page, page.form("/admin/login/").filled(username="frank", password="frank"))  # noqa: S106 - of the demo
    expect(page.path == "/admin/", f"HTTP {page.status} at {page.path}")
    page = browser.open(f"{demo.site_url}/admin/oidc_login/oauthconnection/")
    for words in ("carol openid carol@example.org", "verified e-mail address", "sign-in to the account"):
        expect(words in page.text, f"the list of connections does not say {words!r}")
    page = browser.open(f"{demo.site_url}/admin/oidc_login/signedinsession/")
    expect("alice" in page.text, "the list of sessions does not name alice")


STEPS: Mapping[str, Callable[[Demo], None]] = {
    "sign-up": sign_up,
    "repeat-sign-in": repeat_sign_in,
    "linking": link_by_verified_email,
    "second-provider": link_a_second_provider,
    "github": sign_in_with_github,
    "unverified-address": keep_unverified_email_out,
    "address-taken": refuse_unverified_email,
    "connect": connect,
    "confirm-link": confirm_link,
    "staff": refuse_staff,
    "step-up": step_up,
    "tokens": call_apis,
    "signing-out": sign_out,
    "elsewhere": sign_out_elsewhere,
    "leaving-example-id": sign_out_at_provider,
    "cancel": cancel,
    "forged-token": refuse_forged_token,
    "provider-down": survive_a_provider_that_is_down,
    "admin": look_at_the_admin,
}


# What people do.


def begin(demo: Demo, browser: Browser, stop: str) -> Page:
    """Press the button of a stop on the tour's page."""
    page = browser.open(demo.site_url)
    page = browser.submit(page, page.form(f"/tour/{stop}/"))
    expect(page.status == 200, f"HTTP {page.status} at {page.path}")
    expect(BY_STOP[stop].start.startswith("admin") or BY_STOP[stop].do in page.text, "the page does not say what to do")
    return page


def take(demo: Demo, stop: str, provider: str, person: str, *, browser: Browser | None = None) -> Page:
    """From the tour's page by the sign-in page to where the browser is left in the end."""
    browser = browser or Browser()
    return choose(browser, at_provider(browser, begin(demo, browser, stop), provider), person)


def at_provider(browser: Browser, page: Page, provider: str) -> Page:
    expect(page.path == "/login/", f"this is not the sign-in page: {page.path}")
    page = browser.submit(page, page.form(f"/oauth/{provider}/login/"))
    expect(page.status == 200, f"HTTP {page.status} at {page.path} instead of the provider's page")
    return page


def choose(browser: Browser, page: Page, person: str) -> Page:
    return browser.submit(page, page.forms[0], ("chosen_user", person))


def sign_in_by_password(browser: Browser, page: Page, person: str) -> Page:
    return browser.submit(page, page.form("/login/").filled(username=person, password=person))


def expect_signed_in(page: Page, username: str, *, email: str, identities: str, rule: str) -> None:
    expect((page.status, page.path) == (200, "/account/"), f"it ended with HTTP {page.status} at {page.path}")
    for words in (f"Signed in as {username} ", f"Email {email} ", f"You sign in with {identities} "):
        expect(words in page.text, f"the account page does not say {words.strip()!r}")
    expect(f"The rule: {rule}" in page.text, f"the account page does not name the rule {rule!r}")


def expect_refused(demo: Demo, browser: Browser, page: Page, *, status: int, rule: str) -> None:
    expect(page.status == status, f"it ended with HTTP {page.status} at {page.path}")
    expect(f"The rule: {rule} " in f"{page.text} ", "the page does not say what was refused")
    expect_signed_out(demo, browser)


def expect_signed_out(demo: Demo, browser: Browser) -> None:
    expect(browser.open(f"{demo.site_url}/account/").path == "/login/", "somebody is signed in")


def expect(held: bool, why: str) -> None:
    if not held:
        raise NotHeld(why)
