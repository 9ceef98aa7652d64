"""Login with Amazon (https://developer.amazon.com/docs/login-with-amazon/documentation-overview.html)."""

from __future__ import annotations

from oidc_login.providers.facts import Facts
from oidc_login.providers.oauth2 import OAuth2Provider


class AmazonProvider(OAuth2Provider):
    """The customer accounts of Amazon's shops, not those of AWS."""

    display_name = "Amazon"
    brand_color = "#8a5300"
    monogram = "AZ"
    default_scope = "profile"

    authorization_endpoint = "https://www.amazon.com/ap/oa"
    token_endpoint = "https://api.amazon.com/auth/o2/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.amazon.com/user/profile"
    api_base_url = "https://api.amazon.com"
    mapping = {"user_id": "user_id", "email": "email", "name": "name"}

    facts = Facts(
        register_at="https://developer.amazon.com/loginwithamazon/console/site/lwa/overview.html",
        register_as="A security profile. Add the callback URL to the *Allowed Return URLs* in its web settings.",
        identity="`user_id` (`amzn1.account.…`), which never changes for an account.",
        email="The account's address, with the scope `profile`. Amazon does not say whether it is verified, so it "
        "never counts as verified.",
        refresh="Access tokens last one hour and come with a refresh token.",
        sources=("https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html",),
    )
