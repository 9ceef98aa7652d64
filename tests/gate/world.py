"""One site, its provider, a local account, and the person who comes by each entrance."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from tests.support.browser import Browser
from tests.support.served import ALICE, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

PASSWORDS = "django.contrib.auth.backends.ModelBackend"
ALLOWED = "allowed"
SIGNED_OUT = "signed out"


class Codes(logging.Handler):
    """Keeps the code of every refusal, as the log has it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        code = getattr(record, "code", None)
        if code:
            self.seen.append(str(code))


class World:
    """What the entrances and the rules share."""

    def __init__(self, op: RecordingOpenIDProvider, settings: Settings, codes: Codes) -> None:
        self.op = op
        self.settings = settings
        self.codes = codes
        self.key = "op"
        self.loaded: dict[str, Any] | None = None
        self.backends: list[type[OIDCLoginBackend]] = []
        self.use_backend(OIDCLoginBackend)
        settings.AUTHENTICATION_BACKENDS = [PASSWORDS, f"{__name__}.SiteBackend"]

    def configure(self, **arguments: Any) -> None:
        """Change the provider's entry, wherever it stands."""
        if self.loaded is not None:
            self.loaded[self.key] = {**self.loaded[self.key], **arguments}
        else:
            configure(self.settings, self.key, **arguments)

    def use_backend(self, backend: type[OIDCLoginBackend]) -> None:
        """Give the site's backend the hooks of this class too. Its path stays the same, and so do sessions."""
        self.backends.insert(0, backend)
        globals()["SiteBackend"] = type("SiteBackend", tuple(self.backends), {"__module__": __name__})

    # People and accounts.

    def open_account(self, username: str = "local") -> Any:
        return get_user_model().objects.create_user(username, ALICE.email, "password")

    def connect_alice(self, username: str = "local") -> Any:
        """Let the account have Alice's identity, as a sign-in with it has left it."""
        self.open_account(username)
        browser = Browser()
        browser.sign_in(self.op, self.key)
        assert OAuthConnection.objects.get().user.get_username() == username
        return browser

    # What came of it.

    def outcome(self, got_in: bool) -> str:
        """Return "allowed", or the code of the refusal."""
        if got_in:
            return ALLOWED
        return self.codes.seen[-1] if self.codes.seen else SIGNED_OUT

    def signed_in(self, browser: Browser, username: str = "local") -> str:
        user = browser.user
        return self.outcome(user is not None and user.get_username() == username)
