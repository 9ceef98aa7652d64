"""Amazon Cognito (https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html)."""

from __future__ import annotations

from typing import Any

from oidc_login.providers.facts import Facts
from oidc_login.providers.oidc import OIDCProvider


class CognitoProvider(OIDCProvider):
    """A user pool of Amazon Cognito, found by its id, which begins with the region."""

    display_name = "Amazon Cognito"
    brand_color = "#b0084d"
    monogram = "Co"

    facts = Facts(
        register_at="https://console.aws.amazon.com/cognito/v2/idp/user-pools",
        register_as="An app client of the user pool with a client secret, the *Authorization code* grant and the "
        "scopes `openid`, `email` and `profile`. The pool needs a domain for its sign-in pages.",
        identity="`sub`. A username can be reused after its account is deleted.",
        email='Counts as verified if `email_verified` is `true` or `"true"`. Anyone who can write attributes in the '
        "pool can set it.",
        refresh="The first response includes a refresh token. It does not change unless the app client rotates it.",
        caution="Cognito's sign-out does not follow OpenID Connect.",
        sources=(
            "https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html",
            "https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html",
        ),
        arguments={
            "user_pool_id": "the ID of the user pool; in another AWS partition, set `issuer` instead",
        },
        example={"user_pool_id": "eu-central-1_EXAMPLE00"},
    )

    # The userInfo endpoint says "true" (https://github.com/zitadel/oidc/issues/137).
    sends_booleans_as_strings = True

    def __init__(self, *, user_pool_id: str = "", issuer: str = "", **kwargs: Any) -> None:
        region = user_pool_id.partition("_")[0]
        pool = f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}" if user_pool_id else ""
        super().__init__(issuer=issuer or pool, **kwargs)
