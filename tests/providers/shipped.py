"""An entry of the settings for every provider that the documentation names."""

from __future__ import annotations

import json
from typing import Any

from oidc_login.adding.facts import FOLDER, known_providers
from oidc_login.providers import OAuthProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import argument_names, build_provider
from tests.providers.apple_style import KEY_TEXT

CLIENT = {"client_id": "client", "client_secret": "the client secret, of 32 bytes or more"}
KEYS = {"client_key": KEY_TEXT}  # in place of the path of a file that is not here


def facts_of(provider_class: type[OAuthProvider]) -> dict[str, Any]:
    """What the documentation says of a class."""
    path = FOLDER / f"{provider_class.__name__.removesuffix('Provider').lower()}.json"
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def entry_of(provider_class: type[OAuthProvider]) -> dict[str, Any]:
    """What the documentation shows for a class; "x" for what it needs and nobody said."""
    example = facts_of(provider_class).get("example", {}) if provider_class in shipped_classes().values() else {}
    required = {name: "x" for name, needed in argument_names(provider_class).items() if needed}
    keys = {name: value for name, value in KEYS.items() if name in example}
    return {**required, **CLIENT, **example, **keys, "class": provider_class}


def shipped_entries() -> dict[str, dict[str, Any]]:
    """Every provider, by a key that gives its button the name it has in the documentation."""
    entries = {name.removesuffix("Provider").lower(): entry_of(of) for name, of in shipped_classes().items()}
    for known in known_providers():
        if "class" not in known.settings:
            entries[f"{known.key}-settings"] = {**known.settings, **CLIENT}
    return entries


def shipped_providers() -> dict[str, OAuthProvider]:
    return {key: build_provider(key, entry) for key, entry in shipped_entries().items()}
