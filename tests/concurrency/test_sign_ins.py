"""Sign-ins that come at once: one person, one address, one user name, one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, User
from tests.concurrency.conftest import Meeting
from tests.support.browser import Browser
from tests.support.served import ALICE, RecordingGitHub, RecordingOpenIDProvider, configure
from tests.support.threads import SECONDS, at_once

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 20
ADDRESS = "shared@example.org"
FIRST, SECOND = (User(name, email=ADDRESS, email_verified=True, preferred_username=name) for name in ("anna", "bert"))

Provider = RecordingOpenIDProvider | RecordingGitHub


def end(browser: Browser, answer: Any) -> Callable[[], int]:
    """The last request of a sign-in, to be called in a thread."""
    return lambda: int(browser.end(answer).status_code)


def come_back(visits: Sequence[tuple[Browser, Any]]) -> list[int]:
    """Let all browsers come back from the provider at once."""
    return at_once(*(end(browser, answer) for browser, answer in visits))


def begun(op: Provider, key: str = "op", user: str = "alice") -> tuple[Browser, Any]:
    """A browser and the answer that it is about to bring back."""
    browser = Browser()
    return browser, browser.authorize(op, browser.begin(key), user)


def signed_in_users(visits: Sequence[tuple[Browser, Any]]) -> set[Any]:
    return {browser.user for browser, _ in visits}


def counts() -> tuple[int, int]:
    return get_user_model()._default_manager.count(), OAuthConnection.objects.count()


def test_first_sign_ins_of_one_person(op: RecordingOpenIDProvider, meeting: Meeting) -> None:
    visits = [begun(op) for _ in range(MANY)]
    meeting(MANY)

    assert come_back(visits) == [302] * MANY

    assert counts() == (1, 1)
    assert signed_in_users(visits) == {get_user_model()._default_manager.get()}
    assert op.asked().count("token") == MANY


def test_first_sign_ins_of_one_person_at_a_provider_without_openid(github: RecordingGitHub) -> None:
    visits = [begun(github, "github") for _ in range(MANY)]

    assert come_back(visits) == [302] * MANY

    assert counts() == (1, 1)
    assert signed_in_users(visits) == {get_user_model()._default_manager.get()}


def test_repeat_sign_ins_of_one_person(op: RecordingOpenIDProvider, meeting: Meeting) -> None:
    Browser().sign_in(op)
    visits = [begun(op) for _ in range(MANY)]
    meeting(MANY)

    assert come_back(visits) == [302] * MANY
    assert counts() == (1, 1)


def test_first_sign_ins_of_many_people_with_one_user_name(op: RecordingOpenIDProvider, meeting: Meeting) -> None:
    for number in range(MANY):
        op.users.add(User(f"person-{number}", claims={"nickname": "sam"}))
    visits = [begun(op, user=f"person-{number}") for number in range(MANY)]
    meeting(MANY)

    assert come_back(visits) == [302] * MANY
    assert counts() == (MANY, MANY)
    assert signed_in_users(visits) == set(get_user_model()._default_manager.all())


def test_two_identities_with_the_address_of_one_account(op: RecordingOpenIDProvider, meeting: Meeting) -> None:
    """At one provider the address was given to somebody else: one of them is linked, the other is told so."""
    account = get_user_model()._default_manager.create(username="account", email=ADDRESS)
    visits = two_with_one_address(op)
    meeting(2)

    assert sorted(come_back(visits)) == [302, 409]

    assert OAuthConnection.objects.get().user == account
    assert get_user_model()._default_manager.get() == account


def test_two_identities_with_an_address_that_nobody_has(op: RecordingOpenIDProvider, meeting: Meeting) -> None:
    visits = two_with_one_address(op)
    meeting(2)

    statuses = come_back(visits)

    assert sorted(statuses) in ([302, 302], [302, 409])
    assert counts() == (statuses.count(302), statuses.count(302))


def test_two_providers_with_the_address_of_one_account(
    op: RecordingOpenIDProvider, github: RecordingGitHub, meeting: Meeting
) -> None:
    account = get_user_model()._default_manager.create(username="account", email=ALICE.email)
    visits = [begun(op), begun(github, "github")]
    barrier = meeting(2)
    github.bend("token", lambda answer: (barrier.wait(), answer)[1])

    assert come_back(visits) == [302, 302]

    assert signed_in_users(visits) == {account}
    assert counts() == (1, 2)


def test_two_providers_with_an_address_that_nobody_has(
    op: RecordingOpenIDProvider, github: RecordingGitHub, meeting: Meeting
) -> None:
    """Whoever is second is linked, or has an account of their own; nobody is in an account without a connection."""
    visits = [begun(op), begun(github, "github")]
    barrier = meeting(2)
    github.bend("token", lambda answer: (barrier.wait(), answer)[1])

    assert come_back(visits) == [302, 302]

    for browser, _ in visits:
        assert browser.user.oauth_connections.exists()
    assert OAuthConnection.objects.count() == 2
    assert set(get_user_model()._default_manager.all()) == signed_in_users(visits)


def two_with_one_address(op: RecordingOpenIDProvider) -> list[tuple[Browser, Any]]:
    for person in (FIRST, SECOND):
        op.users.add(person)
    return [begun(op, user=person.sub) for person in (FIRST, SECOND)]


def test_one_answer_brought_again_while_the_code_is_exchanged(op: RecordingOpenIDProvider) -> None:
    """A reload of the slow callback is refused at once, and the first request goes on undisturbed."""
    browser, answer = begun(op)
    again = Browser()
    again.jar = dict(browser.jar)
    asked, go_on = threading.Event(), threading.Event()

    def slow(tokens: Answer) -> Answer:
        asked.set()
        assert go_on.wait(SECONDS)
        return tokens

    def reload() -> int:
        assert asked.wait(SECONDS)
        try:
            return int(again.end(answer).status_code)
        finally:
            go_on.set()

    op.bend("token", slow)

    assert at_once(end(browser, answer), reload) == [302, 400]
    assert op.asked().count("token") == 1
    assert browser.user is not None and again.user is None
    assert counts() == (1, 1)


def test_one_answer_brought_many_times_at_once(op: RecordingOpenIDProvider) -> None:
    browser, answer = begun(op)
    browsers = [Browser() for _ in range(MANY)]
    for one in browsers:
        one.jar = dict(browser.jar)

    statuses = come_back([(one, answer) for one in browsers])

    assert sorted(statuses) == [302] + [400] * (MANY - 1)
    assert op.asked().count("token") == 1
    assert counts() == (1, 1)


def test_two_superusers_are_not_demoted_at_once(
    op: RecordingOpenIDProvider, meeting: Meeting, settings: Settings
) -> None:
    """Each of them would see the other one."""
    configure(settings, "op", groups_claim="groups", superuser_groups=["admins"])
    for name in ("alice", "carol"):
        Browser().sign_in(op, user=name)
    users = get_user_model()._default_manager
    users.update(is_superuser=True)
    op.bend("userinfo", lambda answer: replace(answer, json={**answer.json, "groups": []}))
    visits = [begun(op, user=name) for name in ("alice", "carol")]
    meeting(2)

    assert come_back(visits) == [302, 302]

    assert users.filter(is_superuser=True).count() == 1
