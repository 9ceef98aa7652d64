"""django-auth-adfs: `AUTH_ADFS`, for a tenant of Entra or a server of AD FS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.moving.accounts import Counterpart
from oidc_login.moving.sources.adfs import adfs_settings
from oidc_login.moving.translations.values import (
    Entries,
    Include,
    Translation,
    https_url,
    included_at,
    openid_scope,
    texts,
    words,
)

ENTRA = Counterpart(key="microsoft", provider_class="MicrosoftProvider")
SERVER = Counterpart(key="microsoft")
BY_CLAIM = (
    "The package found people by the claim {} and stored no identities. Import them from an export of your directory, "
    "or open a window (oidc_login_window)."
)
GUESTS = "BLOCK_GUEST_USERS rejected guests. Implement this in verify_claims of your backend, then remove allow_login."
PARTS = {
    "CLAIM_MAPPING": "Implement {} in update_user of your backend.",
    "BOOLEAN_CLAIM_MAPPING": "Implement {} in update_user of your backend.",
    "GUEST_USERNAME_CLAIM": "{} is not needed: `sub` identifies guests too.",
    "LOGIN_EXEMPT_URLS": "Use Django's LoginRequiredMiddleware, and login_not_required instead of {}.",
}


def translate(alias: str) -> Translation:
    """Return the translated settings of a site with django-auth-adfs."""
    settings = adfs_settings()
    entries = Entries("adfs")
    if settings:
        add_server(entries, settings)
    return Translation(
        package="django-auth-adfs",
        entries=entries.made,
        replaced=("django_auth_adfs.",),
        includes=[
            Include(path="oauth/", module="oidc_login.urls"),
            Include(
                path=included_at("django_auth_adfs:callback", below="callback", usual="oauth2/"),
                module="oidc_login.compat.adfs",
            ),
        ],
        remarks=[said.format(name) for name, said in PARTS.items() if settings.get(name)],
    )


def add_server(entries: Entries, settings: Mapping[str, Any]) -> None:
    tenant = settings.get("TENANT_ID")
    counterpart = ENTRA if tenant else SERVER
    claim = settings.get("USERNAME_CLAIM") or ("upn" if tenant else "winaccountname")
    guests = settings.get("BLOCK_GUEST_USERS") is True
    bundle, proxies = settings.get("CA_BUNDLE"), settings.get("PROXIES") or {}
    entries.add(
        counterpart,
        old="microsoft",
        client_id=settings.get("CLIENT_ID"),
        arguments={
            **({"tenant": str(tenant)} if tenant else {"issuer": f"{https_url(settings.get('SERVER'))}/adfs"}),
            "scope": openid_scope(counterpart, words(settings.get("SCOPES"))),
            "authorization_params": authorization_params(settings),
            "ca_bundle": bundle if isinstance(bundle, str) else None,
            "proxy": proxies.get("https") if isinstance(proxies, Mapping) else None,
            **group_arguments(settings, usual="groups" if tenant else "group"),
            "allow_signup": False if settings.get("CREATE_NEW_USERS") is False else None,
            "link_by_email": "never",
            **({"allow_login": False} if guests else {}),
        },
        secret=bool(settings.get("CLIENT_SECRET")),
        remarks=[BY_CLAIM.format(claim), *([GUESTS] if guests else [])],
    )


def group_arguments(settings: Mapping[str, Any], *, usual: str) -> dict[str, Any]:
    """Return the arguments for groups: names stay the same, and groups are created if the site mirrored them."""
    claim = settings.get("GROUPS_CLAIM", usual)
    if not claim:
        return {}
    flags = settings.get("GROUP_TO_FLAG_MAPPING") or {}
    return {
        "groups_claim": str(claim),
        "group_map": {"*": "*"},
        "create_groups": True if settings.get("MIRROR_GROUPS") is True else None,
        "staff_groups": texts(flags.get("is_staff")),
        "superuser_groups": texts(flags.get("is_superuser")),
    }


def authorization_params(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the extra authorization parameters of an AD FS server: the API, and whether to show its page."""
    found = {}
    if settings.get("RELYING_PARTY_ID") and not settings.get("TENANT_ID"):
        found["resource"] = str(settings["RELYING_PARTY_ID"])
    if settings.get("DISABLE_SSO") is True:
        found["prompt"] = "login"
    return found
