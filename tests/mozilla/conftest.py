"""Sites of mozilla-django-oidc, with its own classes unmodified, and the provider that they are registered at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.testing import User, serve
from oidc_login.testing.grants import Grant
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


SECRET = "a client secret of thirty-two bytes and more"
CALLBACK = "http://testserver/oidc/callback/"
ALICE = User("sub-of-alice", email="alice@example.org", preferred_username="alice", claims={"groups": ["admin"]})
BOB = User("sub-of-bob", email="bob@example.org", preferred_username="bob")

UPSTREAMS_BACKEND = "mozilla_django_oidc.auth.OIDCAuthenticationBackend"
OUR_BACKEND = "oidc_login.backends.OIDCLoginBackend"


class LegacyProvider(RecordingOpenIDProvider):
    """A company's directory, which says nothing of whether addresses are verified, unless a test has it say so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.states_verification = False

    def claims_of(self, grant: Grant, **options: Any) -> dict[str, Any]:
        claims = super().claims_of(grant, **options)
        return claims if self.states_verification else {n: v for n, v in claims.items() if n != "email_verified"}


@pytest.fixture(scope="session")
def served_legacy_op() -> Iterator[LegacyProvider]:
    """Registered there are the old redirect URI alone, and a client that posts its secret and knows no PKCE."""
    provider = LegacyProvider(
        client_id="the site",
        client_secret=SECRET,
        redirect_uris=[CALLBACK],
        token_endpoint_auth_method="client_secret_post",
        require_pkce=False,
    )
    with serve(provider):
        yield provider


@pytest.fixture
def legacy_op(served_legacy_op: LegacyProvider, witness: Witness) -> LegacyProvider:
    served_legacy_op.reset()
    witness.providers.append(served_legacy_op)
    for person in (ALICE, BOB):
        served_legacy_op.users.add(person)
    return served_legacy_op


Change = Callable[..., None]


@pytest.fixture
def documented(legacy_op: LegacyProvider, settings: Settings) -> None:
    """The settings that upstream's documentation asks for, with the algorithm that most providers sign with."""
    url = legacy_op.base_url
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "mozilla_django_oidc"]
    settings.OIDC_RP_CLIENT_ID = legacy_op.client_id
    settings.OIDC_RP_CLIENT_SECRET = SECRET
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = f"{url}/authorize"
    settings.OIDC_OP_TOKEN_ENDPOINT = f"{url}/token"
    settings.OIDC_OP_USER_ENDPOINT = f"{url}/userinfo"
    settings.OIDC_RP_SIGN_ALGO = "RS256"
    settings.OIDC_OP_JWKS_ENDPOINT = f"{url}/jwks"
    settings.LOGIN_REDIRECT_URL = settings.LOGOUT_REDIRECT_URL = "/"
    settings.LOGIN_URL = "oidc_authentication_init"


@pytest.fixture
def before(documented: None, settings: Settings) -> Change:
    def use(backend: str = UPSTREAMS_BACKEND) -> None:
        settings.AUTHENTICATION_BACKENDS = [backend]
        settings.ROOT_URLCONF = "tests.mozilla.urls_before"

    return use


@pytest.fixture
def after(documented: None, settings: Settings) -> Change:
    """Change the backend and the include, and nothing else."""

    def use(backend: str = OUR_BACKEND) -> None:
        settings.AUTHENTICATION_BACKENDS = [backend]
        settings.ROOT_URLCONF = "tests.mozilla.urls_after"

    return use


def sign_in_before(browser: Browser, op: RecordingOpenIDProvider, user: str = ALICE.sub) -> Any:
    """The way of upstream: a GET leads to the provider."""
    return browser.end(browser.authorize(op, browser.get("/oidc/authenticate/"), user))


def sign_in_after(
    browser: Browser, op: RecordingOpenIDProvider, user: str | None = ALICE.sub, *, next: str | None = None
) -> Any:
    return browser.end(browser.authorize(op, begin_after(browser, next=next), user))


def begin_after(browser: Browser, *, next: str | None = None) -> Any:
    browser.get("/oidc/authenticate/")
    return browser.begin("oidc", next=next)
