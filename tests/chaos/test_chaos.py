"""Two minutes in which everything around a site fails, one thing after the other, while people sign in."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.people import LOST, Ledger, Visitor
from tests.chaos.site import FAULTS, Site, running_site
from tests.databases.servers import ServerMissing

VISITORS = 8
CALM = 5  # seconds after each fault
MOST_RECOVERING = 40  # seconds: unknown keys are asked for twice a minute

ROWS = """
from django.contrib.auth import get_user_model
from oidc_login.models import OAuthConnection
for user in get_user_model().objects.all():
    print("user", user.pk, user.oauth_connections.count())
for row in OAuthConnection.objects.all():
    print("connection", row.provider_user_id, row.status, row.refresh_token or "-")
"""


@pytest.mark.heavy
def test_nothing_is_lost_or_told_whatever_fails(tmp_path: Path) -> None:
    seconds = float(os.environ.get("CHAOS_SECONDS", "120"))
    ledger, over = Ledger(), threading.Event()
    try:
        with running_site(tmp_path) as site, ThreadPoolExecutor(VISITORS) as pool:
            crowd = [pool.submit(keep_coming, site, ledger, over) for _ in range(VISITORS)]
            try:
                let_everything_fail(site, ledger, each=seconds / len(FAULTS) - CALM)
            finally:
                over.set()
            for visitor in crowd:
                visitor.result()
            recovered_after = recover(site, ledger)
            rows = [line.split() for line in site.python(ROWS).splitlines()]
            logged = site.logged()
    except ServerMissing as missing:
        pytest.skip(str(missing))

    print_figures(ledger, recovered_after)
    assert ledger.surprises == []
    assert ledger.total("end", 302) > 50
    check_accounts(rows)
    check_tokens(rows, site)
    check_used_once(site)
    check_secrets(ledger, logged, site)


def keep_coming(site: Site, ledger: Ledger, over: threading.Event) -> None:
    while not over.is_set():
        Visitor(site, ledger).visit()


def let_everything_fail(site: Site, ledger: Ledger, *, each: float) -> None:
    time.sleep(CALM)
    for fault in FAULTS:
        ledger.fault = fault.__name__.replace("_", " ")
        with fault(site, max(each, 2)):
            pass
        ledger.fault = f"after {ledger.fault}"
        time.sleep(CALM)


def recover(site: Site, ledger: Ledger) -> float:
    """Return how long it takes until ten people in a row can sign in."""
    ledger.fault = "nothing"
    began, in_a_row = time.monotonic(), 0
    while in_a_row < 10:
        in_a_row = in_a_row + 1 if Visitor(site, ledger).visit() == 302 else 0
        assert time.monotonic() - began < MOST_RECOVERING, "the site does not recover"
    return time.monotonic() - began


def check_accounts(rows: list[list[str]]) -> None:
    """Every account came with its connection, and every person has one."""
    users = [row for row in rows if row[0] == "user"]
    subjects = [row[1] for row in rows if row[0] == "connection"]
    assert [row for row in users if row[2] != "1"] == []
    assert len(users) == len(subjects) == len(set(subjects))


def check_tokens(rows: list[list[str]], site: Site) -> None:
    """The stored refresh token is one that the provider still takes: it would end the grant of one used twice."""
    kept = [row for row in rows if row[0] == "connection"]
    lost = [row[1] for row in kept if row[2] != "ok" or site.op.grants.of_refresh_token(row[3]) is None]
    assert lost == []


def check_used_once(site: Site) -> None:
    posted = Counter(request.form["code"] for request in site.op.requests if "code" in request.form)
    assert [code for code, times in posted.items() if times > 1] == []


def check_secrets(ledger: Ledger, logged: str, site: Site) -> None:
    """No code, state, nonce or token is in a log or on a page."""
    assert "oidc_login" in logged
    pages = "\n".join(ledger.pages)
    secrets = ledger.secrets | {value for value in site.op.secrets() if len(value) > 11}
    assert len(secrets) > 100
    assert [place for place, text in (("log", logged), ("page", pages)) if any(map(text.__contains__, secrets))] == []


def print_figures(ledger: Ledger, recovered_after: float) -> None:
    print(
        f"\n{sum(ledger.seen.values())} requests, {ledger.total('end')} callbacks, signed in {ledger.total('end', 302)}"
    )
    print(f"{ledger.total('refresh', 200)} refreshes; lost with a killed process: {lost_requests(ledger)}")
    print(f"ten sign-ins in a row {recovered_after:.1f} s after the end; slowest: {ledger.slowest}")
    by_fault: dict[str, Counter[str]] = {}
    for (fault, step, status), number in sorted(ledger.seen.items()):
        by_fault.setdefault(fault, Counter())[f"{step} {status}"] += number
    for fault, counts in by_fault.items():
        print(f"  {fault}: " + ", ".join(f"{what}: {number}" for what, number in counts.items()))


def lost_requests(ledger: Ledger) -> int:
    return sum(number for (_, _, status), number in ledger.seen.items() if status == LOST)
