"""Google (https://developers.google.com/identity/openid-connect/openid-connect)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oidc_login.providers.oidc import OIDCProvider


class GoogleProvider(OIDCProvider):
    """Google accounts; `hosted_domain` lets only the members of one Workspace domain in ("*": of any)."""

    display_name = "Google"
    brand_color = "#1a56c4"
    default_discovery_url = "https://accounts.google.com/.well-known/openid-configuration"
    kept_claims = ("hd",)

    # Google's documentation allows both spellings of its issuer in an ID token.
    issuer_aliases = ("accounts.google.com",)

    # Access tokens can only be judged by asking Google, so the profile "google" has to be chosen in the settings.
    # https://developers.google.com/identity/protocols/oauth2/scopes#tokeninfo
    tokeninfo_endpoint = "https://oauth2.googleapis.com/tokeninfo"

    # https://developers.google.com/identity/protocols/oauth2/scopes#google-sign-in
    scope_names: ClassVar[Mapping[str, str]] = {
        "https://www.googleapis.com/auth/userinfo.email": "email",
        "https://www.googleapis.com/auth/userinfo.profile": "profile",
    }

    def __init__(self, *, hosted_domain: str = "", offline: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hosted_domain = hosted_domain.lower()
        self.offline = offline

    def get_authorization_url_params(self, *, request: Any) -> dict[str, Any]:
        parameters = {**super().get_authorization_url_params(request=request), "hd": self.hosted_domain or None}
        if not self.offline:
            return parameters
        # Only a consent brings a refresh token, and only the first one does so unasked.
        # https://developers.google.com/identity/protocols/oauth2/web-server#offline
        return {**parameters, "access_type": "offline", "prompt": self.prompt or "consent"}

    def check_claims(self, claims: Mapping[str, Any]) -> bool:
        """The parameter `hd` is a hint that the person can change: what counts is the claim."""
        if not self.hosted_domain:
            return True
        domain = claims.get("hd")
        if not isinstance(domain, str) or not domain:
            return False
        return self.hosted_domain in ("*", domain.lower())

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """Google is asked for `email` and `profile`, and calls them by their long names in its answer."""
        granted = super().granted_scopes(scope)
        return granted | {short for name, short in self.scope_names.items() if name in granted}
