"""X, API v2 (https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/authorization-code)."""

from __future__ import annotations

from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser

# X's descriptions of unusable codes and refresh tokens (https://github.com/plhery/node-twitter-api-v2/issues/496).
SPENT = ("Value passed for the authorization code was invalid.", "Value passed for the token was invalid.")


class XProvider(OAuth2Provider):
    """X. The identity is the number, as text, because user names can change and be reused."""

    display_name = "X"
    brand_color = "#0f1419"
    monogram = "X"
    # The first two are required to read the account (https://docs.x.com/x-api/users/get-my-user).
    default_scope = "users.read tweet.read users.email"

    authorization_endpoint = "https://x.com/i/oauth2/authorize"
    token_endpoint = "https://api.x.com/2/oauth2/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.x.com/2/users/me?user.fields=profile_image_url"
    revocation_endpoint = "https://api.x.com/2/oauth2/revoke"
    api_base_url = "https://api.x.com/2"
    mapping = {
        "user_id": "data.id",
        "email": "data.confirmed_email",
        "username": "data.username",
        "name": "data.name",
        "picture": "data.profile_image_url",
    }

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Request the address only if its scope was granted, because X may otherwise reject the whole request."""
        url = self.userinfo_endpoint
        if "users.email" in self.granted_scopes(oauth_token.scope):
            url = f"{url},confirmed_email"
        return self.user_from_userinfo(self.get_resource(url, oauth_token=oauth_token), oauth_token=oauth_token)

    def stated_email_verified(self, userinfo: Any) -> Any:
        """X only shows confirmed addresses (https://docs.x.com/x-api/users/get-my-user)."""
        return True

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Recognize unusable codes and refresh tokens, an `invalid_request` here, by their description."""
        description = answer.get("error_description")
        if answer.get("error") == "invalid_request" and description in SPENT:
            return {**answer, "error": "invalid_grant"}
        return answer
