"""A logout, and a sign-in, cost the same among a hundred thousand sessions as among a hundred.

`pytest -m heavy -s tests/logout/test_scale.py` shows the figures; with DATABASE_URL they are another database's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from oidc_login.models import SignedInSession
from tests.logout.notices import notify, sid_of
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

pytestmark = [pytest.mark.heavy, pytest.mark.django_db(transaction=True)]

FEW, MANY = 100, 100_000
VISITS = 40
# Nothing grows but the depth of the indexes; reading all rows is a thousand times slower.
BOUND = 3
BATCH = 5_000

Op = RecordingOpenIDProvider


def fill(op: Op, first: int, last: int) -> None:
    """Let so many people be signed in, each by a session in the database."""
    user = get_user_model().objects.get_or_create(username="everybody")[0]
    later = timezone.now() + timedelta(days=14)
    for start in range(first, last, BATCH):
        numbers = range(start, min(start + BATCH, last))
        keys = [secrets.token_hex(16) for _ in numbers]
        Session.objects.bulk_create(Session(session_key=key, session_data="e30:", expire_date=later) for key in keys)
        SignedInSession.objects.bulk_create(
            SignedInSession(
                user=user,
                provider_key="op",
                issuer=op.issuer,
                subject=f"person-{number}",
                sid=f"session-{number}",
                session_key=key,
                expires_at=later,
            )
            for number, key in zip(numbers, keys, strict=True)
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE oidc_login_signedinsession")


def seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def measure(op: Op) -> dict[str, float]:
    """The shortest of some logouts and sign-ins, since whatever else the machine does only adds to them."""
    taken: dict[str, list[float]] = {"logout by sid": [], "logout by sub": [], "sign-in": [], "request": []}
    for visit in range(VISITS):
        browser = Browser()
        answer = browser.authorize(op, browser.begin())
        taken["sign-in"].append(seconds(lambda: browser.end(answer)))  # noqa: B023  # called here and now
        taken["request"].append(seconds(lambda: browser.get("/")))  # noqa: B023
        by_sid = visit % 2 == 0
        token = op.logout_token(sid=sid_of(op)) if by_sid else op.logout_token(user="alice")
        name = "logout by sid" if by_sid else "logout by sub"
        taken[name].append(seconds(lambda: notify(token)))  # noqa: B023
        assert browser.get("/").content == b""
    return {name: min(times) for name, times in taken.items()}


def test_a_hundred_thousand_sessions(op: Op, with_middleware: None) -> None:
    fill(op, 0, FEW)
    few = measure(op)
    fill(op, FEW, MANY)
    many = measure(op)
    assert SignedInSession.objects.count() == MANY

    for name in few:
        ratio = many[name] / few[name]
        figures = f"{few[name] * 1e3:.2f} ms among {FEW}, {many[name] * 1e3:.2f} ms among {MANY:,}"
        print(f"{connection.vendor}, {name}: {figures}: {ratio:.2f} times")
    assert max(many[name] / few[name] for name in few) < BOUND
