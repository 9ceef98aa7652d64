"""django-oauth-login: `OAUTH_LOGIN_PROVIDERS`, whose classes only need a different import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from oidc_login.conf import django
from oidc_login.moving.translations.values import (
    ADDRESS_REMARK,
    Entry,
    Include,
    Translation,
    as_key,
    included_at,
    variable,
)

CLASS_REMARK: Final = "In this class, import from oidc_login.providers instead of oauthlogin.providers."
PLAIN: Final = ("client_id", "scope")  # the string arguments that are not secret


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with django-oauth-login."""
    entries = [entry(str(name), options) for name, options in old_providers().items()]
    first = entries[0].old if entries else ""
    path = included_at("oauthlogin:callback", arguments=[first], below=f"{first}/callback/", usual="oauth/")
    return Translation(
        package="django-oauth-login",
        entries=entries,
        replaced=("oauthlogin.",),
        includes=[
            Include(path=path, module="oidc_login.urls"),
            Include(path=path, module="oidc_login.compat.oauth_login", remark="For the old URL names."),
        ],
        settings={"OIDC_LOGIN_EMAIL_LINKING": "never"},
        setting_remarks={"OIDC_LOGIN_EMAIL_LINKING": ADDRESS_REMARK},
        remarks=['Remove "oauthlogin" from INSTALLED_APPS: both apps cannot be installed at the same time.'],
    )


def old_providers() -> Mapping[str, Mapping[str, Any]]:
    found = django.get("OAUTH_LOGIN_PROVIDERS", {})
    providers = found if isinstance(found, Mapping) else {}
    return {name: options for name, options in providers.items() if isinstance(options, Mapping)}


def entry(name: str, options: Mapping[str, Any]) -> Entry:
    """Return the entry of a provider. Strings that may be secret are read from the environment."""
    key = as_key(name)
    kwargs = options.get("kwargs") or {}
    arguments: dict[str, Any] = {"class": str(options.get("class", ""))}
    for argument, value in kwargs.items():
        if argument == "authentication_backend":
            continue
        is_plain = argument in PLAIN or isinstance(value, (bool, int, float))
        arguments[argument] = value if is_plain else variable(key, argument)
    callback = "oauth_login" if key == name else f"oauth_login:{name}"
    return Entry(key=key, old=name, arguments={**arguments, "callback": callback}, remarks=[CLASS_REMARK])
