"""The demo, started as a person starts it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from oidc_login.demo.rules import RULES
from oidc_login.demo.time_zone import local_time_zone
from oidc_login.demo.tour import BY_STOP
from tests.demo.steps import STEPS

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-u", "-m", "oidc_login.demo")
CHECK = (sys.executable, "-m", "tests.demo.check")
SECONDS = 60


def test_check_takes_every_stop_of_the_tour_and_says_what_held() -> None:
    ended = subprocess.run(CHECK, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    *steps, last = ended.stdout.splitlines()
    assert steps == [f"ok      {stop.title}: {stop.see}" for stop in BY_STOP.values()]
    assert set(STEPS) == set(BY_STOP)
    assert (last, ended.stderr) == ("All held.", "")


def test_every_rule_of_the_tour_is_explained_where_the_documentation_has_it() -> None:
    assert {stop.rule for stop in BY_STOP.values()} <= {rule.name for rule in RULES}
    for rule in RULES:
        page, _, anchor = rule.page.partition("#")
        text = (ROOT / "docs" / f"{page}.md").read_text()
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert not anchor or anchor in [re.sub(r"\W+", "-", title.lower()).strip("-") for title in titles]


@pytest.mark.parametrize(
    ("environment", "linked", "expected"),
    [
        ({"TZ": "Asia/Tokyo"}, "Europe/Vienna", "Asia/Tokyo"),
        ({"TZ": ":Asia/Tokyo"}, "Europe/Vienna", "Asia/Tokyo"),
        ({"TZ": "../../etc/passwd"}, "Europe/Vienna", "Europe/Vienna"),
        ({}, "Europe/Vienna", "Europe/Vienna"),
        ({}, "Nowhere/Land", "UTC"),
        ({}, "", "UTC"),
    ],
)
def test_times_are_those_of_this_machine(
    environment: dict[str, str], linked: str, expected: str, tmp_path: Path
) -> None:
    localtime = tmp_path / "localtime"
    if linked:
        localtime.symlink_to(f"/usr/share/zoneinfo/{linked}")

    assert local_time_zone(environment, localtime) == expected


def test_check_that_does_not_hold_fails_and_says_why() -> None:
    program = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from oidc_login.demo.running import running\n"
        "from tests.demo.check import check_all\n"
        "with running(port=0) as demo:\n"
        "    demo.github.bend('token', lambda answer: replace(answer, status=500))\n"
        "    sys.exit(check_all(demo, ['linking', 'github']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    stop = BY_STOP["github"]
    assert f"FAILED  {stop.title}: {stop.see} it ended with HTTP 503 at /oauth/github/callback/" in ended.stdout
    assert "ok      Linking: " in ended.stdout
    assert "1 did not hold." in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "terminate"])
def test_stops_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    with started("--port", "0", folder=tmp_path) as (process, lines):
        site = address(lines, "The site:")
        assert "A tour of signing in" in build_opener(ProxyHandler({})).open(site, timeout=10).read().decode()
        assert any("alice" in line for line in lines)
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out.strip(), err) == (0, "Stopped.", "")
    assert list(tmp_path.iterdir()) == []


def test_taken_port_is_told_and_another_one_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("--port", str(port), folder=tmp_path) as (_, lines):
            assert lines[0] == f"Port {port} is taken, so the site is at another one."
            assert not address(lines, "The site:").endswith(f":{port}/")


def test_site_and_providers_are_two_sites_for_a_browser(tmp_path: Path) -> None:
    with started("--port", "0", folder=tmp_path) as (_, lines):
        assert address(lines, "The site:").startswith("http://127.0.0.1:")
        assert address(lines, "Example ID:").startswith("http://localhost:")
        assert address(lines, "The GitHub-style provider:").startswith("http://localhost:")


@contextmanager
def started(*options: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The running demo and what it printed; it has its temporary folder in `folder`."""
    environment = {"TMPDIR": str(folder), "PATH": ""}
    process = subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    too_late = threading.Timer(SECONDS, process.kill)
    too_late.start()
    try:
        yield process, printed(process)
    finally:
        too_late.cancel()
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def printed(process: subprocess.Popen[str]) -> list[str]:
    """The lines up to the last one of the welcome."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if "Ctrl-C" in line:
            return lines
    assert process.stderr is not None
    raise AssertionError("the demo did not start: " + "\n".join([*lines, process.stderr.read()]))


def address(lines: list[str], label: str) -> str:
    return next(line.removeprefix(label).strip() for line in lines if line.startswith(label))
