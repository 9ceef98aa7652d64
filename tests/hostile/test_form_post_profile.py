"""The rows of the basic profile once more, with the answer posted across sites (Form Post Response Mode 1.0)."""

from __future__ import annotations

import pytest

from tests.hostile import test_discovery, test_id_token, test_keys, test_userinfo
from tests.hostile.rows import Row
from tests.hostile.stage import Stage

pytestmark = pytest.mark.django_db

BASIC = {
    f"oidcc-client-test{name}"
    for name in (
        "",
        "-invalid-iss",
        "-missing-sub",
        "-invalid-aud",
        "-missing-iat",
        "-kid-absent-single-jwks",
        "-kid-absent-multiple-jwks",
        "-idtoken-sig-rs256",
        "-idtoken-sig-none",
        "-invalid-sig-rs256",
        "-userinfo-invalid-sub",
        "-nonce-invalid",
        "-scope-userinfo-claims",
        "-client-secret-basic",
    )
}
ROWS = [
    row
    for table in (test_id_token, test_keys, test_discovery, test_userinfo)
    for value in vars(table).values()
    if isinstance(value, list)
    for row in value
    if isinstance(row, Row) and row.modules & BASIC
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_basic_profile_by_form_post(stage: Stage, row: Row) -> None:
    stage.configure(response_mode="form_post")
    stage.keep_configuration()
    if row.seen[0] == 302:
        stage.accept(row)
    else:
        stage.refuse(row)


def test_all_of_the_profile_is_here() -> None:
    assert {name for row in ROWS for name in row.modules} >= BASIC
