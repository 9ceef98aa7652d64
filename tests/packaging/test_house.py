"""The structure of the package: figures that each run prints (`pytest -s`), and the limits that hold."""

from __future__ import annotations

import pytest

from oidc_login.testing import OpenIDProvider
from tests.packaging.house import circles, imports, longest_files, recorded_way, rooms
from tests.support.browser import Browser

SHOWN_STEPS = 12
MOST_LINES = 300


@pytest.mark.django_db
def test_way_of_a_repeat_sign_in(op: OpenIDProvider, browser: Browser) -> None:
    for _ in range(2):  # what is cached at its first use is there afterwards
        browser.sign_in(op)

    with recorded_way() as begin:
        begun = browser.begin()
    answer = browser.authorize(op, begun)
    with recorded_way() as callback:
        response = browser.end(answer)

    assert (response.status_code, response["Location"]) == (302, "/")
    print(f"\nbegin: {begin}\ncallback: {callback}")
    for (caller, called), count in callback.steps.most_common(SHOWN_STEPS):
        print(f"  {caller} -> {called}: {count}")


def test_no_module_imports_itself_through_others() -> None:
    found = circles(imports())

    print(f"\ncircles of modules: {found}")
    assert not found


def test_no_room_imports_itself_through_others() -> None:
    found = circles(rooms(imports()))

    print(f"\ncircles of rooms: {found}")
    assert not found


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    found = longest_files(12)

    print("\nlongest files:", *(f"\n  {lines} {file}" for lines, file in found))
    assert found[0][0] <= MOST_LINES
