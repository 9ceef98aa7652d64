"""A site with views of its own, its visitors, and the providers that it has registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.handlers.wsgi import WSGIHandler

from oidc_login.client import OAuth
from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.testing import serve
from tests.client import site
from tests.support.invariant import Witness
from tests.support.oauth1 import RecordingOAuth1
from tests.support.served import CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


CALLBACK = "http://testserver/authorize"
Register = Callable[..., DjangoOAuth2App]


@pytest.fixture(autouse=True)
def own_views(settings: Settings) -> None:
    """No database: sessions live in the cache."""
    settings.ROOT_URLCONF = "tests.client.site"
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.AUTHLIB_OAUTH_CLIENTS = {}
    site.StoredToken.rows.clear()


@pytest.fixture
def witness(caplog: pytest.LogCaptureFixture) -> Witness:
    return Witness(caplog)


@pytest.fixture
def op(served_op: RecordingOpenIDProvider, settings: Settings, witness: Witness) -> RecordingOpenIDProvider:
    """An OpenID provider; the site has it as "company"."""
    served_op.reset()
    witness.providers.append(served_op)
    settings.AUTHLIB_OAUTH_CLIENTS = {**settings.AUTHLIB_OAUTH_CLIENTS, "company": company(served_op)}
    return served_op


def company(op: RecordingOpenIDProvider) -> dict[str, Any]:
    """What that documentation writes for an OpenID provider."""
    return {
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
        "server_metadata_url": op.discovery_url,
        "api_base_url": f"{op.issuer}/",
        "client_kwargs": {"scope": "openid email profile"},
    }


@pytest.fixture
def github(served_github: RecordingGitHub, settings: Settings, witness: Witness) -> RecordingGitHub:
    """An OAuth 2.0 provider; the site has it as "forge"."""
    served_github.reset()
    witness.providers.append(served_github)
    forge = {
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
        "access_token_url": served_github.token_endpoint,
        "access_token_params": None,
        "refresh_token_url": None,
        "authorize_url": served_github.authorization_endpoint,
        "api_base_url": f"{served_github.base_url}/",
        "client_kwargs": {"scope": "user:email", "token_endpoint_auth_method": "client_secret_post"},
    }
    settings.AUTHLIB_OAUTH_CLIENTS = {**settings.AUTHLIB_OAUTH_CLIENTS, "forge": forge}
    return served_github


@pytest.fixture
def photos(served_photos: RecordingOAuth1, settings: Settings, witness: Witness) -> RecordingOAuth1:
    """An OAuth 1.0 provider; the site has it as "twitter"."""
    served_photos.reset()
    witness.providers.append(served_photos)
    settings.AUTHLIB_OAUTH_CLIENTS = {**settings.AUTHLIB_OAUTH_CLIENTS, "twitter": twitter(served_photos)}
    return served_photos


def twitter(photos: RecordingOAuth1) -> dict[str, Any]:
    """What that documentation writes for an OAuth 1.0 provider."""
    return {
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
        "request_token_url": photos.request_token_endpoint,
        "request_token_params": None,
        "access_token_url": photos.access_token_endpoint,
        "access_token_params": None,
        "refresh_token_url": None,
        "authorize_url": photos.authorization_endpoint,
        "api_base_url": f"{photos.base_url}/",
        "client_kwargs": None,
    }


@pytest.fixture
def register(op: RecordingOpenIDProvider) -> Register:
    """Register a client of the provider in a registry of its own, with changes."""

    def make(name: str = "own", **changes: Any) -> DjangoOAuth2App:
        client: DjangoOAuth2App = OAuth().register(name, **{**company(op), **changes})
        return client

    return make


class Visitor:
    """A person's browser on the site as it is served, over HTTP."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()

    def get(self, url: str) -> requests.Response:
        return self.http.get(self._absolute(url), allow_redirects=False, timeout=10)

    def post(self, url: str, data: Any) -> requests.Response:
        return self.http.post(self._absolute(url), data=data, allow_redirects=False, timeout=10)

    def _absolute(self, url: str) -> str:
        return url if urlsplit(url).scheme else self.base_url + url

    @property
    def user(self) -> Any:
        """What the site keeps of the person."""
        return self.get("/").json()


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with serve(WSGIHandler()) as base_url:
        yield Visitor(base_url)
