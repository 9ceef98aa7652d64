"""A connection whose refresh fails again and again is left alone, each time for longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.utils import timezone

from oidc_login.exceptions import OAuthError, ProviderUnavailable
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from oidc_login.tokens.backoff import forget_failures, pause_after_failure
from tests.support.served import RecordingOpenIDProvider
from tests.tokens.conftest import Connect, stored, works

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)


def test_pause_is_twice_as_long_each_time() -> None:
    pauses = [pause_after_failure(1, jitter=lambda: 0.0) for _ in range(40)]

    assert pauses[:11] == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(pauses[11:]) == {300}


def test_chance_takes_up_to_half_of_it_away() -> None:
    assert [pause_after_failure(1, jitter=lambda: 1.0) for _ in range(4)] == [0, 0.5, 1, 2]


def test_each_connection_has_its_own_count() -> None:
    pause_after_failure(1)
    pause_after_failure(1)

    assert pause_after_failure(2) == 0
    forget_failures(1)
    assert pause_after_failure(1) == 0


def test_cache_that_fails_costs_no_more_than_the_pause(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.BrokenCache"}}

    assert [pause_after_failure(1) for _ in range(3)] == [0, 0, 0]
    forget_failures(1)


def test_provider_is_not_asked_during_the_pause(op: RecordingOpenIDProvider, connect: Connect) -> None:
    op.rotate_refresh_tokens = False
    connection = connect(access_token_expires_at=timezone.now() - timedelta(seconds=1))
    before = OAuthConnection.objects.values("access_token", "refresh_token", "status").get()

    with op.bend("token", lambda good: Answer(status=503)):
        for _ in range(4):
            with pytest.raises(ProviderUnavailable) as refused:
                stored(connection).refresh_access_token()

    assert op.asked().count("token") == 2  # at once after the first failure, not after the second
    assert refused.value.retry_after == 1
    assert OAuthConnection.objects.values("access_token", "refresh_token", "status").get() == before
    OAuthConnection.objects.update(refresh_lease_until=timezone.now())
    connection.refresh_access_token()
    assert works(op, connection)


def test_refresh_that_works_ends_the_count(op: RecordingOpenIDProvider, connect: Connect) -> None:
    op.rotate_refresh_tokens = False
    connection = connect()

    for _ in range(3):
        with op.bend("token", lambda good: Answer(status=503)), pytest.raises(OAuthError):
            connection.refresh_access_token()
        connection.refresh_access_token()

    assert op.asked().count("token") == 6


def test_access_token_that_is_still_good_is_used_meanwhile(op: RecordingOpenIDProvider, connect: Connect) -> None:
    """It is about to expire, so each call would like a newer one."""
    op.rotate_refresh_tokens = False
    connection = connect(
        access_token_expires_at=timezone.now() + timedelta(seconds=20),
        last_login_at=timezone.now() - timedelta(hours=1),
    )

    with op.bend("token", lambda good: Answer(status=503)), connection.session(hosts=["localhost"]) as session:
        answers = [session.get(f"{op.issuer}/userinfo") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert op.asked().count("token") == 2
    assert cache.get(f"oidc_login.refresh_failures.{connection.pk}") == 2
