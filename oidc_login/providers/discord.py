"""Discord (https://discord.com/developers/docs/topics/oauth2)."""

from __future__ import annotations

from typing import Any

from oidc_login.providers.mapping import text_at
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class DiscordProvider(OAuth2Provider):
    """Discord. The identity is the snowflake `id`, because user names can change."""

    display_name = "Discord"
    brand_color = "#4752c4"
    monogram = "D"
    default_scope = "identify email"

    authorization_endpoint = "https://discord.com/oauth2/authorize"
    token_endpoint = "https://discord.com/api/oauth2/token"  # noqa: S105  # an address
    revocation_endpoint = "https://discord.com/api/oauth2/token/revoke"
    userinfo_endpoint = "https://discord.com/api/v10/users/@me"
    api_base_url = "https://discord.com/api/v10"
    mapping = {
        "user_id": "id",
        "email": "email",
        "email_verified": "verified",
        "username": "username",
        "name": "global_name",
    }

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Build the URL of the picture from its hash (https://discord.com/developers/docs/reference#image-formatting)."""
        user = super().user_from_userinfo(userinfo, oauth_token=oauth_token)
        if name := text_at(userinfo, "avatar"):
            kind = "gif" if name.startswith("a_") else "png"
            user.picture = f"https://cdn.discordapp.com/avatars/{user.id}/{name}.{kind}"
        return user
