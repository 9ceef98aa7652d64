"""The system checks of OAuth 1.0 providers, also on a machine without the package that they need."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.providers import FlickrProvider, OAuth1Provider, OAuthUser
from tests.login.test_checks import ODD, messages, numbers, path_of
from tests.protocol.test_oauth1 import CLIENTS
from tests.support.rsa_key import PRIVATE_KEY

if TYPE_CHECKING:
    from pytest_django import Settings

SECRET = "canary secret of the client"
FLICKR = {"class": "oidc_login.providers.FlickrProvider", "client_id": "client", "client_secret": SECRET}
ELLIPTIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}


class Nowhere(OAuth1Provider):
    pass


class NamesNobody(FlickrProvider):
    userinfo_endpoint = "https://api.example/me"


class InClear(FlickrProvider):
    request_token_endpoint = "http://api.example/request_token"
    access_token_endpoint = "http://api.example/access_token"


class ByHand(OAuth1Provider):
    """Overrides instead of addresses."""

    authorization_endpoint = "https://api.example/authorize"

    def prepare_flow(self, *, request: Any) -> dict[str, str]:
        return {}

    def get_oauth_token(self, **kwargs: Any) -> Any: ...

    def get_oauth_user(self, **kwargs: Any) -> OAuthUser:
        return OAuthUser(id=1)


def flickr(**arguments: Any) -> dict[str, Any]:
    """Return settings with one provider; `...` leaves an argument out."""
    entry = {**FLICKR, **arguments}
    return {"flickr": {name: value for name, value in entry.items() if value is not ...}}


GOOD: dict[str, dict[str, Any]] = {
    "Flickr": flickr(scope="write"),
    "Tumblr": flickr(**{"class": "oidc_login.providers.TumblrProvider"}),
    "Trello": flickr(**{"class": "oidc_login.providers.TrelloProvider", "app_name": "Shop", "expiration": "30days"}),
    "Discogs": flickr(**{"class": "oidc_login.providers.DiscogsProvider", "user_agent": "Shop/1.0"}),
    "RSA-SHA1 and no secrets": flickr(client_secret=[], signature_method="RSA-SHA1", client_key=PRIVATE_KEY),
    "RSA-SHA1": flickr(client_secret=..., signature_method="RSA-SHA1", client_key=PRIVATE_KEY),
    "PLAINTEXT": flickr(signature_method="PLAINTEXT", signature_type="BODY", realm="Photos"),
    "several secrets": flickr(client_secret=["new", "old"]),
    "own class": flickr(**{"class": path_of(ByHand)}),
}

# What is written, the numbers of the messages, and what the first one names.
BAD: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "no secret": (flickr(client_secret=...), "E081", ("'flickr'", "HMAC-SHA1", "FLICKR_CLIENT_SECRET")),
    "empty secret": (flickr(client_secret="", signature_method="PLAINTEXT"), "E081", ("PLAINTEXT",)),
    "no secrets": (flickr(client_secret=[]), "E081", ("'flickr'", "HMAC-SHA1")),
    "secret is None": (flickr(client_secret=None), "E008", ("client_secret",)),
    "method misspelt": (flickr(signature_method="HMAC-SHA"), "E009", ("did you mean 'HMAC-SHA1'",)),
    "type misspelt": (flickr(signature_type="header"), "E009", ("'header'", "'HEADER'")),
    "realm is no text": (flickr(realm=5), "E007", ("realm", "int")),
    "realm with a quote": (flickr(realm='a"b'), "E018", ("FlickrProvider", "realm")),
    "RSA without a key": (flickr(signature_method="RSA-SHA1"), "E018", ("client_key",)),
    "RSA with another key": (
        flickr(signature_method="RSA-SHA1", client_key=ELLIPTIC_KEY),
        "E018",
        ("client_key is not an RSA key",),
    ),
    "secrets in URLs": (flickr(signature_method="PLAINTEXT", signature_type="QUERY"), "E018", ("URLs",)),
    "expiration": (
        flickr(**{"class": "oidc_login.providers.TrelloProvider", "expiration": "2days"}),
        "E018",
        ("expiration", "30days"),
    ),
    "class without addresses": (
        flickr(**{"class": path_of(Nowhere)}),
        "E019 E019 E019",
        ("Nowhere", "request_token_endpoint"),
    ),
    "class that names nobody": (flickr(**{"class": path_of(NamesNobody)}), "E019", ("user_from_userinfo",)),
    "class in clear": (flickr(**{"class": path_of(InClear)}), "E011 E011", ("request_token_endpoint",)),
    "one client twice": ({"a": FLICKR, "b": FLICKR}, "W001", ("'a'", "'b'")),
}


@pytest.mark.parametrize("providers", GOOD.values(), ids=GOOD)
def test_good_providers_give_no_message(providers: Any, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = providers

    assert messages() == []


@pytest.mark.parametrize(("providers", "expected", "names"), BAD.values(), ids=BAD)
def test_a_mistake_is_named(providers: Any, expected: str, names: tuple[str, ...], settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = providers

    found = messages()

    assert numbers(found) == expected.split()
    assert [name for name in names if name not in f"{found[0].msg} {found[0].hint}"] == []
    assert "canary" not in str(found) and ELLIPTIC_KEY["d"] not in str(found)


@pytest.mark.parametrize("name", ["signature_method", "signature_type", "client_key", "realm", "client_secret"])
def test_no_argument_makes_a_check_raise(name: str, settings: Settings) -> None:
    for value in ODD:
        settings.OIDC_LOGIN_PROVIDERS = flickr(**{name: value})

        assert all(str(found) for found in messages())


@pytest.mark.parametrize("changes", [row[1] for row in CLIENTS], ids=[row[0] for row in CLIENTS])
def test_provider_that_must_not_sign_is_none(changes: dict[str, str]) -> None:
    """Also where nobody ran the checks."""
    with pytest.raises(ValueError, match=r"\w"):
        FlickrProvider(provider_key="flickr", client_id="client", client_secret=SECRET, **changes)


# A machine without oauthlib


PROGRAM = """
import sys

sys.modules["oauthlib"] = None  # Python's way to say that there is none

from tests.settings import base

base.OIDC_LOGIN_PROVIDERS = {"flickr": %r, "op": {"issuer": "https://op.example", "client_id": "c"}}

import django

django.setup()

from django.core.checks import run_checks

for found in run_checks(tags=["oidc_login"], databases=[]):
    print(found.id, found.msg, found.hint)

from oidc_login import providers
from oidc_login.registry import get_provider

print(get_provider("op"))
"""


@pytest.mark.parametrize("path", ["oidc_login.providers.FlickrProvider", "tests.support.oauth1.PhotosProvider"])
def test_extra_that_is_not_installed_is_named_and_everything_else_works(path: str) -> None:
    program = PROGRAM % {**FLICKR, "class": path}
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DJANGO_SETTINGS_MODULE": "tests.settings.base",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )

    message, provider = done.stdout.strip().splitlines()
    assert message.startswith(
        f"oidc_login.E080 OIDC_LOGIN_PROVIDERS['flickr']: class {path!r} needs the package oauthlib"
    )
    assert message.endswith("pip install 'django-oidc-login[oauth1]'.")
    assert provider == "<OIDCProvider op>"


def test_nothing_of_it_is_imported_for_other_providers() -> None:
    program = (
        "import sys, oidc_login.providers as p; p.OAuth2Provider, p.OIDCProvider; "
        "print(*[name for name in sys.modules if 'oauth1' in name or name == 'oauthlib'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == ""
