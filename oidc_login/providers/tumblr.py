"""Tumblr (https://www.tumblr.com/docs/en/api/v2)."""

from __future__ import annotations

from typing import Any

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers.oauth1 import OAuth1Provider, members, text
from oidc_login.providers.values import OAuthToken, OAuthUser


class TumblrProvider(OAuth1Provider):
    """Tumblr. The identity is the `uuid` of the primary blog, because its name can change."""

    display_name = "Tumblr"
    brand_color = "#001935"
    monogram = "T"

    request_token_endpoint = "https://www.tumblr.com/oauth/request_token"  # noqa: S105  # an address
    authorization_endpoint = "https://www.tumblr.com/oauth/authorize"
    access_token_endpoint = "https://www.tumblr.com/oauth/access_token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.tumblr.com/v2/user/info"

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        user = members(userinfo, "response", "user")
        blogs = user.get("blogs")
        if not isinstance(blogs, list):
            raise UserInfoInvalid("blogs")
        primary = [blog for blog in blogs if isinstance(blog, dict) and blog.get("primary") is True]
        if len(primary) != 1 or not text(primary[0].get("uuid")):
            raise UserInfoInvalid("uuid")
        username = text(user.get("name"))
        return OAuthUser(id=primary[0]["uuid"], username=username, name=text(primary[0].get("title")) or username)
