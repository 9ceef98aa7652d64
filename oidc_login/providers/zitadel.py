"""ZITADEL (https://zitadel.com/docs/apis/openidoauth/endpoints)."""

from __future__ import annotations

from oidc_login.providers.oidc import OIDCProvider


class ZitadelProvider(OIDCProvider):
    """An instance of ZITADEL, whose tokens are meant for every application of a project."""

    display_name = "ZITADEL"
    brand_color = "#5469d4"
    monogram = "Z"

    # `aud` lists all clients of the project and the project itself; `azp` is the one that the token was issued to.
    # https://github.com/zitadel/zitadel/issues/9200
    insecure_allow_further_audiences = True
