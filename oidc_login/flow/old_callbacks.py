"""Callback addresses of other packages: which entry of the settings keeps being sent one, and by what name there.

`"callback": "allauth"` keeps the address of a provider that has the same name there as the entry's key, and
`"allauth:oidc/company"` that of any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from oidc_login.registry import get_configuration, get_configurations, provider_entries

# The view names of `oidc_login.compat`, and whether the address holds the provider's name.
VIEW_NAMES: Final[Mapping[str, str]] = {
    "allauth": "oidc_login_compat_allauth_callback",
    "social_auth": "oidc_login_compat_social_auth_callback",
    "adfs": "oidc_login_compat_adfs_callback",
    "pyoidc": "oidc_login_compat_pyoidc_callback",
    "oauth_login": "oidc_login_compat_oauth_login_callback",
}
WITHOUT_NAME: Final = ("adfs",)


def old_callback(key: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the view name and arguments of the old address of an entry, `None` where it has none."""
    package, name = stated(key, (get_configuration(key) or {}).get("callback"))
    if package not in VIEW_NAMES:
        return None
    return VIEW_NAMES[package], () if package in WITHOUT_NAME else (name,)


def key_of(package: str, name: str) -> str:
    """Return the key of the entry that keeps an old address, "" where none does.

    Entries of the settings come first, so that no entry of a loader takes an address away from them.
    """
    own: Mapping[str, Mapping[str, Any]] = provider_entries()
    for key, entry in {**own, **get_configurations()}.items():
        found = stated(key, entry.get("callback"))
        if found[0] == package and (package in WITHOUT_NAME or found[1] == name):
            return key
    return ""


def names_of(package: str) -> list[str]:
    """Return the names that providers had at a package, for the entries that keep an address there."""
    found = [stated(key, entry.get("callback")) for key, entry in get_configurations().items()]
    return [name for own, name in found if own == package]


def stated(key: str, callback: Any) -> tuple[str, str]:
    """Return the package and the provider's name there that an argument says; "" for what is no text."""
    package, _, name = callback.partition(":") if isinstance(callback, str) else ("", "", "")
    return package, name or key
