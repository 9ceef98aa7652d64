"""The fixtures of the whole suite: served providers, a browser, the invariant of every failure, and a clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.utils.log import AdminEmailHandler

from oidc_login.testing import serve
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness, listening
from tests.support.oauth1 import RecordingOAuth1, configure_photos
from tests.support.served import CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider, configure
from tests.support.signals import ABOUT_CONNECTIONS, Heard, hearing

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture(scope="session")
def served_op() -> Iterator[RecordingOpenIDProvider]:
    provider = RecordingOpenIDProvider()
    with serve(provider):
        yield provider


@pytest.fixture(scope="session")
def served_github() -> Iterator[RecordingGitHub]:
    provider = RecordingGitHub()
    with serve(provider):
        yield provider


@pytest.fixture(scope="session")
def served_photos() -> Iterator[RecordingOAuth1]:
    provider = RecordingOAuth1()
    with serve(provider):
        yield provider


@pytest.fixture
def op(served_op: RecordingOpenIDProvider, settings: Settings, witness: Witness) -> RecordingOpenIDProvider:
    """An OpenID provider over real HTTP; the site knows it as "op"."""
    served_op.reset()
    witness.providers.append(served_op)
    configure(settings, "op", issuer=served_op.issuer, client_id="client", client_secret=CLIENT_SECRET)
    return served_op


@pytest.fixture
def github(served_github: RecordingGitHub, settings: Settings, witness: Witness) -> RecordingGitHub:
    """A provider like GitHub over real HTTP; the site knows it as "github"."""
    served_github.reset()
    witness.providers.append(served_github)
    configure(
        settings,
        "github",
        **{
            "class": "oidc_login.providers.GitHubProvider",
            "base_url": served_github.base_url,
            "client_id": "client",
            "client_secret": CLIENT_SECRET,
        },
    )
    return served_github


@pytest.fixture
def photos(served_photos: RecordingOAuth1, settings: Settings, witness: Witness) -> RecordingOAuth1:
    """A provider of OAuth 1.0 over real HTTP; the site knows it as "photos"."""
    served_photos.reset()
    witness.providers.append(served_photos)
    configure_photos(settings, served_photos)
    return served_photos


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def witness(caplog: pytest.LogCaptureFixture) -> Iterator[Witness]:
    """Sees logs from DEBUG on, errors as the site hears of them, and what was secret."""
    with listening(Witness(caplog)) as hears:
        yield hears


@pytest.fixture
def assert_nothing_changed(witness: Witness) -> NothingChanged:
    """The invariant of every failure, around one request:

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == (400, "state_used")
    """
    return witness.nothing_changed


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The signals about people and their connections, in order."""
    with hearing(*ABOUT_CONNECTIONS) as heard:
        yield heard


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds pass, for the site alone: the providers keep the clock they were made with."""

    def pass_seconds(seconds: float) -> None:
        shifted = time.time() + seconds
        monkeypatch.setattr(time, "time", lambda: shifted)

    return pass_seconds


@pytest.fixture
def mails_to_admins(settings: Settings) -> Iterator[None]:
    """Errors are mailed with their debug page, as a site in production has it."""
    settings.ADMINS = [("Admin", "admin@example.org")]
    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.ERROR)
    loggers = [logging.getLogger(name) for name in ("django.request", "oidc_login")]
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)
