"""One gate: every entrance asks every rule, and a new entrance or rule has to say what comes of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import oidc_login
from tests.gate.entrances import ENTRANCES
from tests.gate.page import PAGE, with_table
from tests.gate.rules import RULES
from tests.gate.table import ALLOWED, CELLS, WHY, as_markdown, cells, reason
from tests.gate.world import World

ROOT = Path(oidc_login.__file__).parent

# The functions that bring an identity to an account, and the modules that may call them. Whoever adds a module here
# adds an entrance to the table, or says which one it is a part of.
FINDS_IDENTITY = {
    "find": {"signin/decide.py", "signin/exchange.py", "signin/write.py"},  # `OAuthConnection.objects.find`
    "find_whole": {"access_tokens/accounts.py"},
    "login": {"sessions/establish.py"},  # `django.contrib.auth.login`
    "admit": {"signin/admission.py", "signin/sign_in.py"},
    "admit_known": {
        "access_tokens/accounts.py",
        "access_tokens/app_tokens.py",
        "sessions/renewal.py",
        "signin/confirm.py",
    },
    "find_and_write": {"contrib/headless/native.py", "signin/by_token.py", "signin/sign_in.py"},
    "admit_client": {"access_tokens/accounts.py"},
    "check_admission": {"client/apps.py", "client/calls.py"},
}
# `move_issuer` encrypts the tokens of a row again, and saves no other identity. `moving/writing` is a command's.
MAKES_CONNECTION = {
    "maintenance/link.py",
    "signin/pending_link.py",
    "signin/write.py",
    "maintenance/move_issuer.py",
    "moving/writing.py",
}


@pytest.mark.django_db
@pytest.mark.parametrize(("entrance", "rule"), list(cells()))
def test_rule_at_entrance(world: World, entrance: str, rule: str) -> None:
    prepared = ENTRANCES[entrance].prepare(world)
    RULES[rule](world)
    world.codes.seen.clear()

    assert ENTRANCES[entrance].use(world, prepared) == CELLS[entrance][rule]


@pytest.mark.django_db
@pytest.mark.parametrize("entrance", list(ENTRANCES))
def test_entrance_is_open_where_no_rule_forbids_it(world: World, entrance: str) -> None:
    prepared = ENTRANCES[entrance].prepare(world)

    assert ENTRANCES[entrance].use(world, prepared) == ALLOWED


def test_every_cell_says_what_comes_of_it() -> None:
    assert [pair for pair in cells() if pair[1] not in CELLS.get(pair[0], {})] == []
    assert [pair for pair in cells() if CELLS[pair[0]][pair[1]] == ALLOWED and not reason(*pair)] == []


def test_every_reason_is_one_of_a_cell() -> None:
    used = {reason(*pair) for pair in cells() if CELLS[pair[0]][pair[1]] == ALLOWED}

    assert set(WHY.values()) == used


def test_page_has_the_table() -> None:
    page = PAGE.read_text()

    assert with_table(page, as_markdown()) == page, "run python -m tests.gate.page"


@pytest.mark.parametrize("name", list(FINDS_IDENTITY))
def test_no_other_way_in(name: str) -> None:
    """A module that reaches an account by a way of its own passes no rule."""
    assert {module for module, called in calls() if called == name} == FINDS_IDENTITY[name]


def test_nobody_else_makes_connections() -> None:
    assert {module for module, called in calls() if called == "OAuthConnection"} == MAKES_CONNECTION


def calls() -> Iterator[tuple[str, str]]:
    """Yield the modules of the package with what each calls: functions, methods of managers, and `auth.login`."""
    for path in sorted(ROOT.rglob("*.py")):
        module = path.relative_to(ROOT).as_posix()
        if module.startswith(("demo/", "testing/")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Name) and function.id != "find":  # a manager's method has no bare name
                yield module, function.id
            elif isinstance(function, ast.Attribute) and ast.unparse(function.value) in MANAGERS:
                yield module, function.attr


MANAGERS = ("OAuthConnection.objects", "auth")
