"""OAuth 1.0: whatever a provider or a browser sends, one of the contract's statuses, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import transaction
from hypothesis import strategies as st

from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers import DiscogsProvider, OAuth1Provider, OAuthToken, TrelloProvider, TumblrProvider
from oidc_login.testing import Answer, AuthorizationAnswer
from tests.hostile.test_properties import (
    EFFORTS,
    GOOD_OR_ODD,
    JSON,
    PLAIN_TEXT,
    STATUSES,
    _filled,
    holds_for,
)
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.oauth1 import RecordingOAuth1

pytestmark = pytest.mark.django_db

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMES = st.sampled_from(
    ["oauth_token", "oauth_token_secret", "oauth_callback_confirmed", "oauth_problem", "user_id", "error", "x"]
)
PAIRS = st.lists(st.tuples(NAMES, PLAIN_TEXT | st.sampled_from(["true", "t", "s", "\0", "a\r\nb"])), max_size=5)


@contextmanager
def undone(provider: RecordingOAuth1, witness: Witness) -> Iterator[None]:
    """One example: nothing of it is left for the next one."""
    with transaction.atomic():
        provider.reset()
        cache.clear()
        witness.caplog.clear()
        witness.errors.clear()
        yield
        transaction.set_rollback(True)


def walk(provider: RecordingOAuth1, witness: Witness, change: Any) -> None:
    """Sign in as far as it goes, and hold the property at each step."""
    browser = Browser()
    with ExitStack() as stack:
        failure = stack.enter_context(witness.nothing_changed(browser))
        failure.response = begun = browser.begin("photos")
        assert begun.status_code in STATUSES
        if begun.status_code != 302:
            return
        stack.pop_all()
    token = dict(pair.split("=") for pair in begun["Location"].partition("?")[2].split("&"))["oauth_token"]
    if token not in provider.request_tokens:
        return  # the provider knows no such token, and its page says so
    answer = change(browser.authorize(provider, begun))
    with ExitStack() as stack:
        failure = stack.enter_context(witness.nothing_changed(browser))
        failure.response = ended = browser.end(answer)
        assert ended.status_code in STATUSES
        if browser.session_key is None:
            return
        stack.pop_all()
    assert ended.status_code == 302
    assert OAuthConnection.objects.count() == 1
    witness.assert_no_secrets(browser, ended)


def same(answer: AuthorizationAnswer) -> AuthorizationAnswer:
    return answer


@pytest.mark.parametrize("examples", EFFORTS)
@pytest.mark.parametrize("endpoint", ["request_token", "access_token"])
def test_any_answer_of_a_token_endpoint(
    photos: RecordingOAuth1,
    witness: Witness,
    endpoint: str,
    examples: int,
) -> None:
    def hold(sent: tuple[Any, int]) -> None:
        content, status = sent
        body = content if isinstance(content, bytes) else urlencode(content, errors="surrogatepass").encode()

        with undone(photos, witness):
            photos.bend(endpoint, lambda good: Answer(status=status, headers=FORM, body=body))
            walk(photos, witness, same)

    statuses = st.sampled_from([200, 200, 200, 201, 302, 400, 401, 403, 404, 429, 500])
    holds_for(examples, st.tuples(PAIRS | st.binary(max_size=200), statuses), hold)


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_parameters_at_the_callback(
    photos: RecordingOAuth1,
    witness: Witness,
    examples: int,
) -> None:
    def hold(pairs: list[tuple[str, str]]) -> None:
        def change(answer: AuthorizationAnswer) -> AuthorizationAnswer:
            known = {f"{{{name}}}": value for name, value in answer.parameters}
            bent = answer.without()
            bent.parameters = [(name, _filled(text, known)) for name, text in pairs]
            return bent

        with undone(photos, witness):
            walk(photos, witness, change)

    names = st.sampled_from(
        ["state", "oauth_token", "oauth_verifier", "denied", "oauth_problem", "code", "error", "answer", "x"]
    )
    values = GOOD_OR_ODD | st.sampled_from(["{oauth_token}", "{oauth_verifier}", "user_refused"]) | PLAIN_TEXT
    good = st.just([("state", "{state}"), ("oauth_token", "{oauth_token}"), ("oauth_verifier", "{oauth_verifier}")])
    pair = st.tuples(names, values)
    pairs = st.lists(pair, max_size=6) | st.builds(lambda one, two: [*one, *two], good, st.lists(pair, max_size=2))
    holds_for(examples, pairs, hold)


# Values where the classes look for them, and anything else.
KNOWN = ["meta", "response", "user", "blogs", "primary", "uuid", "name", "title", "id", "username", "fullName", "email"]
LIKE_AN_ANSWER = st.recursive(
    JSON,
    lambda inner: st.dictionaries(st.sampled_from(KNOWN), inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=12,
)
NESTED = st.builds(
    lambda blogs, user: {"response": {"user": {**user, "blogs": blogs}}},
    LIKE_AN_ANSWER,
    st.dictionaries(st.sampled_from(KNOWN), JSON),
)


@pytest.mark.parametrize("examples", EFFORTS)
@pytest.mark.parametrize("provider_class", [TumblrProvider, TrelloProvider, DiscogsProvider])
def test_any_value_in_an_answer_about_a_person(provider_class: type[OAuth1Provider], examples: int) -> None:
    """A person, or nobody; never an error of Python."""
    provider = provider_class(provider_key="p", client_id="client", client_secret="secret")

    def hold(value: Any) -> None:
        try:
            user = provider.user_from_userinfo(value, oauth_token=OAuthToken(access_token=""))
        except UserInfoInvalid:
            return
        claims = user.as_claims()
        assert all(isinstance(claims.get(name, ""), str) for name in ("sub", "name", "email", "preferred_username"))
        assert "email_verified" not in claims

    holds_for(examples * 5, LIKE_AN_ANSWER | NESTED, hold)
