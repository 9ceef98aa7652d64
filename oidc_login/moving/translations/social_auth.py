"""social-auth-app-django: the clients in its `SOCIAL_AUTH_` settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from oidc_login.conf import django
from oidc_login.moving.accounts import Counterpart
from oidc_login.moving.sources.social_auth import COUNTERPARTS, key_for, setting_of
from oidc_login.moving.translations.allauth import SLACK_TEAM, microsoft_arguments
from oidc_login.moving.translations.values import (
    ADDRESS_REMARK,
    Entries,
    Environment,
    Include,
    Translation,
    discovery_url,
    https_url,
    included_at,
    openid_scope,
    texts,
    variable,
    words,
)

PIPELINE = "SOCIAL_AUTH_PIPELINE"
BY_EMAIL = "social_core.pipeline.social_auth.associate_by_email"
CREATE = "social_core.pipeline.user.create_user"
REFUSE = "social_core.pipeline.social_auth.auth_allowed"
REALM = "/realms/"
# Restrictions without an argument here: nobody can sign in until a person has made a decision.
MEMBERS = {"github-org": "NAME", "github-team": "ID", "google-oauth2": "", "slack": ""}


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with social-auth-app-django."""
    entries, missing = Entries("social_auth"), []
    for name in backend_names():
        if name in COUNTERPARTS or setting_of(name, "OIDC_ENDPOINT"):
            add_backend(entries, name)
        else:
            missing.append(name)
    return Translation(
        package="social-auth-app-django",
        entries=entries.made,
        replaced=("social_core.", "social.", "social_django."),
        includes=[
            Include(path="oauth/", module="oidc_login.urls"),
            Include(
                path=included_at("social:begin", arguments=["x"], below=f"login/x{slash()}", usual=""),
                module="oidc_login.compat.social_auth",
            ),
        ],
        **pipeline(),
        remarks=[*(f"The package has no class for {name!r}." for name in missing), *own_steps()],
    )


def slash() -> str:
    return "/" if django.get("SOCIAL_AUTH_TRAILING_SLASH", True) else ""


def backend_names() -> list[str]:
    """Return the names of the backends that have a client, whether or not the package is installed."""
    found = [name for name in COUNTERPARTS if own_setting(name, "KEY") or own_setting(name, "CLIENT")]
    for path in django.get("AUTHENTICATION_BACKENDS", []):
        try:
            name = getattr(import_string(path), "name", "")
        except ImportError:
            continue
        if isinstance(name, str) and name and (setting_of(name, "KEY") or setting_of(name, "CLIENT")):
            found.append(name)
    return list(dict.fromkeys(found))


def own_setting(name: str, option: str) -> Any:
    return django.get(f"SOCIAL_AUTH_{name.upper().replace('-', '_')}_{option}", "")


def add_backend(entries: Entries, name: str) -> None:
    """Add the entry of one backend."""
    counterpart = COUNTERPARTS.get(name) or Counterpart(key=key_for(name))
    arguments, said = own_arguments(name)
    refused = restrictions(name)
    scope = openid_scope(counterpart, words(setting_of(name, "SCOPE")))
    if scope and not setting_of(name, "IGNORE_DEFAULT_SCOPE"):
        said = [*said, "The old package added its default scopes to these."]
    entries.add(
        counterpart,
        old=name,
        client_id=setting_of(name, "CLIENT" if name == "apple-id" else "KEY"),
        arguments={
            "scope": scope,
            "authorization_params": dict(setting_of(name, "AUTH_EXTRA_ARGUMENTS") or {}),
            "allowed_email_domains": texts(setting_of(name, "WHITELISTED_DOMAINS")),
            **arguments,
            **({"allow_login": False} if refused else {}),
        },
        secret=name != "apple-id",
        remarks=[*said, *refused],
    )


def restrictions(name: str) -> list[str]:
    """Return the sign-in restrictions that have no argument here."""
    found = [option for option in ("WHITELISTED_EMAILS",) if setting_of(name, option)]
    if MEMBERS.get(name) and setting_of(name, MEMBERS[name]):
        found.append(MEMBERS[name])
    if REFUSE not in django.get(PIPELINE, [REFUSE]):
        return []  # the site had turned these lists off
    return [
        f"SOCIAL_AUTH_..._{option} restricted who may sign in. Implement this in verify_claims of your backend, then "
        "remove allow_login."
        for option in found
    ]


def own_arguments(name: str) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the arguments of specific providers, including those that a person must fill in."""
    if name == "apple-id":
        known = {"team_id": setting_of(name, "TEAM"), "key_id": setting_of(name, "KEY")}
        arguments = {one: value or variable("apple", one) for one, value in known.items()}
        return {**arguments, "client_key": variable("apple", "client_key")}, [
            "client_key was SOCIAL_AUTH_APPLE_ID_SECRET."
        ]
    if name.startswith("azuread") or name == "microsoft-graph":
        return microsoft_arguments(str(setting_of(name, "TENANT_ID") or "common"))
    if name == "cognito":
        return {"user_pool_id": Environment("COGNITO_USER_POOL_ID")}, ["The user pool replaces POOL_DOMAIN."]
    if name == "keycloak":
        return keycloak_arguments(str(setting_of(name, "AUTHORIZATION_URL"))), []
    if name == "gitlab":
        return {"base_url": https_url(setting_of(name, "API_URL"))}, []
    if name == "slack":
        return {"team": Environment("SLACK_TEAM")}, [SLACK_TEAM]
    if name.startswith("auth0"):
        return {"discovery_url": discovery_url(https_url(setting_of(name, "DOMAIN")))}, []
    if name.startswith("okta"):
        server = https_url(setting_of(name, "API_URL"))
        issuer = server if "/oauth2/" in server else server.removesuffix("/oauth2")
        return {"discovery_url": discovery_url(issuer)}, []
    if endpoint := setting_of(name, "OIDC_ENDPOINT"):
        return {"discovery_url": discovery_url(str(endpoint))}, []
    return {}, []


def keycloak_arguments(authorization_url: str) -> dict[str, Any]:
    """Return the server and the realm from the endpoints."""
    base_url, found, rest = authorization_url.partition(REALM)
    realm = rest.partition("/")[0]
    if not (found and realm and urlsplit(base_url).netloc):
        return {"base_url": variable("keycloak", "base_url"), "realm": variable("keycloak", "realm")}
    return {"base_url": base_url, "realm": realm}


def pipeline() -> dict[str, Any]:
    """Return the arguments for the steps of the site's pipeline."""
    steps = django.get(PIPELINE, None)
    settings: dict[str, Any] = {} if BY_EMAIL in (steps or ()) else {"OIDC_LOGIN_EMAIL_LINKING": "never"}
    said = {"OIDC_LOGIN_EMAIL_LINKING": ADDRESS_REMARK}
    if steps is not None and CREATE not in steps:
        settings["OIDC_LOGIN_ALLOW_SIGNUP"] = False
    if url := django.get("SOCIAL_AUTH_LOGIN_REDIRECT_URL", ""):
        settings["LOGIN_REDIRECT_URL"] = str(url)
    return {"settings": settings, "setting_remarks": said}


def own_steps() -> list[str]:
    own = [step for step in django.get(PIPELINE, []) if not str(step).startswith("social_core.")]
    return [f"Replace the pipeline step {step} with a hook or a signal." for step in own]
