"""GitHub and GitHub Enterprise Server (https://docs.github.com/apps/oauth-apps/building-oauth-apps)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.client_auth import http_basic
from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.protocol.tokens import deletion_request, read_deletion_response
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class GitHubProvider(OAuth2Provider):
    """GitHub over OAuth 2.0. The identity is the numeric `id`, because logins can be renamed and reused.

    `base_url` is the address of a GitHub Enterprise Server.
    """

    display_name = "GitHub"
    brand_color = "#1f2328"
    monogram = "GH"
    default_scope = "read:user user:email"
    home = ("https://github.com", "https://api.github.com")
    token_endpoint_auth_methods_supported = ("client_secret_post",)

    # https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
    client_refusals = ("incorrect_client_credentials",)

    # The response is form-encoded without `Accept: application/json`, and on some older servers even with it.
    allow_form_answer = True

    # GitHub only lists the scope that includes the others
    # (https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
    included_scopes: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "repo": ("repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"),
        "user": ("read:user", "user:email", "user:follow"),
        "project": ("read:project",),
        **{
            f"admin:{name}": (f"write:{name}", f"read:{name}") for name in ("repo_hook", "org", "public_key", "gpg_key")
        },
        **{f"write:{name}": (f"read:{name}",) for name in ("repo_hook", "org", "public_key", "gpg_key", "packages")},
    }

    # Methods below replace the mapping and the revocation endpoint.
    unused_arguments = frozenset({"mapping", "revocation_endpoint"})

    def __init__(self, *, base_url: str = "https://github.com", **kwargs: Any) -> None:
        base_url = base_url.rstrip("/")
        api = "https://api.github.com" if base_url == "https://github.com" else f"{base_url}/api/v3"
        endpoints: Mapping[str, str] = {
            "authorization_endpoint": f"{base_url}/login/oauth/authorize",
            "token_endpoint": f"{base_url}/login/oauth/access_token",
            "userinfo_endpoint": f"{api}/user",
            "api_base_url": api,
        }
        super().__init__(**{**endpoints, **kwargs})
        self.emails_endpoint = f"{api}/user/emails"
        self.token_deletion_endpoint = f"{api}/applications/{quote(self.client_id, safe='')}/token"

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Fetch the account, then its addresses: `email` of the account is only the public address."""
        user = super().get_oauth_user(oauth_token=oauth_token)
        user.email = self.get_verified_email(oauth_token)
        user.email_verified = bool(user.email)
        return user

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        if not isinstance(userinfo, dict) or type(userinfo.get("id")) is not int:  # bool is a subclass of int
            raise UserInfoInvalid("id")
        return OAuthUser(
            id=userinfo["id"],
            username=_text(userinfo.get("login")),
            name=_text(userinfo.get("name")) or _text(userinfo.get("login")),
            picture=_text(userinfo.get("avatar_url")),
        )

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """GitHub separates scopes with commas, and omits those that another scope includes."""
        granted = super().granted_scopes(scope.replace(",", " "))
        return granted.union(*(self.included_scopes.get(name, ()) for name in granted))

    @sensitive_variables()
    def revoke_oauth_token(self, *, oauth_token: OAuthToken) -> None:
        """Delete the token with GitHub's API instead of RFC 7009 (REST: "Delete an app token")."""
        if not oauth_token.access_token:
            return
        request = deletion_request(
            self.token_deletion_endpoint,
            oauth_token.access_token,
            authentication=http_basic(self.client_id, self.current_secret()),
        )
        read_deletion_response(self.transport.send(request), now=time.time())

    @sensitive_variables()
    def get_verified_email(self, oauth_token: OAuthToken) -> str:
        """Return the verified primary address, or "" if it is not verified or cannot be read."""
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
