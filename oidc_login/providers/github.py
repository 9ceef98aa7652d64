"""GitHub and GitHub Enterprise Server (https://docs.github.com/apps/oauth-apps/building-oauth-apps)."""

from __future__ import annotations

from typing import Any

from django.views.decorators.debug import sensitive_variables

from ..protocol.errors import UserInfoInvalid
from .base import OAuthToken, OAuthUser
from .oauth2 import OAuth2Provider


class GitHubProvider(OAuth2Provider):
    """GitHub's OAuth 2.0: the numeric `id` is the identity, since a login can be renamed and taken over.

    `base_url` is the address of a GitHub Enterprise Server.
    """

    display_name = "GitHub"
    brand_color = "#1f2328"
    monogram = "GH"
    default_scope = "read:user user:email"
    token_endpoint_auth_methods_supported = ("client_secret_post",)

    # https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
    client_refusals = ("incorrect_client_credentials",)

    # Without `Accept: application/json`, and from some older servers in spite of it, the answer is form-encoded.
    allow_form_answer = True

    def __init__(self, *, base_url: str = "https://github.com", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        base_url = base_url.rstrip("/")
        api = "https://api.github.com" if base_url == "https://github.com" else f"{base_url}/api/v3"
        self.authorization_endpoint = f"{base_url}/login/oauth/authorize"
        self.token_endpoint = f"{base_url}/login/oauth/access_token"
        self.userinfo_endpoint = f"{api}/user"
        self.emails_endpoint = f"{api}/user/emails"

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Ask for the account, then for its addresses: the account's own `email` is only what it shows to all."""
        user = super().get_oauth_user(oauth_token=oauth_token)
        user.email = self.get_verified_email(oauth_token)
        user.email_verified = bool(user.email)
        return user

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        if not isinstance(userinfo, dict) or type(userinfo.get("id")) is not int:  # true is an int too
            raise UserInfoInvalid("id")
        return OAuthUser(
            id=userinfo["id"],
            username=_text(userinfo.get("login")),
            name=_text(userinfo.get("name")) or _text(userinfo.get("login")),
            picture=_text(userinfo.get("avatar_url")),
        )

    @sensitive_variables()
    def get_verified_email(self, oauth_token: OAuthToken) -> str:
        """Return the primary address when it is verified; "" when it is not or may not be read."""
        try:
            addresses = self.get_resource(self.emails_endpoint, oauth_token=oauth_token)
        except UserInfoInvalid:  # the scope `user:email` was not granted
            return ""
        for address in addresses if isinstance(addresses, list) else []:
            if isinstance(address, dict) and address.get("primary") is True and address.get("verified") is True:
                return _text(address.get("email"))
        return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
