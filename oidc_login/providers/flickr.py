"""Flickr (https://www.flickr.com/services/api/auth.oauth.html)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oidc_login.providers.oauth1 import OAuth1Provider
from oidc_login.providers.values import OAuthUser

if TYPE_CHECKING:
    from django.http import HttpRequest

PERMISSIONS = ("read", "write", "delete")  # each one includes the ones before it


class FlickrProvider(OAuth1Provider):
    """Flickr. The identity is the NSID. `scope` is Flickr's `perms`: read, write or delete."""

    display_name = "Flickr"
    brand_color = "#0057c2"
    monogram = "F"
    default_scope = "read"

    request_token_endpoint = "https://www.flickr.com/services/oauth/request_token"  # noqa: S105  # an address
    authorization_endpoint = "https://www.flickr.com/services/oauth/authorize"
    access_token_endpoint = "https://www.flickr.com/services/oauth/access_token"  # noqa: S105  # an address

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        """Request only the broadest permission: Flickr accepts one, and it includes the others."""
        asked = self.asked_scope(request).split()
        return {"perms": next((name for name in reversed(PERMISSIONS) if name in asked), None)}

    def granted_scopes(self, scope: str) -> frozenset[str]:
        granted = super().granted_scopes(scope)
        highest = max((PERMISSIONS.index(name) + 1 for name in granted if name in PERMISSIONS), default=0)
        return granted | set(PERMISSIONS[:highest])

    def user_from_token(self, extras: Mapping[str, str]) -> OAuthUser:
        username = extras.get("username", "")
        return OAuthUser(id=extras.get("user_nsid", ""), username=username, name=extras.get("fullname", "") or username)
