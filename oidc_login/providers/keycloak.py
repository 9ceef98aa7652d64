"""Keycloak (https://www.keycloak.org/securing-apps/oidc-layers)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from oidc_login.providers.facts import Facts
from oidc_login.providers.oidc import OIDCProvider


class KeycloakProvider(OIDCProvider):
    """One realm of a Keycloak server, found by the server's address and the realm's name."""

    display_name = "Keycloak"
    brand_color = "#33567d"
    monogram = "K"

    facts = Facts(
        register_at="https://www.keycloak.org/docs/latest/server_admin/index.html#_oidc_clients",
        register_as="A client in the realm with *Client authentication* and *Standard flow* enabled.",
        identity="`sub`, the realm's ID for the account.",
        email="Counts as verified if `email_verified` is `true`. A realm administrator can set that for any address, "
        "so trust it only as far as you trust the realm.",
        refresh="Keycloak always issues a refresh token. It lasts as long as the Keycloak session, or longer with the "
        "scope `offline_access`.",
        caution="Servers before version 17 have `/auth` in their URL, and so do newer ones that are configured that "
        "way. Include it in `base_url`.",
        sources=("https://www.keycloak.org/securing-apps/oidc-layers",),
        arguments={"base_url": "the URL of the server", "realm": "the name of the realm"},
        example={"base_url": "https://keycloak.example.com", "realm": "staff"},
    )

    def __init__(self, *, base_url: str, realm: str, **kwargs: Any) -> None:
        super().__init__(issuer=f"{base_url.rstrip('/')}/realms/{quote(realm, safe='')}", **kwargs)
