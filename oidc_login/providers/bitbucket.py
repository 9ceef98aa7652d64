"""Bitbucket Cloud (https://developer.atlassian.com/cloud/bitbucket/oauth-2/)."""

from __future__ import annotations

from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers.mapping import text_at, value_at
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class BitbucketProvider(OAuth2Provider):
    """Bitbucket Cloud. The identity is the `uuid`, because user names can change or be missing."""

    display_name = "Bitbucket"
    brand_color = "#0052cc"
    monogram = "BB"
    default_scope = "account email"

    authorization_endpoint = "https://bitbucket.org/site/oauth2/authorize"
    token_endpoint = "https://bitbucket.org/site/oauth2/access_token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.bitbucket.org/2.0/user"
    emails_endpoint = "https://api.bitbucket.org/2.0/user/emails"
    api_base_url = "https://api.bitbucket.org/2.0"
    mapping = {
        "user_id": "uuid",
        "username": "nickname",
        "name": "display_name",
        "picture": "links.avatar.href",
    }

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Bitbucket calls the granted scope `scopes` (https://developer.atlassian.com/cloud/bitbucket/oauth-2/)."""
        return {"scope": answer.get("scopes"), **answer}

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Fetch the account, then its addresses, which the account does not include."""
        user = super().get_oauth_user(oauth_token=oauth_token)
        user.email = self.get_confirmed_email(oauth_token)
        user.email_verified = bool(user.email)
        return user

    @sensitive_variables()
    def get_confirmed_email(self, oauth_token: OAuthToken) -> str:
        """Return the confirmed primary address, or "" if it is not confirmed or cannot be read."""
        try:
            addresses = value_at(self.get_resource(self.emails_endpoint, oauth_token=oauth_token), "values")
        except UserInfoInvalid:  # the permission to read addresses is missing
            return ""
        for address in addresses if isinstance(addresses, list) else []:
            if value_at(address, "is_primary") is True and value_at(address, "is_confirmed") is True:
                return text_at(address, "email")
        return ""
