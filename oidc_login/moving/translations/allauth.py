"""django-allauth: the clients of `SocialApp` and `SOCIALACCOUNT_PROVIDERS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oidc_login.conf import django
from oidc_login.moving.accounts import Counterpart
from oidc_login.moving.sources.allauth import (
    COUNTERPARTS,
    configured_apps,
    configured_providers,
    name_of,
    read_apps,
)
from oidc_login.moving.translations.values import (
    ADDRESS_REMARK,
    MODEL_BACKEND,
    Entries,
    Environment,
    Include,
    Translation,
    discovery_url,
    https_url,
    included_at,
    openid_scope,
    variable,
    words,
)

OPENID = "openid_connect"
SLACK_TEAM = (
    "Set the ID of your workspace. Without `team`, members of any workspace can sign in, and no address is verified."
)
PREFIX = "SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX"
ADAPTERS = ("SOCIALACCOUNT_ADAPTER", "ACCOUNT_ADAPTER")


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with django-allauth."""
    apps = [*read_apps(alias), *configured_apps()]
    entries = Entries("allauth")
    missing = []
    for app in apps:
        if app["provider"] == OPENID or app["provider"] in COUNTERPARTS:
            add_app(entries, app)
        else:
            missing.append(app["provider"])
    return Translation(
        package="django-allauth",
        entries=entries.made,
        replaced=("allauth.",),
        includes=includes(apps),
        **linking(),
        remarks=[*remarks(), *(f"The package has no class for {name!r}." for name in sorted(set(missing)))],
    )


def add_app(entries: Entries, app: Mapping[str, Any]) -> None:
    """Add the entry of one client."""
    name, options = app["provider"], configured_providers().get(app["provider"], {})
    old, said = name_of(app), []
    client_ids = str(app["client_id"]).split(",")
    if len(client_ids) > 1:
        said.append("allauth had more client IDs, for phone apps: list them in native_client_ids.")
    counterpart = Counterpart(key=old) if name == OPENID else COUNTERPARTS[name]
    arguments, needed = own_arguments(app, options)
    scope = words(app["settings"].get("scope") or options.get("SCOPE"))
    if options.get("EMAIL_AUTHENTICATION") is True:
        arguments["link_by_email"] = "verified"
    if options.get("VERIFIED_EMAIL") is True:
        arguments["trust_email"] = True
        said.append("allauth treated all addresses of this provider as verified. Decide whether they are.")
    if app["settings"].get("uid_field"):
        said.append("Here the identity is `sub`, not the claim in `uid_field`.")
    prefix = str(django.get(PREFIX, "oidc"))
    entries.add(
        counterpart,
        old=old,
        client_id=client_ids[0],
        arguments={
            "label": app["name"] if name == OPENID else "",
            "scope": openid_scope(counterpart, scope),
            "authorization_params": dict(options.get("AUTH_PARAMS") or {}),
            **arguments,
        },
        callback=f"{prefix}/{old}".lstrip("/") if name == OPENID else name,
        secret=name != "apple",
        remarks=[*said, *needed],
    )


def own_arguments(app: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the arguments of specific providers, including those that a person must fill in."""
    settings = app["settings"]
    name = app["provider"]
    if name == OPENID:
        return openid_arguments(settings), []
    if name == "apple":
        names = ("team_id", "key_id", "client_key")
        return {one: variable(name, one) for one in names}, [
            "client_key is the path or the contents of Apple's key file."
        ]
    if name == "amazon_cognito":
        return {"user_pool_id": Environment("COGNITO_USER_POOL_ID")}, ["The user pool replaces allauth's DOMAIN."]
    if name == "auth0":
        return {"discovery_url": discovery_url(https_url(options.get("AUTH0_URL")))}, []
    if name == "okta":
        return {"discovery_url": discovery_url(https_url(options.get("OKTA_BASE_URL")))}, []
    if name == "keycloak":
        return {
            "base_url": https_url(options.get("KEYCLOAK_URL")) or variable(name, "base_url"),
            "realm": options.get("KEYCLOAK_REALM") or variable(name, "realm"),
        }, []
    if name == "microsoft":
        return microsoft_arguments(str(settings.get("tenant") or "common"))
    if name == "slack":
        return {"team": Environment("SLACK_TEAM")}, [SLACK_TEAM]
    base_url = settings.get(f"{name}_url") or options.get(f"{name.upper()}_URL")
    return ({"base_url": https_url(base_url)} if base_url and name in ("github", "gitlab") else {}), []


def openid_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "discovery_url": discovery_url(str(settings.get("server_url") or "")),
        "metadata": dict(settings.get("openid_configuration_overrides") or {}),
        "token_endpoint_auth_method": settings.get("token_auth_method"),
        "userinfo": "never" if settings.get("fetch_userinfo") is False else "",
    }


def microsoft_arguments(tenant: str) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the arguments for a tenant; for shared endpoints, a person has to list the allowed tenants."""
    if tenant not in ("common", "organizations"):
        return {"tenant": tenant}, []
    allowed = {"tenant": tenant, "allowed_tenants": [Environment("MICROSOFT_ALLOWED_TENANT")]}
    return allowed, ["People of every tenant could sign in. List the allowed tenants."]


def linking() -> dict[str, Any]:
    """Return whether the site linked accounts by email."""
    if django.get("SOCIALACCOUNT_EMAIL_AUTHENTICATION", False) is True:
        return {}
    return {
        "settings": {"OIDC_LOGIN_EMAIL_LINKING": "never"},
        "setting_remarks": {"OIDC_LOGIN_EMAIL_LINKING": ADDRESS_REMARK},
    }


def includes(apps: Sequence[Mapping[str, Any]]) -> list[Include]:
    names = [app["provider"] for app in apps if app["provider"] != OPENID] or ["google"]
    path = included_at(f"{names[0]}_login", below=f"{names[0]}/login/", usual="accounts/")
    kept = "Keep this before allauth.urls. Passwords stay with allauth.account, or move to django.contrib.auth.urls."
    return [
        Include(path="oauth/", module="oidc_login.urls"),
        Include(path=path, module="oidc_login.compat.allauth", remark=kept),
    ]


def remarks() -> list[str]:
    said = [
        f"{name} is your own: implement its decisions as hooks, and is_open_for_signup with OIDC_LOGIN_ALLOW_SIGNUP."
        for name in ADAPTERS
        if django.get(name, None)
    ]
    if MODEL_BACKEND not in django.get("AUTHENTICATION_BACKENDS", []):
        said.append(f"To keep password sign-ins, add {MODEL_BACKEND!r} to AUTHENTICATION_BACKENDS.")
    return said
