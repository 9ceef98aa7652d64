"""How far a command has come: a line that is redrawn on a terminal, quiet lines elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management.base import OutputWrapper
from django.core.management.color import color_style, no_style

from oidc_login.management.progress import Progress

ROOT = Path(__file__).resolve().parents[2]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(out: StringIO, steps: list[tuple[float, int]], *, verbosity: int = 1, color: bool = False) -> str:
    """What stands there after so much was done of 1,000 at these times."""
    clock = Clock()
    style = color_style(force_color=True) if color else no_style()
    progress = Progress(OutputWrapper(out), verbosity=verbosity, style=style, clock=clock)
    for clock.now, done in steps:
        progress(done, 1000)
    progress.end()
    return out.getvalue()


def test_line_is_redrawn_on_a_terminal() -> None:
    lines = shown(Terminal(), [(1, 100), (2, 500), (4, 1000)]).split("\r")

    assert lines[1:] == [
        "[###...........................] 100 of 1,000, 100 per second, 0:00:09 left",
        "[###############...............] 500 of 1,000, 250 per second, 0:00:02 left",
        "[##############################] 1,000 of 1,000, 250 per second, 0:00:00 left\n",
    ]


def test_longer_line_is_covered() -> None:
    lines = shown(Terminal(), [(1, 1), (100, 50), (101, 900)]).rstrip("\n").split("\r")

    assert len(lines[-1]) >= len(lines[-2].rstrip())


def test_not_more_often_than_anybody_can_see() -> None:
    assert shown(Terminal(), [(n / 1000, n) for n in range(1, 1000)]).count("\r") == 9


def test_a_line_now_and_then_elsewhere() -> None:
    assert shown(StringIO(), [(n, n) for n in range(1, 100)]).splitlines() == [
        "30 of 1,000, 1 per second, 0:16:10 left",
        "60 of 1,000, 1 per second, 0:15:40 left",
        "90 of 1,000, 1 per second, 0:15:10 left",
    ]


def test_nothing_of_what_is_short() -> None:
    assert shown(StringIO(), [(1, 500), (2, 1000)]) == ""


@pytest.mark.parametrize("out", [Terminal(), StringIO()], ids=["terminal", "file"])
def test_silence(out: StringIO) -> None:
    assert shown(out, [(1, 500), (100, 1000)], verbosity=0) == ""


@pytest.mark.parametrize("color", [True, False])
def test_colour_is_the_style_of_the_command(color: bool) -> None:
    assert ("\x1b[" in shown(Terminal(), [(1, 500)], color=color)) == color


def test_nothing_to_do() -> None:
    out = Terminal()
    progress = Progress(OutputWrapper(out), verbosity=1, style=no_style())
    progress(0, 0)

    assert "0 of 0" in out.getvalue()


def test_command_on_a_terminal(tmp_path: Path) -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings.base", "TERM": "xterm"}
    env["DATABASE_URL"] = f"sqlite://{tmp_path}/db.sqlite3"
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", ROTATE], cwd=ROOT, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = read_to_the_end(ours)

    assert process.wait(60) == 0, seen
    assert "] 3 of 3" in seen.replace("\x1b[0m", "") and "\r" in seen
    assert "\x1b[32;1m" in seen
    assert "Connections with tokens: 3, re-encrypted: 0" in seen


# One process, since each start of Django costs seconds on a busy machine.
ROTATE = """
import django
django.setup()
from django.core.management import call_command, execute_from_command_line
call_command("migrate", verbosity=0)
from django.contrib.auth import get_user_model
from oidc_login.models import OAuthConnection
for number in range(3):
    user = get_user_model().objects.create(username=number)
    OAuthConnection(user=user, provider_key="op", provider_user_id=number, access_token="token").save()
execute_from_command_line(["django-admin", "oidc_login_rotate_keys"])
"""


def read_to_the_end(terminal: int) -> str:
    seen = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            chunk = b""
        if not chunk:
            os.close(terminal)
            return seen.decode()
        seen += chunk
