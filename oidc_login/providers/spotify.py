"""Spotify (https://developer.spotify.com/documentation/web-api/tutorials/code-flow)."""

from __future__ import annotations

from oidc_login.providers.oauth2 import OAuth2Provider


class SpotifyProvider(OAuth2Provider):
    """Spotify. The identity is the `id`. The address is not verified."""

    display_name = "Spotify"
    brand_color = "#117a37"
    monogram = "S"
    default_scope = "user-read-email"

    authorization_endpoint = "https://accounts.spotify.com/authorize"
    token_endpoint = "https://accounts.spotify.com/api/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.spotify.com/v1/me"
    api_base_url = "https://api.spotify.com/v1"
    mapping = {"user_id": "id", "email": "email", "name": "display_name", "picture": "images.0.url"}
