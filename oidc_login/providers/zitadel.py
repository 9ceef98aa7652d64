"""ZITADEL (https://zitadel.com/docs/apis/openidoauth/endpoints)."""

from __future__ import annotations

from oidc_login.providers.oidc import OIDCProvider


class ZitadelProvider(OIDCProvider):
    """A ZITADEL instance. Its tokens are valid for every application of a project."""

    display_name = "ZITADEL"
    brand_color = "#5469d4"
    monogram = "Z"

    # `aud` contains all clients of the project and the project itself; `azp` is the client that the token was issued
    # to.
    # https://github.com/zitadel/zitadel/issues/9200
    insecure_allow_further_audiences = True
