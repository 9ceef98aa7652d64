"""docs/tokens.md: what it tells people to write and to run, in its order, with somebody's tokens stored."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as site
from django.core.management import call_command

from oidc_login.models import OAuthConnection
from tests.docs.pages import ENVIRONMENT, Block, blocks
from tests.tokens.conftest import Connect, stored, works

if TYPE_CHECKING:
    from pytest_django import Settings

    from tests.support.served import RecordingOpenIDProvider

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tokens.md"


def section(title: str) -> list[Block]:
    """The blocks below a heading, up to the next one."""
    text = PAGE.read_text()
    begin = text.index(f"# {title}\n")
    ends = [text.find(f"\n{level} ", begin) for level in ("##", "###")]
    first, last = (text.count("\n", 0, position) for position in (begin, min(end for end in ends if end > 0)))
    return [block for block in blocks(PAGE) if first < int(block.where.partition(":")[2]) <= last]


def settings_of(block: Block, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name in ENVIRONMENT.findall(block.code):
        monkeypatch.setenv(name, f"made up for {name}")
    namespace: dict[str, Any] = {"os": os, "SECRET_KEY": site.SECRET_KEY}
    exec(compile(block.code, block.where, "exec"), namespace)
    return {name: value for name, value in namespace.items() if name.isupper()}


def follow(steps: list[Block], connection: OAuthConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """Do what the page says; the tokens can be read after each step. Return the number of commands."""
    tokens = stored(connection).oauth_token
    commands = 0
    for step in steps:
        if step.module == "settings":
            for name, value in settings_of(step, monkeypatch).items():
                setattr(settings, name, value)
        for line in step.code.splitlines() if step.language == "sh" else ():
            python, manage, *arguments = shlex.split(line)
            assert (python, manage) == ("python", "manage.py")
            call_command(*arguments)
            commands += 1
        assert stored(connection).oauth_token == tokens, step.where
    return commands


def test_rotate_keys(
    op: RecordingOpenIDProvider, connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *steps = section("Rotate keys")
    settings.OIDC_LOGIN_TOKEN_KEYS = settings_of(first, monkeypatch)["OIDC_LOGIN_TOKEN_KEYS"][:1]
    connection = connect()

    assert follow([first, *steps], connection, settings, monkeypatch) == 2
    assert len(settings.OIDC_LOGIN_TOKEN_KEYS) == 1
    assert works(op, connection)


def test_move_to_another_key(
    op: RecordingOpenIDProvider, connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect()

    assert follow(section("Move to another key"), connection, settings, monkeypatch) == 1
    settings.SECRET_KEY = "another " * 10
    assert works(op, connection)
