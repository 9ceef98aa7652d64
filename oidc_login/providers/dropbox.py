"""Dropbox (https://developers.dropbox.com/oauth-guide)."""

from __future__ import annotations

from oidc_login.providers.oauth2 import OAuth2Provider


class DropboxProvider(OAuth2Provider):
    """Dropbox. The identity is the `account_id`."""

    display_name = "Dropbox"
    brand_color = "#0061ff"
    monogram = "DB"
    default_scope = "account_info.read"
    # https://developers.dropbox.com/oauth-guide#using-refresh-tokens
    default_authorization_params = {"token_access_type": "offline"}

    authorization_endpoint = "https://www.dropbox.com/oauth2/authorize"
    token_endpoint = "https://api.dropboxapi.com/oauth2/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.dropboxapi.com/2/users/get_current_account"
    revocation_endpoint = "https://api.dropboxapi.com/2/auth/token/revoke"
    api_base_url = "https://api.dropboxapi.com/2"
    mapping = {
        "user_id": "account_id",
        "email": "email",
        "email_verified": "email_verified",
        "name": "name.display_name",
        "picture": "profile_photo_url",
    }

    # The API has no GET requests, and revokes tokens with its own call (https://www.dropbox.com/developers/documentation/http).
    userinfo_method = "POST"
    revocation_method = "POST"
