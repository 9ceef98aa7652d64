"""What operators see when the site itself fails in the middle of a logout: no token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail

from oidc_login.providers import OIDCProvider
from tests.logout.notices import notify, sid_of
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_to_admins")]

Op = RecordingOpenIDProvider


class FailingProvider(OIDCProvider):
    """A site's own class with a fault of its own, in each step of a logout."""

    def get_identity_issuer(self, claims: Any) -> str:
        if "events" in claims:
            raise RuntimeError("the site's own fault")
        return super().get_identity_issuer(claims)

    def get_end_session_url(self, **kwargs: Any) -> str:
        raise RuntimeError("the site's own fault")


def mailed() -> str:
    """Everything that went out by mail, the HTML parts included."""
    return "".join(str(sent.message()) + repr(vars(sent)) for sent in mail.outbox)


@pytest.mark.parametrize("debug", [False, True], ids=["mail", "debug page"])
def test_report_of_a_failed_logout_shows_no_logout_token(op: Op, settings: Settings, debug: bool) -> None:
    configure(settings, "op", **{"class": FailingProvider})
    Browser().sign_in(op)
    token = str(op.logout_token(user="alice", sid=sid_of(op)))
    settings.DEBUG = debug

    response = notify(token)

    shown = mailed() + response.content.decode()
    assert response.status_code == 500
    assert "own fault" in shown
    assert not [part for part in token.split(".") if part in shown]


@pytest.mark.parametrize("debug", [False, True], ids=["mail", "debug page"])
def test_report_of_a_failed_farewell_shows_no_id_token(op: Op, settings: Settings, debug: bool) -> None:
    configure(settings, "op", **{"class": FailingProvider})
    browser = Browser()
    browser.sign_in(op)
    settings.DEBUG = debug

    response = browser.post("/oauth/logout/")

    shown = mailed() + response.content.decode()
    assert response.status_code == 500
    assert not [part for part in op.answered[-1]["id_token"].split(".")[1:] if part in shown]
    assert browser.get("/").content == b""
