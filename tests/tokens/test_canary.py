"""No token anywhere: people sign in, tokens are used in every way that works or fails, and then all is searched."""

from __future__ import annotations

import logging
import pickle
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import ProgrammingError
from django.db import connection as database
from django.dispatch import Signal
from django.utils.log import AdminEmailHandler

from oidc_login import signals
from oidc_login.models import OAuthConnection
from oidc_login.registry import get_provider
from oidc_login.testing import Answer, serve
from tests.support.databases import failing
from tests.support.invariant import Witness
from tests.support.served import configure
from tests.tokens.canary import ALICE, BOB, SECRET, WORD, CanaryProvider, Evidence, Watched, secrets_of
from tests.tokens.conftest import granted

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.tokens.views")]

ADMIN = "/admin/oidc_login/oauthconnection/"
PLACES = {
    "pages",
    "logs",
    "mails",
    "exceptions",
    "reprs",
    "signals",
    "commands",
    "cache",
    "sessions",
    "dumpdata",
    "tables",
    "database files",
}


@pytest.fixture(scope="module")
def served_canaries() -> Iterator[CanaryProvider]:
    provider = CanaryProvider()
    with serve(provider):
        yield provider


@pytest.fixture
def op(served_canaries: CanaryProvider, settings: Settings, witness: Witness) -> CanaryProvider:
    served_canaries.mend()
    witness.providers.append(served_canaries)
    configure(settings, "op", issuer=served_canaries.issuer, client_id="client", client_secret=SECRET)
    return served_canaries


@pytest.fixture
def evidence(settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[Evidence]:
    """Logs from DEBUG on, also of SQL; mails to admins with local variables; signals."""
    found = Evidence()
    for name in ("django", "django.db.backends", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    settings.OIDC_LOGIN_NOTIFY = True
    settings.ADMINS = [("Admin", "admin@example.org")]
    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("django.request", "django.security", "oidc_login")]
    for logger in loggers:
        logger.addHandler(handler)
    heard = [value for value in vars(signals).values() if isinstance(value, Signal)]
    for signal in heard:
        signal.connect(found.add_signal)
    database.force_debug_cursor = True
    yield found
    database.force_debug_cursor = False
    for signal in heard:
        signal.disconnect(found.add_signal)
    for logger in loggers:
        logger.removeHandler(handler)


def echo(good: Answer, *, status: int = 400, error: str = "invalid_request") -> Answer:
    """An answer that repeats what it should not."""
    said = f"{good.json} {SECRET}"
    return Answer.of_json({"error": error, "error_description": said, "error_uri": said}, status=status)


def another_person(token: Any) -> Any:
    token.claims["sub"] = BOB.sub
    return token


FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "500": ("token", lambda good: echo(good, status=500)),
    "reset": ("token", lambda good: Answer(raw=lambda write: None)),
    "HTML": ("token", lambda good: Answer(headers={"Content-Type": "text/html"}, body=str(good.json).encode())),
    "half of it": (
        "token",
        lambda good: Answer(headers={"Content-Type": "application/json"}, body=good.content()[:-9]),
    ),
    "a list": ("token", lambda good: Answer.of_json([good.json])),
    "another type": ("token", lambda good: Answer.of_json({**good.json, "token_type": good.json["access_token"]})),
    "an error code": ("token", lambda good: echo(good, error=good.json["access_token"])),
    "invalid_client": ("token", lambda good: echo(good, error="invalid_client")),
    "bad signature": ("id_token", lambda token: token.signed()[:-8] + "AAAAAAAA"),
    "another audience": ("id_token", lambda token: _with(token, aud=SECRET)),
}


def _with(token: Any, **claims: Any) -> Any:
    token.claims.update(claims)
    return token


def mended(op: CanaryProvider) -> OAuthConnection:
    """Alice's connection, as if she had just signed in."""
    connection = OAuthConnection.objects.select_related("user").get(provider_user_id=ALICE.sub)
    connection.set_token(granted(op, ALICE.sub))
    connection.save()
    return connection


def note(evidence: Evidence, act: Callable[[], Any]) -> None:
    """Do what fails; keep what it says."""
    with pytest.raises(Exception) as caught:
        act()
    evidence.add_error(caught.value)


def use_tokens(op: CanaryProvider, evidence: Evidence) -> None:
    """Refresh, call, fail."""
    connection = mended(op)
    connection.refresh_access_token()
    connection.session().get(f"{op.issuer}/userinfo").raise_for_status()
    op.grants.expire_access_tokens()
    session = connection.session()
    evidence.add_object(session.get(f"{op.issuer}/userinfo"))
    async_to_sync(connection.arefresh_access_token)()
    for thing in (connection, connection.oauth_token, session, get_provider("op")):
        evidence.add_object(thing)
    evidence.add("reprs", pickle.dumps(mended(op)))
    note(evidence, lambda: session.get("http://elsewhere.example/"))
    note(evidence, lambda: session.get("http://127.0.0.1:9/"))
    for where, bend in FAULTS.values():
        op.rotate_refresh_tokens = False
        with op.bend(where, bend):
            note(evidence, mended(op).refresh_access_token)
            note(evidence, async_to_sync(mended(op).arefresh_access_token))
        op.rotate_refresh_tokens = True
    with op.bend("revocation", lambda good: Answer(status=503, body=SECRET.encode())):
        note(evidence, mended(op).revoke)


def run_commands(op: CanaryProvider, evidence: Evidence, settings: Settings) -> None:
    mended(op)
    for command in (
        ("oidc_login_refresh", "--expiring-within", "2d"),
        ("oidc_login_refresh", "--expiring-within", "2d", "--json"),
        ("oidc_login_rotate_keys",),
        ("check", "--database", "default"),
    ):
        out = StringIO()
        with suppress(CommandError):
            call_command(*command, stdout=out, stderr=out, verbosity=3)
        evidence.add("commands", out.getvalue())


def look_around(alice: Watched, admin: Watched) -> None:
    """Every page that is about connections."""
    pk = OAuthConnection.objects.get(provider_user_id=ALICE.sub).pk
    for page in ("/oauth/", "/oauth/connections/", "/oauth/op/login/", "/oauth/confirm-link/", "/", "/calendar/"):
        alice.get(page)
    for page in ("", "?q=alice", "?status=ok", f"{pk}/change/", f"{pk}/history/", f"{pk}/delete/"):
        assert admin.get(ADMIN + page).status_code == 200
    admin.post(ADMIN, {"action": "ask_for_new_sign_in", "_selected_action": pk})
    with suppress(AssertionError):
        admin.post(ADMIN, {"action": "revoke_tokens", "_selected_action": pk})
    admin.get("/admin/")


def break_pages(op: CanaryProvider, alice: Watched, settings: Settings) -> None:
    """A site's own pages that expect no error, with and without DEBUG."""
    op.rotate_refresh_tokens = False
    pages = ["/refresh/", "/async/refresh/", "/revoke/", f"/call/?url={op.issuer}/userinfo"]
    for settings.DEBUG in (False, True):
        for page in pages:
            mended(op)
            with op.bend("token", FAULTS["500"][1]), op.bend("revocation", FAULTS["500"][1]):
                op.grants.expire_access_tokens()
                assert alice.get(page).status_code in (400, 500)
        for where, bend in FAULTS.values():
            mended(op)
            with op.bend(where, bend):
                assert alice.get("/refresh/").status_code in (400, 500)
        for verb in ("UPDATE", "SELECT"):
            for page in pages:
                mended(op)
                op.grants.expire_access_tokens()
                with failing("oidc_login_oauthconnection", verb=verb, error=ProgrammingError):
                    assert alice.get(page).status_code == 500
        mended(op).refresh_access_token()
        for url in ("http://127.0.0.1:9/", "http://elsewhere.example/", f"{op.issuer}/nothing", "http://["):
            assert alice.get("/call/", {"url": url}).status_code == 500
    settings.DEBUG = False
    op.rotate_refresh_tokens = True


def wait_for_confirmation(op: CanaryProvider, evidence: Evidence, settings: Settings) -> Watched:
    """Tokens wait in the session until their person has signed in to the account."""
    get_user_model().objects.create_user("bob", email=BOB.email)
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.linking.accounts.says_no"
    browser = Watched(evidence)
    assert browser.sign_in(op, user="bob").status_code == 409
    browser.get("/oauth/confirm-link/")
    return browser


def test_no_token_anywhere(op: CanaryProvider, evidence: Evidence, witness: Witness, settings: Settings) -> None:
    alice, other, admin = Watched(evidence), Watched(evidence), Watched(evidence)
    admin.log_in(get_user_model().objects.create_superuser("root", email="root@example.org"))
    alice.sign_in(op)
    with op.bend("token", lambda good: echo(good)):
        other.sign_in(op)
    bob = wait_for_confirmation(op, evidence, settings)
    use_tokens(op, evidence)
    run_commands(op, evidence, settings)
    break_pages(op, alice, settings)
    look_around(alice, admin)
    evidence.collect(witness.caplog.records)
    person = get_user_model().objects.get(username="alice")
    person.is_active = False
    person.save()
    evidence.collect(witness.caplog.records)

    assert set(evidence.found) == PLACES
    secrets = secrets_of(witness, [alice, other, admin, bob])
    assert evidence.finds(secrets) == {}


def test_search_finds_what_is_there(
    op: CanaryProvider, evidence: Evidence, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    """One token in each place."""
    browser = Watched(evidence)
    browser.log_in(get_user_model().objects.create_user(WORD))
    browser.get("/")
    session = Session.objects.get()
    session.session_data = SessionStore().encode({"token": WORD})
    session.save()
    cache.set("key", {"token": WORD})
    logging.getLogger("oidc_login").debug("a token: %s", WORD)
    mail.send_mail("A token", WORD, None, ["somebody@example.org"])
    evidence.add_error(ValueError(WORD))
    evidence.add_object(SimpleNamespace(token=WORD))
    signals.login_failed.send(OAuthConnection, request=None, error=SimpleNamespace(token=WORD), provider="op")
    evidence.add("commands", WORD)
    evidence.collect(witness.caplog.records)

    assert set(evidence.finds({WORD})) == PLACES


def test_search_sees_through_base64() -> None:
    for before in ("", "a", "ab"):
        evidence = Evidence()
        evidence.add("pages", b64encode(f"{before}{WORD} and more".encode()))

        assert list(evidence.finds({WORD})) == ["pages"]
