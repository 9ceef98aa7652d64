"""No setting without a line in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oidc_login import conf
from oidc_login.providers import OAuth2Provider, OIDCProvider
from oidc_login.registry import argument_names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


# What the Sphinx extension `row_anchors` makes an anchor of.
IN_FIRST_CELLS = {
    name
    for cell in re.findall(r"^\| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    for name in re.findall(r"`([^`]+)`", cell)
}
ARGUMENTS = argument_names(OIDCProvider) | argument_names(OAuth2Provider)


@pytest.mark.parametrize("name", [*(f"OIDC_LOGIN_{name}" for name in conf.DEFAULTS), *ARGUMENTS])
def test_settings_page_has_a_row_that_can_be_linked_to(name: str) -> None:
    assert name in IN_FIRST_CELLS
