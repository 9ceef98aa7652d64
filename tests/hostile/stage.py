"""Where the rows are played: a sign-in with one thing changed, judged by its outcome and by what must not change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.providers import OAuthToken
from tests.hostile.rows import Row
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

# Longer than unknown keys may not cause another fetch of the key set.
AFTER_THE_COOL_DOWN = 31

# The endpoints that a sign-in asks, in order; nothing is asked after an answer that is refused.
ORDER = ("discovery", "token", "jwks", "userinfo")
LAST_ASKED = {
    "metadata_invalid": "jwks",
    "state_missing": "discovery",
    "state_unknown": "discovery",
    "state_used": "discovery",
    "parameter_invalid": "discovery",
    "iss_mismatch": "discovery",
    "provider_error": "discovery",
    "provider_mismatch": "discovery",
    "cancelled": "discovery",
    "code_refused": "token",
    "client_refused": "token",
    "token_response_invalid": "token",
    "id_token_invalid": "jwks",
}


class Stage:
    """A site, its provider, and people who come by."""

    def __init__(
        self, op: RecordingOpenIDProvider, settings: Settings, witness: Witness, later: Callable[[float], None]
    ) -> None:
        self.op = op
        self.witness = witness
        self.later = later
        self._settings = settings
        self._as_configured = settings.OIDC_LOGIN_PROVIDERS
        self.configure(userinfo="always")

    def configure(self, **arguments: Any) -> None:
        configure(self._settings, "op", **arguments)

    def keep_configuration(self) -> None:
        """What is configured now is the site that a good sign-in has to work with."""
        self._as_configured = self._settings.OIDC_LOGIN_PROVIDERS

    def prepare(self, row: Row) -> None:
        for name, value in row.provider.items():
            setattr(self.op, name, value)
        if row.site:
            self.configure(**row.site)
        for endpoint, change in row.bends.items():
            self.op.bend(endpoint, change)

    def refuse(self, row: Row, *, visitors: int = 2) -> None:
        """Play a row that must be refused: for a stranger, and for somebody who is signed in as somebody else."""
        self.prepare(row)
        self._refuse(row, Browser())
        if visitors == 2:
            remember_alice(self.op)
            self._refuse(row, signed_in_browser())
        self.recover()

    def _refuse(self, row: Row, browser: Browser) -> None:
        if row.at == "begin":
            self.op.clear()
            with self.witness.nothing_changed(browser) as failure:
                failure.response = browser.begin()
            assert "Location" not in failure.response
            assert not browser.flow_cookies
        else:
            answer = browser.authorize(self.op, browser.begin(), row.user)
            self.op.clear()
            with self.witness.nothing_changed(browser, uses_flow=row.uses_flow) as failure:
                failure.response = landed(browser, browser.end(answer))
        assert failure.seen == row.seen, failure.errors
        assert_asked_no_further(self.op, failure.code)
        assert (failure.status == 503) is ("Retry-After" in failure.response)

    def pass_time(self, seconds: float) -> None:
        """Let time pass for both the site and the provider."""
        self.later(seconds)
        self.op.now = lambda: time.time()

    def recover(self) -> None:
        """Somebody else's good sign-in works as soon as the provider is well again."""
        self.op.reset()
        self._settings.OIDC_LOGIN_PROVIDERS = self._as_configured
        self.later(AFTER_THE_COOL_DOWN)
        browser = Browser()
        response = landed(browser, browser.sign_in(self.op, user="bob"))
        assert response.status_code == 302 and browser.user is not None

    def accept(self, row: Row) -> Browser:
        """Play a row that must work: a person signs up, and signs in again."""
        self.prepare(row)
        browser = Browser()
        for browser in (Browser(), Browser()):
            self.op.clear()
            response = landed(browser, browser.end(browser.authorize(self.op, browser.begin(), row.user)))
            assert (response.status_code, response.get("Location")) == (302, "/"), self.witness.errors
            assert browser.user is not None
            assert self.op.asked().count("token") == 1
            self.witness.assert_no_secrets(browser, response)
        assert OAuthConnection.objects.count() == get_user_model().objects.count() == 1
        return browser


def landed(browser: Browser, response: Any) -> Any:
    """Follow the one step that an answer by form_post takes from the callback to itself."""
    if response.status_code == 303:
        return browser.get(response["Location"])
    return response


def signed_in_browser() -> Browser:
    """Somebody who is signed in with a password."""
    browser = Browser()
    browser.log_in(get_user_model().objects.create_user("somebody"))
    return browser


def remember_alice(op: RecordingOpenIDProvider) -> OAuthConnection:
    """Alice has signed in before; her tokens are stored."""
    connection = OAuthConnection(
        user=get_user_model().objects.create_user("alice-of-before"),
        provider_key="op",
        issuer=op.issuer,
        provider_user_id=ALICE.sub,
        link_reason="signed_up",
    )
    connection.set_token(OAuthToken(access_token="stored access token", refresh_token="stored refresh token"))
    connection.save(force_insert=True)
    return connection


def assert_asked_no_further(op: RecordingOpenIDProvider, code: str) -> None:
    """A bad answer ends the matter: no later endpoint is asked, and the code is posted once at most."""
    asked = op.asked()
    assert asked.count("token") <= 1
    if code in LAST_ASKED:
        later = ORDER[ORDER.index(LAST_ASKED[code]) + 1 :]
        assert not set(asked) & set(later), asked
