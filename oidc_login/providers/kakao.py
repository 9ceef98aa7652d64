"""Kakao (https://developers.kakao.com/docs/latest/en/kakaologin/rest-api)."""

from __future__ import annotations

from typing import Any

from oidc_login.providers.mapping import value_at
from oidc_login.providers.oauth2 import OAuth2Provider


class KakaoProvider(OAuth2Provider):
    """Kakao. The identity is the number. `client_id` is the app's REST API key."""

    display_name = "Kakao"
    brand_color = "#3c1e1e"
    monogram = "K"
    token_endpoint_auth_methods_supported = ("client_secret_post",)
    # https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#request-code-additional-consent
    scope_separator = ","

    authorization_endpoint = "https://kauth.kakao.com/oauth/authorize"
    token_endpoint = "https://kauth.kakao.com/oauth/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://kapi.kakao.com/v2/user/me"
    revocation_endpoint = "https://kapi.kakao.com/v1/user/unlink"
    revocation_method = "POST"  # https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#unlink
    api_base_url = "https://kapi.kakao.com"
    mapping = {
        "user_id": "id",
        "email": "kakao_account.email",
        "name": "kakao_account.profile.nickname",
        "picture": "kakao_account.profile.profile_image_url",
    }

    def stated_email_verified(self, userinfo: Any) -> Any:
        """A verified address may belong to somebody else by now, in which case it is no longer valid."""
        flags = [value_at(userinfo, f"kakao_account.{name}") for name in ("is_email_valid", "is_email_verified")]
        return all(flag is True for flag in flags)
