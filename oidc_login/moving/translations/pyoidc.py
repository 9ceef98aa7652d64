"""django-pyoidc: the providers of `DJANGO_PYOIDC`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.moving.accounts import Counterpart
from oidc_login.moving.sources.pyoidc import pyoidc_settings
from oidc_login.moving.translations.values import (
    Entries,
    Include,
    Translation,
    discovery_url,
    https_url,
    included_at,
    openid_scope,
    words,
)

FOUND_BY = (
    "The package found people by user name and address and stored no identities. Import them from an export of your "
    "directory, or open a window (oidc_login_window)."
)
HOOKS = {
    "hook_get_user": "Implement {} in filter_users_by_claims and create_user of your backend.",
    "hook_user_login": "Implement {} as a receiver of Django's user_logged_in.",
    "hook_user_logout": "Implement {} as a receiver of Django's user_logged_out.",
    "hook_session_logout": "Implement {} as a receiver of a signal, or drop it: back-channel logouts end sessions.",
    "hook_validate_access_token": "OIDC_LOGIN_BEARER_PROVIDERS replaces {} for access tokens.",
}


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with django-pyoidc."""
    entries = Entries("pyoidc")
    said: list[str] = []
    for name, options in pyoidc_settings().items():
        add_provider(entries, name, options)
        said += [text.format(f"{hook} of {name!r}") for hook, text in HOOKS.items() if options.get(hook)]
    return Translation(
        package="django-pyoidc",
        entries=entries.made,
        replaced=("django_pyoidc.",),
        includes=[
            Include(path="oauth/", module="oidc_login.urls"),
            Include(path=old_path(), module="oidc_login.compat.pyoidc"),
        ],
        remarks=said,
    )


def old_path() -> str:
    """Return the path of the old URLs, which end with the provider's name or the site's prefix."""
    for name, options in pyoidc_settings().items():
        return included_at(f"{name}-callback", below=f"{prefix_of(name, options)}-callback", usual="")
    return ""


def prefix_of(name: str, options: Mapping[str, Any]) -> str:
    return str(options.get("oidc_paths_prefix") or name).lstrip("/")


def add_provider(entries: Entries, name: str, options: Mapping[str, Any]) -> None:
    counterpart = Counterpart(key=name)
    base_url, realm = options.get("keycloak_base_uri"), options.get("keycloak_realm")
    arguments: dict[str, Any] = {"discovery_url": discovery_url(str(options.get("provider_discovery_uri") or ""))}
    if base_url and realm:
        counterpart = Counterpart(key=name, provider_class="KeycloakProvider")
        arguments = {"base_url": https_url(base_url), "realm": str(realm)}
    entries.add(
        counterpart,
        old=name,
        client_id=options.get("client_id"),
        arguments={
            **arguments,
            "scope": openid_scope(counterpart, words(options.get("scopes"))),
            "link_by_email": "never",
        },
        callback=prefix_of(name, options),
        secret=bool(options.get("client_secret")),
        remarks=[FOUND_BY],
    )
