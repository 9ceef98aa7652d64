"""Twitch (https://dev.twitch.tv/docs/authentication/getting-tokens-oidc)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oidc_login.providers.oidc import OIDCProvider

TOKEN_ERRORS = {
    **dict.fromkeys(("invalid authorization code", "invalid refresh token"), "invalid_grant"),
    **dict.fromkeys(("invalid client", "invalid client secret", "missing client secret"), "invalid_client"),
}
PROFILE = dict.fromkeys(("email", "email_verified", "picture", "preferred_username"))


class TwitchProvider(OIDCProvider):
    """Twitch. The parameter `claims` has to request every claim."""

    display_name = "Twitch"
    brand_color = "#7c2ff2"
    monogram = "T"
    default_scope = "openid user:read:email"
    default_discovery_url = "https://id.twitch.tv/oauth2/.well-known/openid-configuration"
    # https://dev.twitch.tv/docs/authentication/getting-tokens-oidc#requesting-claims
    default_claims: ClassVar[Mapping[str, Any]] = {"id_token": PROFILE, "userinfo": PROFILE}
    # https://dev.twitch.tv/docs/authentication/revoke-tokens
    default_metadata: ClassVar[Mapping[str, Any]] = {"revocation_endpoint": "https://id.twitch.tv/oauth2/revoke"}

    # https://dev.twitch.tv/docs/authentication/getting-tokens-oidc#oidc-authorization-code-grant-flow
    answers_silently = False  # Twitch does not support `prompt`

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Translate Twitch's errors, a status and a sentence, into codes of RFC 6749 5.2.

        https://dev.twitch.tv/docs/authentication/refresh-tokens#how-to-use-a-refresh-token
        """
        message = answer.get("message")
        if not isinstance(message, str):
            return answer
        return {"error": TOKEN_ERRORS.get(message.lower(), "invalid_request")}
