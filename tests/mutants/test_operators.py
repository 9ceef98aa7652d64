"""The mutation check itself: what it takes away, and that what it excuses is still there."""

from __future__ import annotations

import pytest

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.operators import mutants_of
from tests.mutants.subjects import STRICT, TESTS, source_of

RULES = """
def check_both(a, b):
    if a or b > 3:
        raise ValueError

def ask(a):
    check_both(a, 1)
    return a == 1

CHECKS = (check_both, ask)
"""
EXPECTED = [
    "check_both: boundary of b > 3",
    "check_both: checks nothing",
    "check_both: no raise if a or b > 3",
    "check_both: not a or b > 3",
    "check_both: without `a` in a or b > 3",
    "check_both: without `b > 3` in a or b > 3",
    "ask: no call of check_both",
    "ask: not a == 1",
    "module: CHECKS without ask",
    "module: CHECKS without check_both",
]


def test_each_rule_is_taken_away_in_turn() -> None:
    mutants = list(mutants_of(RULES))
    assert sorted(mutant.what for mutant in mutants) == sorted(EXPECTED)
    assert len({mutant.source for mutant in mutants}) == len(EXPECTED)


@pytest.mark.parametrize("module", TESTS)
def test_module_and_its_tests_are_there(module: str) -> None:
    root = source_of(module).parents[1 + module.count("/")]
    assert source_of(module).is_file()
    assert all((root / path).is_file() for path in TESTS[module])


def test_what_is_excused_is_still_a_mutant() -> None:
    known = {(module, mutant.what) for module in TESTS for mutant in mutants_of(source_of(module).read_text())}
    assert set(EQUIVALENT) <= known
    assert set(STRICT) <= set(TESTS)
