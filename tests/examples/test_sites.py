"""Each example signs people in: the plain one always, the others on request, that of JavaScript in tests/browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from oidc_login.testing import OpenIDProvider
from tests.demo.browser import Browser, Page
from tests.examples.example import served

heavy = pytest.mark.heavy


def test_plain_site_says_who_is_signed_in(tmp_path: Path) -> None:
    browser = Browser()
    with served("plain", tmp_path) as site:
        page = site.sign_in(browser, browser.open(site.url), "ada")
        assert (page.path, "You are signed in as ada." in page.text) == ("/", True)

        page = browser.submit(page, page.form("/oauth/logout/"))
        assert buttons(browser.open(site.url)) == [f"{site.url}/oauth/company/login/"]


@heavy
def test_login_page_of_the_site_brings_people_back(tmp_path: Path) -> None:
    browser = Browser()
    with served("existing_login", tmp_path) as site:
        page = browser.open(f"{site.url}/?page=2")
        assert page.path == "/login/"
        assert {"username", "password"} <= set(page.forms[0].fields)

        page = site.sign_in(browser, page, "ada")

    assert page.url == f"{site.url}/?page=2"
    assert "You are signed in as ada." in page.text


@heavy
def test_admin_is_for_the_people_of_one_group(tmp_path: Path) -> None:
    ada, bob = Browser(), Browser()
    with served("admin_only", tmp_path) as site:
        page = site.sign_in(ada, ada.open(site.url), "ada")
        refused = site.sign_in(bob, bob.open(site.url), "bob")

        assert (page.path, "Site administration" in page.text) == ("/admin/", True)
        assert "Site administration" not in refused.text
        assert "Site administration" not in bob.open(f"{site.url}/admin/").text


@heavy
def test_api_takes_the_tokens_that_are_meant_for_it(tmp_path: Path) -> None:
    with served("drf_api", tmp_path) as site:
        good = token(site.provider, roles=["orders-reader"])

        def status(path: str, access_token: str | None) -> int:
            headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
            return requests.get(f"{site.url}/{path}/", headers=headers, timeout=30).status_code

        me = requests.get(f"{site.url}/me/", headers={"Authorization": f"Bearer {good}"}, timeout=30).json()
        assert me == {"username": "ada", "roles": ["orders-reader"]}
        assert status("orders", good) == 200
        assert status("orders", token(site.provider)) == 403
        assert status("me", token(site.provider, aud="another api")) == 401
        assert status("me", None) == 401


def token(provider: OpenIDProvider, **claims: Any) -> str:
    """An access token that another client got for the person (RFC 9068 2.2)."""
    now = int(time.time())
    about = {
        "iss": provider.issuer,
        "sub": "ada",
        "preferred_username": "ada",
        "client_id": "example-program",
        "jti": "1",
    }
    made = provider.unsigned_token({**about, "aud": "example-api", "iat": now, "exp": now + 600, **claims})
    made.header = {**made.header, "typ": "at+jwt"}
    return made.signed()


@heavy
def test_customer_signs_in_by_a_row_of_the_database(tmp_path: Path) -> None:
    owner, customer = Browser(), Browser()
    with served("database_providers", tmp_path) as site:
        assert buttons(customer.open(site.url)) == []
        site.run("python -m django createsuperuser", "--no-input", "--username=owner", "--email=owner@shop.example")
        page = owner.open(f"{site.url}/admin/customers/customerprovider/add/")
        page = filled(owner, page, username="owner", password=site.environment["DJANGO_SUPERUSER_PASSWORD"])
        page = filled(
            owner,
            page,
            key="company",
            name="Example Ltd.",
            issuer=site.environment["COMPANY_ISSUER"],
            client_id=site.environment["COMPANY_CLIENT_ID"],
            client_secret=site.environment["COMPANY_CLIENT_SECRET"],
            email_domain="example.org",
        )
        assert "was added successfully" in page.text

        page = customer.open(site.url)
        assert "Example Ltd." in page.text
        page = site.sign_in(customer, page, "ada")

    assert "You are signed in as ada." in page.text


def buttons(page: Page) -> list[str]:
    return [form.action for form in page.forms if form.action.endswith("/login/")]


def filled(browser: Browser, page: Page, **values: str) -> Page:
    """Fill in the form that has these fields, and send it."""
    (form,) = [form for form in page.forms if set(values) <= set(form.fields)]
    form.fields.update(values)
    return browser.submit(page, form)
