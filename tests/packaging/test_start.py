"""What a site that installs the package imports when it starts, and what waits for its first use."""

from __future__ import annotations

from functools import cache

import pytest

from tests.packaging.start import DJANGO, LOAD_BACKENDS, MOZILLAS, OURS, run, start

MOST_AT_START = 60  # modules more than Django alone
MOST_WITH_BACKEND = 100  # modules more than mozilla-django-oidc's backend, whose hooks ours has

# Signing in needs them, starting does not.
NOT_AT_START = [
    "cryptography",
    "jwcrypto",
    "jwt",
    "mozilla_django_oidc",
    "oauthlib",
    "requests",
    "urllib3",
    "oidc_login.backends",
    "oidc_login.checks.arguments",
    "oidc_login.client",
    "oidc_login.flow",
    "oidc_login.middleware",
    "oidc_login.protocol.http.client",
    "oidc_login.providers",
    "oidc_login.signin.sign_in",
    "oidc_login.tokens",
    "oidc_login.urls",
    "oidc_login.views",
]
# The backend is loaded for every person who is signed in, however they signed in.
NOT_WITH_BACKEND = [
    "jwcrypto",
    "mozilla_django_oidc.middleware",
    "mozilla_django_oidc.views",
    "oauthlib",
    "oidc_login.checks.arguments",
    "oidc_login.client",
    "oidc_login.contrib",
    "oidc_login.middleware",
    "oidc_login.protocol.documents",
    "oidc_login.providers.oauth1",
    "oidc_login.providers.oauth2",
    "oidc_login.providers.oidc",
    "oidc_login.testing",
    "oidc_login.tokens",
    "oidc_login.urls",
    "oidc_login.views",
]


@cache
def at_start() -> frozenset[str]:
    return start(OURS).modules


@cache
def with_backend() -> frozenset[str]:
    return start(OURS, then=LOAD_BACKENDS).modules


@pytest.mark.parametrize("name", NOT_AT_START)
def test_site_starts_without(name: str) -> None:
    assert name not in at_start()


@pytest.mark.parametrize("name", NOT_WITH_BACKEND)
def test_backend_is_loaded_without(name: str) -> None:
    assert name not in with_backend()


def test_start_imports_little_more_than_django() -> None:
    assert "oidc_login.models" in at_start()
    assert len(at_start() - start(DJANGO).modules) <= MOST_AT_START


def test_backend_imports_little_more_than_the_class_it_derives_from() -> None:
    assert "oidc_login.backends" in with_backend()
    assert len(with_backend() - start(MOZILLAS, then=LOAD_BACKENDS).modules) <= MOST_WITH_BACKEND


FIRST_USES = """
import sys
import threading

from django.conf import settings

settings.configure(**%r)

import django

django.setup()

from django.contrib.auth import get_backends
from django.contrib.auth.models import User
from django.utils.module_loading import import_string

from oidc_login import sealing
from oidc_login.models import OAuthConnection
from oidc_login.registry import get_provider

PUBLIC_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}  # RFC 8037 A.2
USES = [
    get_backends,
    lambda: get_provider("company"),
    lambda: sealing.seal(b"", purpose="test", associated_data=b"", secrets=["secret"]),
    lambda: OAuthConnection(user=User(password="x")).can_be_disconnected(),
    lambda: OAuthConnection().oauth_token,
    lambda: import_string("oidc_login.views.begin.LoginView"),
    lambda: import_string("oidc_login.middleware.SessionRefresh"),
    lambda: import_string("oidc_login.protocol.jose.import_public_key")(PUBLIC_KEY),
]
begin = threading.Barrier(2 * len(USES))
sys.setswitchinterval(1e-5)


def first_use(use):
    begin.wait()
    try:
        use()
    except BaseException as error:
        print(type(error).__name__, error)


threads = [threading.Thread(target=first_use, args=(use,)) for use in USES * 2]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_first_requests_at_once_import_without_getting_in_each_others_way() -> None:
    """Python refuses an import for which two threads wait for each other."""
    assert run(FIRST_USES % OURS) == ""
