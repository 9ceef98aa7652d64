"""Any order of beginning, answering, coming back, replaying, waiting and signing out, over two of everything.

The machine knows what must become of each callback; see `bring`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from oidc_login.flow.pending import state_hash
from oidc_login.models import OAuthConnection
from oidc_login.testing import AuthorizationAnswer, serve
from tests.hostile.stage import Stage, landed
from tests.support.browser import Browser
from tests.support.served import CLIENT_SECRET, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

LIFETIME = 600
TOKENS = "select access_token, refresh_token from oidc_login_oauthconnection"
EFFORTS = [pytest.param(15, id="every day"), pytest.param(150, id="heavy", marks=pytest.mark.heavy)]


@dataclass
class Tab:
    """One begun sign-in of one browser."""

    browser: int
    key: str
    begun: Any
    begun_at: float
    answer: AuthorizationAnswer | None = None
    person: str = ""
    ended: bool = False


class SignIns(RuleBasedStateMachine):
    """Two people, two providers, two browsers."""

    providers: dict[str, RecordingOpenIDProvider]
    later: Callable[[float], None]
    tabs = Bundle("tabs")
    answered = Bundle("answered")

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        cache.clear()
        for provider in self.providers.values():
            provider.reset()
            provider.code_lifetime = 10**6
            provider.always_refresh_token = True
            provider.now = lambda: time.time()
        self.browsers = [Browser(), Browser()]
        self.redeemed: set[str] = set()
        self.signed_in_by: dict[str, tuple[str, int]] = {}
        self.users: dict[tuple[str, str], int] = {}
        self.expected_user: list[int | None] = [None, None]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @rule(target=tabs, browser=st.integers(0, 1), key=st.sampled_from(["op", "other"]))
    def begin(self, browser: int, key: str) -> Tab:
        response = self.browsers[browser].begin(key, next=f"/{key}/{browser}/")
        assert response.status_code == 302
        return Tab(browser=browser, key=key, begun=response, begun_at=time.time())

    @rule(target=answered, tab=tabs, person=st.sampled_from(["alice", "carol"]))
    def answer(self, tab: Tab, person: str) -> Any:
        if tab.answer is not None:
            return multiple()
        tab.answer = self.browsers[tab.browser].authorize(self.providers[tab.key], tab.begun, person)
        tab.person = person
        return tab

    @rule(tab=answered, browser=st.integers(0, 1))
    def come_back(self, tab: Tab, browser: int) -> None:
        assert tab.answer is not None
        self.bring(tab, tab.answer, browser)

    @rule(tab=answered)
    def come_back_where_it_began(self, tab: Tab) -> None:
        assert tab.answer is not None
        self.bring(tab, tab.answer, tab.browser)

    @rule(tab=answered, other=answered)
    def come_back_with_the_code_of_another_tab(self, tab: Tab, other: Tab) -> None:
        assert tab.answer is not None and other.answer is not None
        self.bring(tab, tab.answer.with_(code=other.answer["code"]), tab.browser, code_of=other)

    @rule(tab=answered, error=st.sampled_from(["access_denied", "invalid_scope", "server_error"]))
    def come_back_with_an_error(self, tab: Tab, error: str) -> None:
        assert tab.answer is not None
        self.bring(tab, tab.answer.without("code").with_(error=error), tab.browser, code_of=None)

    @rule(tab=answered)
    def come_back_to_the_other_provider(self, tab: Tab) -> None:
        assert tab.answer is not None
        elsewhere = "other" if tab.key == "op" else "op"
        answer = tab.answer.without()
        answer.redirect_uri = answer.redirect_uri.replace(f"/{tab.key}/", f"/{elsewhere}/")
        self.bring(tab, answer, tab.browser, code_of=None)

    @rule(seconds=st.sampled_from([60, 300, LIFETIME + 1]))
    def wait(self, seconds: float) -> None:
        self.later(seconds)

    @rule(browser=st.integers(0, 1))
    def sign_out(self, browser: int) -> None:
        self.browsers[browser].jar.pop(django_settings.SESSION_COOKIE_NAME, None)
        self.expected_user[browser] = None

    def bring(self, tab: Tab, answer: AuthorizationAnswer, browser: int, code_of: Tab | None | bool = True) -> None:
        """Bring an answer to a browser; what becomes of it is known beforehand."""
        state = answer["state"]
        visitor = self.browsers[browser]
        has_flow = any(state_hash(state)[:16] in name for name in visitor.flow_cookies)
        good = (
            has_flow
            and not tab.ended
            and time.time() <= tab.begun_at + LIFETIME
            and (code_of is True or code_of is tab)
            and answer["code"] not in self.redeemed
        )
        came_back = self.signed_in_by.get(state)
        sees_it_again = came_back is not None and came_back[1] == self.expected_user[browser]
        asked = sum(len(provider.requests) for provider in self.providers.values())

        response = landed(visitor, visitor.end(answer))

        if has_flow:
            tab.ended = True
        if good:
            self.must_sign_in(tab, visitor, browser, response)
            return
        now_asked = sum(len(provider.requests) for provider in self.providers.values())
        if sees_it_again:
            assert response.status_code == 302
            assert now_asked == asked
        else:
            assert response.status_code in (302, 400, 503)
        assert self.pk_of(visitor) == self.expected_user[browser]

    def must_sign_in(self, tab: Tab, visitor: Browser, browser: int, response: Any) -> None:
        assert (response.status_code, response["Location"]) == (302, f"/{tab.key}/{tab.browser}/")
        assert tab.answer is not None
        self.redeemed.add(tab.answer["code"])
        pk = self.pk_of(visitor)
        assert pk is not None
        assert self.users.setdefault((tab.key, tab.person), pk) == pk
        self.expected_user[browser] = pk
        self.signed_in_by[tab.answer["state"]] = (tab.key, pk)

    @staticmethod
    def pk_of(browser: Browser) -> int | None:
        return None if browser.user is None else int(browser.user.pk)

    # What holds at every moment.

    @invariant()
    def each_browser_is_who_was_proven_in_it(self) -> None:
        assert [self.pk_of(browser) for browser in self.browsers] == self.expected_user

    @invariant()
    def each_identity_has_its_one_user(self) -> None:
        found = OAuthConnection.objects.values_list("provider_key", "provider_user_id", "user_id")
        assert len({row[:2] for row in found}) == len(found) == len(self.users)
        assert {row[2] for row in found} == set(self.users.values())

    @invariant()
    def each_user_has_a_way_in(self) -> None:
        assert not get_user_model().objects.filter(oauth_connections=None).exists()

    @invariant()
    def people_are_not_mixed_up(self) -> None:
        """Alice's verified address makes one account of her two identities; Carol has no address."""
        assert self.users.get(("op", "alice"), 0) == self.users.get(("other", "alice"), 0) or (
            ("op", "alice") not in self.users or ("other", "alice") not in self.users
        )
        pks = [pk for (_, person), pk in self.users.items() if person == "carol"]
        assert len(set(pks)) == len(pks)
        assert not set(pks) & {pk for (_, person), pk in self.users.items() if person == "alice"}

    @invariant()
    def no_token_can_be_read(self) -> None:
        with database.cursor() as cursor:
            cursor.execute(TOKENS)
            stored = repr(cursor.fetchall())
        for provider in self.providers.values():
            for token in provider.secrets() - {CLIENT_SECRET}:
                assert token == "" or token not in stored

    @invariant()
    def flow_cookies_stay_few(self) -> None:
        assert all(len(browser.flow_cookies) <= 5 for browser in self.browsers)


@pytest.fixture
def other(settings: Settings, op: RecordingOpenIDProvider) -> Iterator[RecordingOpenIDProvider]:
    provider = RecordingOpenIDProvider()
    with serve(provider):
        configure(settings, "other", issuer=provider.issuer, client_id="client", client_secret=CLIENT_SECRET)
        yield provider


@pytest.mark.parametrize("examples", EFFORTS)
def test_any_order_of_what_people_do(stage: Stage, other: RecordingOpenIDProvider, examples: int) -> None:
    class Machine(SignIns):
        providers = {"op": stage.op, "other": other}
        later = staticmethod(stage.later)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15 if examples < 100 else 30,
            deadline=None,
            database=None,
            derandomize=examples < 100,
            suppress_health_check=list(HealthCheck),
        ),
    )
