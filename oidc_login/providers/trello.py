"""Trello (https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/)."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.http.client import Request
from oidc_login.protocol.oauth1 import Token
from oidc_login.protocol.tokens import read_deletion_response
from oidc_login.providers.oauth1 import OAuth1Provider, members, text
from oidc_login.providers.values import OAuthToken, OAuthUser, PendingFlow

if TYPE_CHECKING:
    from django.http import HttpRequest

# The lifetimes of a token, in seconds.
EXPIRATIONS = {"1hour": 3600, "1day": 86_400, "30days": 30 * 86_400, "never": None}


class TrelloProvider(OAuth1Provider):
    """Trello. The identity is the `id` of the member.

    `app_name` is the name of your site on Trello's page. `expiration` is the lifetime of a token: one of `EXPIRATIONS`.
    """

    display_name = "Trello"
    brand_color = "#0052cc"
    monogram = "Tr"
    default_scope = "read"

    request_token_endpoint = "https://trello.com/1/OAuthGetRequestToken"  # noqa: S105  # an address
    authorization_endpoint = "https://trello.com/1/OAuthAuthorizeToken"
    access_token_endpoint = "https://trello.com/1/OAuthGetAccessToken"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.trello.com/1/members/me"
    tokens_endpoint = "https://api.trello.com/1/tokens"  # noqa: S105  # an address

    def __init__(self, *, app_name: str = "", expiration: str = "never", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if expiration not in EXPIRATIONS:
            raise ValueError(f"expiration is none of {', '.join(EXPIRATIONS)}")
        self.app_name = app_name
        self.expiration = expiration

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        scope = self.asked_scope(request).replace(",", " ").split()
        return {"name": self.app_name, "scope": ",".join(scope), "expiration": self.expiration}

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """Trello separates scopes with commas."""
        return super().granted_scopes(scope.replace(",", " "))

    def get_expiry(self, flow: PendingFlow) -> datetime | None:
        """Return the requested expiry, counted from the beginning of the flow; the response does not contain it."""
        lifetime = EXPIRATIONS[self.expiration]
        return None if lifetime is None else datetime.fromtimestamp(flow.begun_at + lifetime, tz=timezone.utc)

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        member = members(userinfo)
        username = text(member.get("username"))
        return OAuthUser(
            id=text(member.get("id")),
            email=text(member.get("email")),
            username=username,
            name=text(member.get("fullName")) or username,
        )

    @sensitive_variables()
    def revoke_oauth_token(self, *, oauth_token: OAuthToken) -> None:
        """Delete the token with Trello's API (REST: "Delete a Token")."""
        if not oauth_token.access_token:
            return
        token = Token.from_text(oauth_token.access_token)
        url = f"{self.tokens_endpoint}/{quote(token.token, safe='')}"
        response = self.send(Request(method="DELETE", url=url), token=token)
        if not self.refuses_token("", response.body.decode("utf-8", "replace")):
            read_deletion_response(response, now=time.time())

    def refuses_token(self, challenge: str, body: str) -> bool:
        return body.strip() in ("invalid token", "expired token")
