"""Keycloak (https://www.keycloak.org/securing-apps/oidc-layers)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from oidc_login.providers.oidc import OIDCProvider


class KeycloakProvider(OIDCProvider):
    """One realm of a Keycloak server, given by the server's address and the realm's name."""

    display_name = "Keycloak"
    brand_color = "#33567d"
    monogram = "K"

    # https://www.keycloak.org/docs/latest/server_admin/#_audience
    token_profile = "keycloak"  # noqa: S105  # a name

    def __init__(self, *, base_url: str, realm: str, **kwargs: Any) -> None:
        super().__init__(issuer=f"{base_url.rstrip('/')}/realms/{quote(realm, safe='')}", **kwargs)
