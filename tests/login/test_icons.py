"""The marks of `oidc_login.contrib.icons`: which button has one, and that none of them can do anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string

import oidc_login.contrib.icons
from oidc_login.providers import OIDCProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import build_provider
from oidc_login.templatetags.oidc_login import provider_icon

if TYPE_CHECKING:
    from pytest_django import Settings

ICONS = Path(oidc_login.contrib.icons.__file__).parent / "templates" / "oidc_login" / "icons"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "theming.md"
ENTRY = {"client_id": "client", "client_secret": "secret"}
OPENID = {**ENTRY, "issuer": "https://id.example"}
DRAWN = {"svg", "rect", "path", "g", "circle"}
SHAPE = {"width", "height", "viewBox", "x", "y", "rx", "cx", "cy", "r", "d", "transform"}
ATTRIBUTES = {*SHAPE, "fill", "stroke", "stroke-opacity", "aria-hidden", "focusable"}
BY_KEY = {"auth0", "authentik", "line", "okta"}  # services without a class of their own


@pytest.fixture
def installed(settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "oidc_login.contrib.icons"]
    settings.TEMPLATES = [{**settings.TEMPLATES[0]}]  # Django remembers which templates there are not


def drawn(key: str, **entry: Any) -> str:
    return render_to_string("oidc_login/provider_icon.html", provider_icon(build_provider(key, entry)))


def has_letters(svg: str) -> bool:
    return "<text" in svg


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("key", "entry", "mark"),
    [
        ("code", {**ENTRY, "class": "oidc_login.providers.GitHubProvider"}, "github"),
        ("google", OPENID, "google"),
        ("company", {**ENTRY, "class": "oidc_login.providers.gitlab.GitLabRESTProvider"}, "gitlab"),
    ],
    ids=["a class, under any key", "the general class, by its key", "a class with a longer name"],
)
def test_a_button_has_the_mark_of_its_service(key: str, entry: dict[str, Any], mark: str) -> None:
    assert drawn(key, **entry).strip() == (ICONS / f"{mark}.svg").read_text().strip()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("key", "entry"),
    [("company", OPENID), ("google", {**OPENID, "monogram": "G"}), ("google-2", OPENID)],
    ids=["no such mark", "the site chose letters", "a key that only begins so"],
)
def test_a_button_without_a_mark_has_letters(key: str, entry: dict[str, Any]) -> None:
    assert has_letters(drawn(key, **entry))


@pytest.mark.usefixtures("installed")
def test_the_sites_own_icon_comes_first() -> None:
    assert "<img" in drawn("google", **OPENID, icon="admin/img/icon-yes.svg")


def test_without_the_application_a_button_has_letters() -> None:
    assert has_letters(drawn("google", **OPENID))


@pytest.mark.parametrize("path", sorted(ICONS.iterdir()), ids=lambda path: path.stem)
def test_a_mark_is_a_drawing_and_nothing_else(path: Path) -> None:
    """No script, style, address or id: it is written into pages as it is."""
    tree = ElementTree.fromstring(path.read_text())  # noqa: S314 - a file of the package

    for element in tree.iter():
        assert element.tag in DRAWN
        assert set(element.attrib) <= ATTRIBUTES
        assert not any(re.search(r"url|:|{", value) for value in element.attrib.values())
    assert (tree.attrib["viewBox"], tree.attrib["aria-hidden"]) == ("0 0 28 28", "true")


def test_the_documentation_names_each_mark() -> None:
    listed = DOCS.read_text().split("The set has ")[1].split(". The shapes")[0]
    named = {name.strip().lower() for name in re.split(r",|\band\b", listed.replace("\n", " "))}

    assert named == {path.stem for path in ICONS.iterdir()}


def test_a_mark_is_one_of_a_class_or_of_a_documented_key() -> None:
    classes = {provider.display_name.partition(" ")[0].lower() for provider in shipped_classes().values()}

    assert {path.stem for path in ICONS.iterdir()} - classes == BY_KEY
    assert OIDCProvider.display_name == ""
