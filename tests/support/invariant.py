"""What holds after every failure: nothing is written, nobody is signed in or out, nothing secret is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages

from oidc_login import signals
from oidc_login.exceptions import OAuthError
from oidc_login.flow.memory import was_used
from oidc_login.flow.pending import state_hash
from oidc_login.models import OAuthConnection
from tests.support.browser import Browser

# Every claim that no page and no record may repeat holds this word.
CANARY = "canary"
MIN_SECRET_LENGTH = 12


@dataclass
class Failure:
    """What became of a sign-in: the response, which a test sets, and the errors that were told to the site."""

    response: Any = None
    errors: list[OAuthError] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.response.status_code)

    @property
    def code(self) -> str:
        """The stable code of the one error."""
        assert len(self.errors) == 1, self.errors
        return self.errors[0].code

    @property
    def seen(self) -> tuple[int, str]:
        """What contract and documentation say of a failure: status and code."""
        return self.status, self.code


NothingChanged = Callable[..., AbstractContextManager[Failure]]


class Witness:
    """Sees what the log, the signals and the provider saw during one test."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.caplog = caplog
        self.providers: list[Any] = []
        self.errors: list[OAuthError] = []
        caplog.set_level(logging.DEBUG)

    def note_error(self, *, error: OAuthError, **kwargs: Any) -> None:
        self.errors.append(error)

    @contextmanager
    def nothing_changed(self, browser: Browser, *, uses_flow: bool = True) -> Iterator[Failure]:
        """Hold the invariant around one failing request; see the module.

        `uses_flow=False`: the flow that the answer names is not this browser's, or could not be taken.
        """
        failure = Failure()
        before, browser.named = _state_of_the_site(browser), []
        flows, errors_before = dict(browser.flow_cookies), len(self.errors)
        yield failure
        failure.errors = self.errors[errors_before:]
        assert failure.response is not None, "the test sets failure.response"
        assert failure.status != 500 or failure.code == "site_misconfigured", self.caplog.text
        assert _state_of_the_site(browser) == before
        _check_flows(browser, flows, uses_flow=uses_flow)
        self.assert_no_secrets(browser, failure.response, failure.errors)

    def assert_no_secrets(self, browser: Browser, response: Any = None, errors: Iterable[BaseException] = ()) -> None:
        """Look for everything secret wherever it might have got to."""
        told = {
            "log": "\n".join(map(_everything_in, self.caplog.records)),
            "errors": "\n".join(text for error in errors for text in _texts_of(error)),
        }
        if response is not None:
            told["page"] = response.content.decode(errors="replace")
            told["headers"] = repr(dict(response.headers))
            request = getattr(response, "wsgi_request", None)
            told["messages"] = " ".join(map(str, get_messages(request))) if request is not None else ""
        for secret in self.secrets(browser):
            for place, text in told.items():
                assert secret not in text, f"{secret!r} in {place}: {text[:2000]}"

    def secrets(self, browser: Browser) -> set[str]:
        """Everything that only the provider, the site's server and the person's own browser may know."""
        found = set(browser.codes) | set(browser.named)
        for begun in browser.begun:
            found |= {begun.get(name, "") for name in ("state", "nonce", "code_challenge")}
        for provider in self.providers:
            found |= provider.secrets()
        found |= {quote(secret, safe="") for secret in found}
        return {CANARY, *(secret for secret in found if len(secret) >= MIN_SECRET_LENGTH)}


def secrets_of_requests(requests: Iterable[Any]) -> set[str]:
    """What the site sent to the provider: verifier, code, client credentials, tokens."""
    found: set[str] = set()
    for request in requests:
        found |= {value for name, value in parse_qsl(request.body.decode()) if name in _SECRET_PARAMETERS}
        found.add(request.headers.get("authorization", "").partition(" ")[2])
    return found


def secrets_of_answer(answer: Any) -> set[str]:
    """The tokens of a token response, and each part of a signed one."""
    if not isinstance(answer, dict):
        return set()
    tokens = {value for name, value in answer.items() if name.endswith("_token") and isinstance(value, str)}
    return tokens | {part for token in tokens if token.count(".") == 2 for part in token.split(".")[1:]}


_SECRET_PARAMETERS = {"code", "code_verifier", "client_secret", "refresh_token", "client_assertion"}


def _state_of_the_site(browser: Browser) -> dict[str, Any]:
    return {
        "users": list(get_user_model()._default_manager.order_by("pk").values()),
        "connections": list(OAuthConnection.objects.order_by("pk").values()),
        "session key": browser.session_key,
        "signed in": browser.user,
    }


def _check_flows(browser: Browser, before: dict[str, str], *, uses_flow: bool) -> None:
    named = {name for state in browser.named for name in before if state_hash(state)[:16] in name}
    if not uses_flow or len(browser.named) != 1:
        named = set()
    assert set(browser.flow_cookies) == set(before) - named
    for state in browser.named if named else ():
        assert was_used(state), "the flow could be used again"
    for begun in browser.begun:
        if any(state_hash(begun["state"])[:16] in name for name in set(before) - named):
            assert not was_used(begun["state"]), "another tab's flow was used up"


def _everything_in(record: logging.LogRecord) -> str:
    parts = [record.getMessage(), *(f"{name}={value!r}" for name, value in vars(record).items() if name != "exc_info")]
    if record.exc_info:
        parts.append(logging.Formatter().formatException(record.exc_info))
    return "\n".join(parts)


def _texts_of(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield f"{error} {error!r} {error.args!r}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@contextmanager
def listening(witness: Witness) -> Iterator[Witness]:
    """Let the witness hear of every failed sign-in."""
    signals.login_failed.connect(witness.note_error)
    try:
        yield witness
    finally:
        signals.login_failed.disconnect(witness.note_error)
