"""An OAuth 1.0 provider for the tests of sign-ins, and a provider class as a site writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oidc_login.providers import OAuth1Provider, OAuthToken, OAuthUser
from oidc_login.testing import OAuth1StyleProvider
from tests.support.rsa_key import PUBLIC_KEY
from tests.support.served import CLIENT_SECRET, PEOPLE, Recording, configure

if TYPE_CHECKING:
    from django.http import HttpRequest
    from pytest_django import Settings


class RecordingOAuth1(Recording, OAuth1StyleProvider):
    """Knows every token and secret that it ever gave away or was sent."""

    def __init__(self) -> None:
        self.given_away: set[str] = set()
        super().__init__(client_public_key=PUBLIC_KEY)

    def bent(self, name: str, value: Any) -> Any:
        self._note()
        return super().bent(name, value)

    def _note(self) -> None:
        for held in (self.request_tokens, self.access_tokens):
            for token, credentials in held.items():
                self.given_away |= {token, credentials.secret, credentials.verifier}

    def secrets(self) -> set[str]:
        signatures = {request.headers.get("authorization", "") for request in self.requests}
        return super().secrets() | self.given_away | signatures

    def reset(self) -> None:
        super().reset()
        self.given_away = set()
        self.forget()


class PhotosProvider(OAuth1Provider):
    """A provider class of a site; `site` is where the test's provider was served."""

    def __init__(self, *, site: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request_token_endpoint = f"{site}/oauth/request_token"
        self.authorization_endpoint = f"{site}/oauth/authorize"
        self.access_token_endpoint = f"{site}/oauth/access_token"
        self.userinfo_endpoint = f"{site}/user"

    def get_request_token_params(self, *, request: HttpRequest) -> dict[str, str]:
        return {"access": "read only"}

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        return OAuthUser(
            id=userinfo["id"],
            username=userinfo["screen_name"],
            name=userinfo["name"],
            email=userinfo.get("email", ""),
        )


class NamedByTokenProvider(PhotosProvider):
    """Whoever comes is named by the answer with the access token."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.userinfo_endpoint = ""


def configure_photos(settings: Settings, provider: OAuth1StyleProvider, key: str = "photos", **arguments: Any) -> None:
    """Let the site know the served provider by a key."""
    known = {
        "class": "tests.support.oauth1.PhotosProvider",
        "site": provider.base_url,
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
    }
    configure(settings, key, **{**known, **arguments})


__all__ = ["CLIENT_SECRET", "PEOPLE", "NamedByTokenProvider", "PhotosProvider", "RecordingOAuth1", "configure_photos"]
