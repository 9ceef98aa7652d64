"""Google (https://developers.google.com/identity/openid-connect/openid-connect)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oidc_login.providers.oidc import OIDCProvider


class GoogleProvider(OIDCProvider):
    """Google accounts. `hosted_domain` only admits members of one Workspace domain ("*": of any Workspace domain)."""

    display_name = "Google"
    brand_color = "#1a56c4"
    default_discovery_url = "https://accounts.google.com/.well-known/openid-configuration"
    kept_claims = ("hd",)
    # https://developers.google.com/identity/gsi/web/guides/client-library
    one_tap_script = "https://accounts.google.com/gsi/client"

    # Google's documentation allows both spellings of its issuer in an ID token.
    issuer_aliases = ("accounts.google.com",)

    # Only Google can validate its access tokens, so a site has to choose the profile "google" in the settings.
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
        # Google only sends a refresh token after a consent, and only shows the first consent without being asked to.
        # https://developers.google.com/identity/protocols/oauth2/web-server#offline
        return {**parameters, "access_type": "offline", "prompt": self.prompt or "consent"}

    def check_claims(self, claims: Mapping[str, Any]) -> bool:
        """The parameter `hd` is only a hint that the person can change, so check the claim."""
        if not self.hosted_domain:
            return True
        domain = claims.get("hd")
        if not isinstance(domain, str) or not domain:
            return False
        return self.hosted_domain in ("*", domain.lower())

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """Google returns the scopes `email` and `profile` under their long names."""
        granted = super().granted_scopes(scope)
        return granted | {short for name, short in self.scope_names.items() if name in granted}
