"""The providers that the package knows by name: a class or a tested entry, and facts about each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import argument_names

FOLDER: Final = Path(__file__).with_name("facts")
CLIENT: Final = ("client_id", "client_secret")
OPENID, OAUTH2, OTHERS = "OpenID Connect", "OAuth 2.0", "OAuth 1.0a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One provider, as `docs/providers.md` describes it; each text is one or two plain Markdown sentences."""

    register_at: str  # the URL where an application is registered
    register_as: str  # what to select and enable there
    identity: str  # which value is the identity, and why it never changes
    email: str  # whether there is an address, and when it counts as verified
    refresh: str  # how long tokens are valid, and how to refresh them
    caution: str = ""  # a pitfall, or what could not be tested with the live provider
    sources: tuple[str, ...] = ()  # the provider's documentation of these facts
    arguments: Mapping[str, str] = field(default_factory=dict)  # arguments of the class, with their meaning
    example: Mapping[str, Any] = field(default_factory=dict)  # arguments of the entry besides the client
    ask: tuple[str, ...] = ()  # arguments that every site has to set, although the class does not require them

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Facts:
        return cls(**{**facts, "sources": tuple(facts.get("sources", ())), "ask": tuple(facts.get("ask", ()))})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownProvider:
    """A provider in the documentation."""

    key: str
    title: str
    protocol: str
    scope: str
    facts: Facts
    settings: Mapping[str, Any]  # from the documented example; `...` for a value that only the site knows
    provider_class: type[OAuthProvider] = OIDCProvider

    @property
    def asked(self) -> list[str]:
        """The arguments, besides the client, that differ between sites."""
        needed = [name for name, is_required in argument_names(self.provider_class).items() if is_required]
        return [name for name in dict.fromkeys([*needed, *self.facts.ask]) if name not in CLIENT]

    @property
    def fixed(self) -> dict[str, Any]:
        """The arguments that are the same for all sites."""
        others = (*CLIENT, *self.asked, *self.facts.example)
        return {name: value for name, value in self.settings.items() if name not in others}

    @property
    def has_secret(self) -> bool:
        """Whether a client has a secret instead of a key."""
        return "client_key" not in self.settings


ANY_OPENID: Final = KnownProvider(
    key="openid",
    title="OpenID Connect",
    protocol=OPENID,
    scope=OIDCProvider.default_scope,
    facts=Facts(
        register_at="",
        register_as="A confidential client for the authorization code flow.",
        identity="`sub`, under the issuer.",
        email="Counts as verified if `email_verified` is `true`.",
        refresh="Request the scope `offline_access` to get a refresh token.",
        arguments={"issuer": "the URL of the provider, exactly as in its discovery document"},
        ask=("issuer",),
    ),
    settings={"issuer": "https://login.example.com"},
)


def known_providers() -> list[KnownProvider]:
    """Return all providers whose extras are installed, by title."""
    found = [known_by_class(name, of) for name, of in shipped_classes().items()]
    read = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    found += [known_by_settings(key, told) for key, told in read.items() if "settings" in told]
    return sorted(found, key=lambda known: (known.title.lower(), known.key))


def known_names() -> list[str]:
    """Return the names of all providers, including those whose extra is not installed."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def known_by_class(name: str, provider_class: type[OAuthProvider]) -> KnownProvider:
    key = name.removesuffix("Provider").lower()
    facts = Facts.from_json(json.loads((FOLDER / f"{key}.json").read_text()))
    required = [argument for argument, needed in argument_names(provider_class).items() if needed]
    missing = [argument for argument in required if argument not in (*CLIENT, *facts.example)]
    return KnownProvider(
        key=key,
        title=provider_class.display_name,
        protocol=protocol_of(provider_class),
        scope=provider_class.default_scope,
        facts=facts,
        settings={"class": f"oidc_login.providers.{name}", **dict.fromkeys(missing, ...), **facts.example},
        provider_class=provider_class,
    )


def known_by_settings(key: str, told: Mapping[str, Any]) -> KnownProvider:
    settings = {name: value for name, value in told["settings"].items() if name not in CLIENT}
    return KnownProvider(
        key=key,
        title=settings["label"],
        protocol=OPENID,
        scope=settings.get("scope", OIDCProvider.default_scope),
        facts=Facts.from_json(told["facts"]),
        settings=settings,
    )


def protocol_of(provider_class: type[OAuthProvider]) -> str:
    if issubclass(provider_class, OIDCProvider):
        return OPENID
    return OAUTH2 if issubclass(provider_class, OAuth2Provider) else OTHERS
