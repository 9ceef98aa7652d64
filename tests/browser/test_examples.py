"""The example of a page in JavaScript: the session cookie of Django, and no token in the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.examples.example import served

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


def test_page_in_javascript_signs_people_in_and_out(tmp_path: Path, page: Page) -> None:
    with served("spa", tmp_path) as site:
        page.goto(site.url)
        expect(page.get_by_role("status")).to_have_text("Nobody is signed in.")

        page.get_by_role("button", name="Sign in with").click()
        page.get_by_role("button", name="ada").click()
        expect(page.get_by_role("status")).to_have_text("You are signed in as ada.")
        assert page.url == f"{site.url}/"

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_have_text("Nobody is signed in.")
