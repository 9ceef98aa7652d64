"""The pace at which one provider is asked: so often in a second, and pauses that grow until it is left alone."""

from __future__ import annotations

import threading
import time

import pytest

from oidc_login.tokens.pace import LONGEST_PAUSE, MOST_PAUSES, Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock=clock, jitter=lambda: 0.5)


def rest_of(pace: Pace, clock: Clock) -> float:
    """How long a thread would have to wait for its turn."""
    return max(0.0, pace._next_turn - clock.now)


def test_turns_come_at_once(pace: Pace, clock: Clock) -> None:
    assert [pace.wait_for_turn() for _ in range(3)] == [100.0] * 3


def test_turns_keep_their_distance() -> None:
    pace = Pace(per_second=50)
    turns = [pace.wait_for_turn() or 0.0 for _ in range(6)]

    assert all(later - earlier >= 0.02 for earlier, later in zip(turns, turns[1:], strict=False))
    assert turns[-1] - turns[0] < 1


def test_threads_share_the_rate() -> None:
    pace, turns = Pace(per_second=50), []
    threads = [threading.Thread(target=lambda: turns.append(pace.wait_for_turn() or 0.0)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(turns) - min(turns) >= 0.1


def test_pauses_double_until_it_is_over(pace: Pace, clock: Clock) -> None:
    pauses = []
    for _ in range(MOST_PAUSES):
        pace.failed(clock.now)
        assert not pace.is_over
        pauses.append(rest_of(pace, clock))
        clock.now += pauses[-1]
    pace.failed(clock.now)

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert pace.is_over and pace.wait_for_turn() is None


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 0.5), (1.0, 1.5)])
def test_pauses_differ_from_process_to_process(clock: Clock, chance: float, pause: float) -> None:
    pace = Pace(clock=clock, jitter=lambda: chance)
    pace.failed(clock.now)

    assert rest_of(pace, clock) == pause


def test_whatever_worked_begins_the_count_anew(pace: Pace, clock: Clock) -> None:
    for _ in range(3 * MOST_PAUSES):
        pace.failed(clock.now)
        clock.now += rest_of(pace, clock)
        pace.worked()

    assert not pace.is_over


def test_failures_of_one_moment_are_one(pace: Pace, clock: Clock) -> None:
    """Eight threads had asked before the first answer came."""
    clock.now += 1
    for _ in range(8):
        pace.failed(100.0)

    assert rest_of(pace, clock) == 1.0
    assert not pace.is_over


def test_provider_says_how_long(pace: Pace, clock: Clock) -> None:
    pace.failed(clock.now, retry_after=7)

    assert rest_of(pace, clock) == 7


@pytest.mark.parametrize(("seconds", "over"), [(LONGEST_PAUSE, False), (LONGEST_PAUSE + 1, True)])
def test_provider_that_wants_long_is_left_alone(pace: Pace, clock: Clock, seconds: float, over: bool) -> None:
    pace.failed(clock.now, retry_after=seconds)

    assert pace.is_over == over


def test_pause_holds_also_who_waits_already() -> None:
    pace = Pace(per_second=10)
    pace.wait_for_turn()
    turns: list[float | None] = []
    waiting = threading.Thread(target=lambda: turns.append(pace.wait_for_turn()))
    waiting.start()
    begun = time.monotonic()
    pace.failed(begun, retry_after=0.4)
    waiting.join()

    assert turns[0] is not None and turns[0] - begun >= 0.4


def test_end_wakes_who_waits() -> None:
    pace = Pace()
    pace.failed(time.monotonic(), retry_after=50)
    turns: list[float | None] = []
    waiting = threading.Thread(target=lambda: turns.append(pace.wait_for_turn()))
    waiting.start()
    pace.end()
    waiting.join(5)

    assert turns == [None]
