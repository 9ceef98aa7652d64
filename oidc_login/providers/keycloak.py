"""Keycloak (https://www.keycloak.org/securing-apps/oidc-layers)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .facts import Facts
from .oidc import OIDCProvider


class KeycloakProvider(OIDCProvider):
    """One realm of a Keycloak server, found by the server's address and the realm's name."""

    display_name = "Keycloak"
    brand_color = "#33567d"
    monogram = "K"

    facts = Facts(
        register_at="https://www.keycloak.org/docs/latest/server_admin/index.html#_oidc_clients",
        register_as="A client of the realm with *Client authentication* and *Standard flow* switched on.",
        identity="`sub`, the realm's own id of the account.",
        email="Counts where `email_verified` is `true`. An administrator of the realm can set that for any address, so "
        "it is as good as the realm.",
        refresh="A refresh token always comes and lives as long as the session at Keycloak; with the scope "
        "`offline_access` it outlives that.",
        caution="Servers before version 17, and newer ones that were told so, have `/auth` in their address: write it "
        "into `base_url`.",
        sources=("https://www.keycloak.org/securing-apps/oidc-layers",),
        arguments={"base_url": "the address of the server", "realm": "the name of the realm"},
        example={"base_url": "https://keycloak.example.com", "realm": "staff"},
    )

    def __init__(self, *, base_url: str, realm: str, **kwargs: Any) -> None:
        super().__init__(issuer=f"{base_url.rstrip('/')}/realms/{quote(realm, safe='')}", **kwargs)
