"""Discogs (https://www.discogs.com/developers)."""

from __future__ import annotations

from typing import Any

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers.oauth1 import OAuth1Provider, members, text
from oidc_login.providers.values import OAuthToken, OAuthUser


class DiscogsProvider(OAuth1Provider):
    """Discogs. The identity is the numeric `id`. `user_agent` is the name of your site in requests."""

    display_name = "Discogs"
    brand_color = "#333333"
    monogram = "D"

    request_token_endpoint = "https://api.discogs.com/oauth/request_token"  # noqa: S105  # an address
    authorization_endpoint = "https://www.discogs.com/oauth/authorize"
    access_token_endpoint = "https://api.discogs.com/oauth/access_token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.discogs.com/oauth/identity"

    def __init__(self, *, user_agent: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request_headers = {"User-Agent": user_agent} if user_agent else {}

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        person = members(userinfo)
        if type(person.get("id")) is not int:  # bool is a subclass of int
            raise UserInfoInvalid("id")
        return OAuthUser(id=person["id"], username=text(person.get("username")))
