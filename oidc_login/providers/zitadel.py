"""ZITADEL (https://zitadel.com/docs/apis/openidoauth/endpoints)."""

from __future__ import annotations

from .facts import Facts
from .oidc import OIDCProvider


class ZitadelProvider(OIDCProvider):
    """An instance of ZITADEL, whose tokens are meant for every application of a project."""

    display_name = "ZITADEL"
    brand_color = "#5469d4"
    monogram = "Z"

    facts = Facts(
        register_at="https://zitadel.com/docs/guides/integrate/login/oidc/login-users",
        register_as="An application of the type *Web* in a project, with the grant *Authorization Code*.",
        identity="`sub`, the number of the account in the instance.",
        email="Counts where `email_verified` is `true`. An administrator can set that for any address.",
        refresh="A refresh token comes with the scope `offline_access`, where the application has the grant *Refresh "
        "Token*.",
        caution="Name and address are in the user info and not in the ID token, so the first sign-in takes one more "
        "request. Applications of one project are named in each other's tokens.",
        sources=(
            "https://zitadel.com/docs/apis/openidoauth/endpoints",
            "https://zitadel.com/docs/apis/openidoauth/claims",
        ),
        example={"issuer": "https://example.zitadel.cloud"},
    )

    # `aud` lists all clients of the project and the project itself; `azp` is the one that the token was issued to.
    # https://github.com/zitadel/zitadel/issues/9200
    insecure_allow_further_audiences = True
