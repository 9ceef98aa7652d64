"""Notion (https://developers.notion.com/docs/authorization)."""

from __future__ import annotations

from dataclasses import replace

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.http.client import Request
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken


class NotionProvider(OAuth2Provider):
    """Notion. The identity is the person behind the bot that the authorization creates."""

    display_name = "Notion"
    brand_color = "#191919"
    monogram = "N"
    default_authorization_params = {"owner": "user"}  # https://developers.notion.com/docs/authorization

    authorization_endpoint = "https://api.notion.com/v1/oauth/authorize"
    token_endpoint = "https://api.notion.com/v1/oauth/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.notion.com/v1/users/me"
    revocation_endpoint = "https://api.notion.com/v1/oauth/revoke"
    api_base_url = "https://api.notion.com/v1"
    mapping = {
        "user_id": "bot.owner.user.id",
        "email": "bot.owner.user.person.email",
        "name": "bot.owner.user.name",
        "picture": "bot.owner.user.avatar_url",
    }

    # https://developers.notion.com/reference/create-a-token documents JSON, and no PKCE parameters.
    sends_json = True
    uses_pkce = False
    request_headers = {"Notion-Version": "2022-06-28"}  # https://developers.notion.com/reference/versioning

    @sensitive_variables()
    def get_revocation_request(self, oauth_token: OAuthToken) -> Request:
        """Notion only revokes access tokens (https://developers.notion.com/reference/revoke-token)."""
        return super().get_revocation_request(replace(oauth_token, refresh_token=""))
