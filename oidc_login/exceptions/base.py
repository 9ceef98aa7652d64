"""The base class of errors that can end a sign-in."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import SuspiciousOperation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oidc_login.protocol.errors import Evidence

Text = str | Promise


class OAuthError(SuspiciousOperation):
    """A sign-in, a connect or an API call that cannot continue.

    `reason` names, for logs, what was wrong: a claim, a parameter, an error code; never a value.
    `connection_id` is the key of the stored connection that it is about, where there is one. `evidence` is what a rule
    expected and what it found, for the page that is shown under `DEBUG`. A site may raise this class itself, or a
    subclass of its own: people then see the text that it gives, unless the subclass has a `message`.
    """

    status_code: ClassVar[int] = 400
    code: ClassVar[str] = "error"
    message: Text = _("Signing in did not work. Please try again.")
    template_name: ClassVar[str] = "oidc_login/error.html"

    def __init__(self, reason: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(reason)
        if reason and self._has_words_of_the_site():
            self.message = reason
        self.reason = reason
        self.retry_after = retry_after
        self.connection_id: object = None
        self.evidence: Evidence | None = None

    def _has_words_of_the_site(self) -> bool:
        """Whether the reason is written for people: the package's own subclasses have a `message`, or are internal."""
        own = type(self)
        if own is OAuthError:
            return True
        return own.message is OAuthError.message and not own.__module__.startswith("oidc_login.")

    def __str__(self) -> str:
        return str(self.message)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.code} {self.reason}>".replace(" >", ">")
