"""Whatever a provider or a browser sends: one of the contract's statuses, and nothing changed unless signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, AuthorizationAnswer, AuthorizationRefused, UnsignedToken
from tests.hostile.rows import ABSENT, changed
from tests.hostile.stage import Stage, landed, signed_in_browser
from tests.support.browser import Browser

pytestmark = pytest.mark.django_db

STATUSES = {302, 400, 403, 404, 409, 502, 503}
EFFORTS = [pytest.param(30, id="every day"), pytest.param(500, id="heavy", marks=pytest.mark.heavy)]

# Text that is hard on parsers and databases; lone surrogates too.
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40) | st.sampled_from(
    ["", "\0", "\ud800", "null", "a@b", "a\r\nb", "\u202e", "x" * 300, "https://evil.example/", "http://localhost:1/x"]
)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats() | st.sampled_from([0, -1, 2**63, 10**25, 1e308])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
# A value of another kind made of the good one, or any value at all.
VARIANTS: list[Callable[[Any], Any]] = [
    lambda value: [value],
    lambda value: {"value": value},
    lambda value: str(value),
    lambda value: f"{value}1",
    lambda value: str(value).upper(),
    lambda value: f"{value}\0",
]
VALUES = JSON | st.sampled_from([*VARIANTS, ABSENT])


@contextmanager
def undone(stage: Stage) -> Iterator[None]:
    """One example: nothing of it is left for the next one."""
    with transaction.atomic():
        stage.op.reset()
        stage.configure()
        cache.clear()
        stage.witness.caplog.clear()
        stage.witness.errors.clear()
        yield
        transaction.set_rollback(True)


def holds_for(examples: int, strategy: st.SearchStrategy[Any], hold: Callable[[Any], None]) -> None:
    """Try examples of the strategy; the same ones in every run, but for the heavy one."""
    ruled = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples < 100,
        suppress_health_check=list(HealthCheck),
    )
    ruled(given(strategy)(hold))()


def walk(stage: Stage, browser: Browser, change: Callable[[AuthorizationAnswer], AuthorizationAnswer]) -> None:
    """Sign in as far as it goes, and hold the property at each step."""
    with ExitStack() as stack:
        failure = stack.enter_context(stage.witness.nothing_changed(browser))
        failure.response = begun = browser.begin()
        assert begun.status_code in STATUSES
        if begun.status_code != 302:
            return
        stack.pop_all()
    try:
        answer = browser.authorize(stage.op, begun)
    except AuthorizationRefused:
        return  # the person was sent to another place, or with another request
    before = browser.session_key
    with ExitStack() as stack:
        failure = stack.enter_context(stage.witness.nothing_changed(browser))
        failure.response = ended = landed(browser, browser.end(change(answer)))
        assert ended.status_code in STATUSES
        if browser.session_key == before:
            return
        stack.pop_all()
    assert ended.status_code == 302
    assert browser.user is not None and browser.user.oauth_connections.count() == 1
    assert OAuthConnection.objects.count() == 1
    assert OAuthConnection.objects.get().issuer == stage.op.issuer
    assert not (browser.user.is_staff or browser.user.is_superuser)
    stage.witness.assert_no_secrets(browser, ended)


def same(answer: AuthorizationAnswer) -> AuthorizationAnswer:
    return answer


def member_of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """One member with another value, or rarely two."""
    return st.dictionaries(st.sampled_from([*names, "another"]), VALUES, min_size=1, max_size=2)


def documents(stage: Stage, endpoint: str, names: list[str], examples: int) -> None:
    def hold(change: tuple[bool, Any]) -> None:
        whole, value = change

        def bend(answer: Answer) -> Answer:
            answer.json = value if whole else changed(answer.json, value)
            return answer

        with undone(stage):
            stage.op.bend(endpoint, bend)
            walk(stage, Browser(), same)

    members = member_of(names).map(lambda value: (False, value))
    holds_for(examples, members | members | JSON.map(lambda value: (True, value)), hold)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_value_in_a_discovery_document(stage: Stage, examples: int) -> None:
    documents(stage, "discovery", list(stage.op.metadata()), examples)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_value_in_a_token_answer(stage: Stage, examples: int) -> None:
    names = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "error"]
    documents(stage, "token", names, examples)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_value_in_userinfo(stage: Stage, examples: int) -> None:
    names = ["sub", "email", "email_verified", "name", "given_name", "preferred_username", "picture", "updated_at"]
    documents(stage, "userinfo", names, examples)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_value_in_a_key_set(stage: Stage, examples: int) -> None:
    def hold(change: tuple[Any, Any]) -> None:
        members, extra = change

        def bend(answer: Answer) -> Answer:
            keys = [changed(jwk, members) for jwk in answer.json["keys"]] if isinstance(members, dict) else members
            answer.json = {"keys": [*extra, *keys] if isinstance(keys, list) else keys}
            return answer

        with undone(stage):
            stage.op.bend("jwks", bend)
            walk(stage, Browser(), same)

    members = member_of(["kty", "kid", "alg", "use", "key_ops", "n", "e", "crv", "x", "y"])
    holds_for(examples, st.tuples(members | JSON, st.lists(JSON, max_size=2)), hold)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_value_in_the_claims_and_header_of_an_id_token(stage: Stage, examples: int) -> None:
    def hold(change: tuple[dict[str, Any], dict[str, Any]]) -> None:
        claims, header = change

        def bend(token: UnsignedToken) -> UnsignedToken:
            token.claims = changed(token.claims, claims)
            token.header = changed(token.header, header)
            return token

        with undone(stage):
            stage.op.bend("id_token", bend)
            walk(stage, Browser(), same)

    claims = member_of(
        ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "auth_time", "acr", "email"]
    )
    header = member_of(["alg", "kid", "typ", "crit", "jwk", "zip", "cty"])
    holds_for(examples, st.tuples(claims, st.just({})) | st.tuples(st.just({}), header), hold)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_text_as_an_id_token(stage: Stage, examples: int) -> None:
    parts = st.text("AZaz09-_=. ey", max_size=30) | st.binary(max_size=30).map(lambda raw: raw.hex())
    token = st.lists(parts, max_size=6).map(".".join)

    def hold(value: Any) -> None:
        with undone(stage):
            stage.op.bend("id_token", lambda good: value if isinstance(value, str) else _spliced(good.signed(), *value))
            browser = Browser()
            walk(stage, browser, same)
            assert browser.user is None

    spliced = st.tuples(st.integers(0, 400), st.integers(1, 20), st.text("AZaz09-_.=\n", max_size=20))
    holds_for(examples, token | spliced.filter(lambda change: change[2] != ""), hold)


def _spliced(raw: str, start: int, length: int, text: str) -> str:
    """A piece of the good token exchanged for another; the same text again would be the good one."""
    start %= len(raw)
    new = raw[:start] + text + raw[start + length :]
    return new if new != raw else raw + "x"


PARAMETERS = st.sampled_from(
    ["state", "code", "error", "iss", "error_description", "answer", "response", "id_token", "x"]
)
GOOD_OR_ODD = st.sampled_from(["{state}", "{code}", "{iss}", "{state}x", "", "access_denied", "server_error", "\0"])
PLAIN_TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.just("x" * 9000)


@pytest.mark.parametrize("examples", EFFORTS)
@pytest.mark.parametrize("mode", [None, "form_post"])
def test_any_parameters_at_the_callback(stage: Stage, mode: str | None, examples: int) -> None:
    def hold(pairs: list[tuple[str, str]]) -> None:
        def change(answer: AuthorizationAnswer) -> AuthorizationAnswer:
            known = {f"{{{name}}}": value for name, value in answer.parameters}
            bent = answer.without()
            bent.parameters = [(name, _filled(text, known)) for name, text in pairs]
            return bent

        with undone(stage):
            stage.configure(response_mode=mode)
            browser = signed_in_browser()
            walk_to_callback(stage, browser, change)

    pair = st.tuples(PARAMETERS, GOOD_OR_ODD | GOOD_OR_ODD | PLAIN_TEXT)
    good = st.just([("state", "{state}"), ("code", "{code}"), ("iss", "{iss}")])
    pairs = st.lists(pair, max_size=6) | st.builds(lambda one, two: [*one, *two], good, st.lists(pair, max_size=2))
    holds_for(examples, pairs, hold)


def walk_to_callback(stage: Stage, browser: Browser, change: Callable[[AuthorizationAnswer], Any]) -> None:
    """The same for somebody who is signed in already; they stay so, unless the answer was good."""
    answer = browser.authorize(stage.op, browser.begin())
    before = browser.session_key
    somebody = get_user_model().objects.get(username="somebody")
    with ExitStack() as stack:
        failure = stack.enter_context(stage.witness.nothing_changed(browser))
        failure.response = ended = landed(browser, browser.end(change(answer)))
        assert ended.status_code in STATUSES
        if browser.session_key == before:
            assert browser.user == somebody
            return
        stack.pop_all()
    assert ended.status_code == 302 and browser.user.oauth_connections.count() == 1


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text
