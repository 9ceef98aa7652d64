"""What every provider looks like: a name, one or two letters, and a colour on which they can be read."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from oidc_login.providers import OAuthProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.templatetags.oidc_login import HEX_COLOR, contrast, legible_on
from tests.providers.shipped import shipped_providers

PROVIDERS = shipped_providers()
SURFACES = {"light": "#ffffff", "dark": "#191e27"}  # `--surface` of the package's pages

every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)


@every_provider
def test_the_letters_can_be_read(provider: OAuthProvider) -> None:
    """WCAG 2.2, 1.4.3. They stand on the provider's colour, in light and dark alike."""
    assert HEX_COLOR.fullmatch(provider.brand_color)
    assert contrast(provider.brand_color, legible_on(provider.brand_color)) >= 4.5
    assert re.fullmatch(r"\S{1,2}", provider.initials())


@every_provider
@pytest.mark.parametrize("scheme", SURFACES)
def test_something_of_the_icon_stands_out(provider: OAuthProvider, scheme: str) -> None:
    """WCAG 2.2, 1.4.11: either the colour, or the letters on it."""
    surface = SURFACES[scheme]
    parts = (provider.brand_color, legible_on(provider.brand_color))
    assert max(contrast(part, surface) for part in parts) >= 3


def test_no_two_look_the_same() -> None:
    looks = Counter((provider.brand_color, provider.initials()) for provider in PROVIDERS.values())
    assert [look for look, count in looks.items() if count > 1] == []


@pytest.mark.parametrize("name", shipped_classes())
def test_a_button_bears_the_providers_name(name: str) -> None:
    assert shipped_classes()[name].display_name
