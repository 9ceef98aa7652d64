"""Spotify (https://developer.spotify.com/documentation/web-api/tutorials/code-flow)."""

from __future__ import annotations

from oidc_login.providers.facts import Facts
from oidc_login.providers.oauth2 import OAuth2Provider


class SpotifyProvider(OAuth2Provider):
    """Spotify: the `id` is the identity, and the address is one that nobody checked."""

    display_name = "Spotify"
    brand_color = "#117a37"
    monogram = "S"
    default_scope = "user-read-email"

    authorization_endpoint = "https://accounts.spotify.com/authorize"
    token_endpoint = "https://accounts.spotify.com/api/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.spotify.com/v1/me"
    api_base_url = "https://api.spotify.com/v1"
    mapping = {"user_id": "id", "email": "email", "name": "display_name", "picture": "images.0.url"}

    facts = Facts(
        register_at="https://developer.spotify.com/dashboard",
        register_as="An app with the *Web API*. For local development use `http://127.0.0.1`, because Spotify does "
        "not accept `localhost`.",
        identity="`id`.",
        email="Requires the scope `user-read-email`. Spotify documents that the address is unverified, so it never "
        "counts as verified.",
        refresh="Access tokens last one hour and come with a refresh token.",
        caution="An app in development mode works only for the people you have listed.",
        sources=(
            "https://developer.spotify.com/documentation/web-api/tutorials/code-flow",
            "https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile",
        ),
    )
