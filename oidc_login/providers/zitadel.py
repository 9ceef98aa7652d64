"""ZITADEL (https://zitadel.com/docs/apis/openidoauth/endpoints)."""

from __future__ import annotations

from oidc_login.providers.facts import Facts
from oidc_login.providers.oidc import OIDCProvider


class ZitadelProvider(OIDCProvider):
    """An instance of ZITADEL, whose tokens are meant for every application of a project."""

    display_name = "ZITADEL"
    brand_color = "#5469d4"
    monogram = "Z"

    facts = Facts(
        register_at="https://zitadel.com/docs/guides/integrate/login/oidc/login-users",
        register_as="An application of type *Web* in a project, with the *Authorization Code* grant.",
        identity="`sub`, the account's number in the instance.",
        email="Counts as verified if `email_verified` is `true`. An administrator can set that for any address.",
        refresh="Request the scope `offline_access` to get a refresh token. The application needs the *Refresh Token* "
        "grant.",
        caution="The name and address are in userinfo, not in the ID token, so the first sign-in takes one more "
        "request. The tokens of each application also name the other applications in its project.",
        sources=(
            "https://zitadel.com/docs/apis/openidoauth/endpoints",
            "https://zitadel.com/docs/apis/openidoauth/claims",
        ),
        example={"issuer": "https://example.zitadel.cloud"},
    )

    # `aud` lists all clients of the project and the project itself; `azp` is the one that the token was issued to.
    # https://github.com/zitadel/zitadel/issues/9200
    insecure_allow_further_audiences = True
