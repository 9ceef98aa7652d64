"""YouTube (https://developers.google.com/youtube/v3/guides/auth/server-side-web-apps)."""

from __future__ import annotations

from typing import Any, Literal

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers.google import GoogleProvider
from oidc_login.providers.mapping import text_at, value_at
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class YouTubeProvider(OAuth2Provider):
    """The YouTube APIs. The identity is the Google account, because it need not have a channel."""

    display_name = "YouTube"
    brand_color = "#cc0000"
    monogram = "YT"
    default_scope = "openid email profile https://www.googleapis.com/auth/youtube.readonly"
    # https://developers.google.com/identity/protocols/oauth2/web-server#creatingclient
    default_authorization_params = {"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"}

    authorization_endpoint = "https://accounts.google.com/o/oauth2/v2/auth"
    token_endpoint = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://openidconnect.googleapis.com/v1/userinfo"
    revocation_endpoint = "https://oauth2.googleapis.com/revoke"
    channels_endpoint = "https://www.googleapis.com/youtube/v3/channels?part=snippet&mine=true"
    api_base_url = "https://www.googleapis.com/youtube/v3"
    mapping = {
        "user_id": "sub",
        "email": "email",
        "email_verified": "email_verified",
        "name": "name",
        "picture": "picture",
    }

    def __init__(self, *, identify_by: Literal["account", "channel"] = "account", **kwargs: Any) -> None:
        """Let the channel be the identity, for a site whose rows hold channels; then nobody signs in by it.

        A channel can be handed to another Google account, and several accounts can manage one.
        """
        super().__init__(**kwargs)
        if identify_by == "channel" and self.allow_login:
            raise ValueError("identify_by is 'channel', which others can be given: set allow_login to False")
        self.identify_by = identify_by

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Fetch the account, then its channel, which has its own name and picture."""
        user = super().get_oauth_user(oauth_token=oauth_token)
        channel = self.get_channel(oauth_token)
        user.username = text_at(channel, "snippet.customUrl").lstrip("@")
        user.name = text_at(channel, "snippet.title") or user.name
        user.picture = text_at(channel, "snippet.thumbnails.default.url") or user.picture
        if channel_id := text_at(channel, "id"):
            user.claims = {**user.claims, "youtube_channel": channel_id}
        if self.identify_by == "channel":
            if not channel_id:
                raise UserInfoInvalid("channel")
            user.id = channel_id
        return user

    @sensitive_variables()
    def get_channel(self, oauth_token: OAuthToken) -> Any:
        """Return the account's channel, or `None` if it has none or its scope was not granted."""
        try:
            return value_at(self.get_resource(self.channels_endpoint, oauth_token=oauth_token), "items.0")
        except UserInfoInvalid:
            return None

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """Google returns `email` and `profile` under other names, as for `GoogleProvider`."""
        granted = super().granted_scopes(scope)
        return granted | {short for name, short in GoogleProvider.scope_names.items() if name in granted}
