"""The parts of a translation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.urls import NoReverseMatch, get_script_prefix, reverse

from oidc_login import providers
from oidc_login.conf import django
from oidc_login.moving.accounts import Counterpart
from oidc_login.protocol.metadata import WELL_KNOWN
from oidc_login.registry import KEY

OUR_BACKEND: Final = "oidc_login.backends.OIDCLoginBackend"
MODEL_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
ADDRESS_REMARK: Final = (
    "The old package did not link by address. Remove this to link by addresses that a provider vouches for."
)


@dataclass(frozen=True, slots=True)
class Environment:
    """A value from the environment: a secret, or a value that the old settings do not contain."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of `OIDC_LOGIN_PROVIDERS`. `old` is the provider's name at the other package."""

    key: str
    old: str
    arguments: Mapping[str, Any]
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """A URLconf module, at the path of the other package's URLs."""

    path: str
    module: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """The settings and URLs of a site; `replaced` are the prefixes of the backends to remove."""

    package: str
    entries: Sequence[Entry]
    replaced: Sequence[str]
    includes: Sequence[Include]
    settings: Mapping[str, Any] = field(default_factory=dict)
    setting_remarks: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    def backends(self) -> list[str]:
        """Return `AUTHENTICATION_BACKENDS` with our backend in place of the other package's."""
        found: list[str] = []
        for path in django.get("AUTHENTICATION_BACKENDS", []):
            kept = OUR_BACKEND if path.startswith(tuple(self.replaced)) else path
            found += [kept] if kept not in found else []
        return found if OUR_BACKEND in found else [*found, OUR_BACKEND]


class Entries:
    """The entries so far; their keys are unique."""

    def __init__(self, package: str = "") -> None:
        self.package = package  # whose callback URLs to keep; "" for none
        self.made: list[Entry] = []

    def add(
        self,
        counterpart: Counterpart,
        *,
        old: str,
        client_id: Any,
        arguments: Mapping[str, Any],
        callback: str = "",
        secret: bool = True,
        remarks: Iterable[str] = (),
    ) -> None:
        """Add the entry of an old provider; `callback` is its name in the old URL."""
        key = self._free_key(counterpart.key, old)
        own: dict[str, Any] = {}
        if counterpart.provider_class:
            own["class"] = f"oidc_login.providers.{counterpart.provider_class}"
        own["client_id"] = client_id or variable(key, "client_id")
        if secret:
            own["client_secret"] = variable(key, "client_secret")
        own |= {name: value for name, value in arguments.items() if value not in (None, "", [], {})}
        if self.package:
            name = callback or old
            own["callback"] = self.package if name == key else f"{self.package}:{name}"
        said = [*([counterpart.remark] if counterpart.remark else []), *remarks]
        self.made.append(Entry(key=key, old=old, arguments=own, remarks=said))

    def _free_key(self, usual: str, old: str) -> str:
        """Return the usual key, or the old name if the key is taken; the import finds both."""
        taken = {entry.key for entry in self.made}
        wanted = [as_key(usual), as_key(old)]
        wanted += [f"{as_key(old)}-{number}" for number in range(2, len(taken) + 3)]
        return next(name for name in wanted if name not in taken)


def as_key(name: str) -> str:
    """Return a name in the form of an entry's key."""
    key = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:100]
    return key if KEY.fullmatch(key) else "company"


def variable(key: str, argument: str) -> Environment:
    """Return the environment variable of an argument, such as GOOGLE_CLIENT_SECRET."""
    return Environment(re.sub(r"[^A-Z0-9]+", "_", f"{key}_{argument}".upper()))


def words(value: Any) -> str:
    """Return scopes as one string; packages use lists or strings."""
    if isinstance(value, str):
        return " ".join(value.replace(",", " ").split())
    return " ".join(str(word) for word in value) if isinstance(value, (list, tuple)) else ""


def texts(value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else value
    return [text for text in found if isinstance(text, str) and text] if isinstance(found, (list, tuple)) else []


def included_at(name: str, *, arguments: Sequence[str] = (), below: str, usual: str) -> str:
    """Return the path where the other package's URLs are included, or `usual` if they are no longer included."""
    try:
        url = reverse(name, args=arguments)
    except NoReverseMatch:
        return usual
    path = url.removeprefix(get_script_prefix())
    return path.removesuffix(below) if path.endswith(below) else usual


def openid_scope(counterpart: Counterpart, scope: str) -> str:
    """Return the scope that the site requested, with the scope that OpenID Connect requires (Core 3.1.2.1)."""
    provider_class = getattr(providers, counterpart.provider_class or "OIDCProvider")
    is_openid = issubclass(provider_class, providers.OIDCProvider)
    return f"openid {scope}" if scope and is_openid and "openid" not in scope.split() else scope


def https_url(value: Any) -> str:
    """Return a host or a URL as a URL without a trailing slash."""
    address = str(value or "").rstrip("/")
    return address if "://" in address or not address else f"https://{address}"


def discovery_url(server: str) -> str:
    """Return the URL of a server's discovery document (Discovery 4)."""
    return server if server.endswith(WELL_KNOWN) or not server else server.rstrip("/") + WELL_KNOWN
