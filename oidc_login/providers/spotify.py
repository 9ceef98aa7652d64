"""Spotify (https://developer.spotify.com/documentation/web-api/tutorials/code-flow)."""

from __future__ import annotations

from .facts import Facts
from .oauth2 import OAuth2Provider


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
        register_as="An app with the *Web API*. For a site on your own machine write `http://127.0.0.1`: Spotify does "
        "not take `localhost`.",
        identity="`id`.",
        email="With the scope `user-read-email`. Spotify documents that nobody checked it, so it never counts as "
        "verified.",
        refresh="Access tokens live an hour and come with a refresh token.",
        caution="An app in development mode works for the people whom you have named.",
        sources=(
            "https://developer.spotify.com/documentation/web-api/tutorials/code-flow",
            "https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile",
        ),
    )
