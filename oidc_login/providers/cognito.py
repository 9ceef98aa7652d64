"""Amazon Cognito (https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html)."""

from __future__ import annotations

from typing import Any

from oidc_login.providers.oidc import OIDCProvider


class CognitoProvider(OIDCProvider):
    """A user pool of Amazon Cognito. Its ID begins with the region."""

    display_name = "Amazon Cognito"
    brand_color = "#b0084d"
    monogram = "Co"

    # The userinfo endpoint sends "true" (https://github.com/zitadel/oidc/issues/137).
    sends_booleans_as_strings = True

    # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    token_profile = "cognito"  # noqa: S105  # a name

    def __init__(self, *, user_pool_id: str = "", issuer: str = "", **kwargs: Any) -> None:
        region = user_pool_id.partition("_")[0]
        pool = f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}" if user_pool_id else ""
        super().__init__(issuer=issuer or pool, **kwargs)
