"""A provider that runs as a program beside the tests: starting it, ending it, and what it was asked."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.browser import USER_AGENT

ROOT = Path(__file__).resolve().parents[2]
TIME_TO_START = 60  # seconds
TIME_TO_END = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request that the provider answered; `connection` is the client's port."""

    method: str
    path: str
    agent: str
    connection: int
    status: int
    content_type: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class Program:
    """A running provider. It gets one line of JSON, and the end of its input ends it."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output
        self._forgotten = 0

    def _records(self) -> list[dict[str, Any]]:
        """Return the lines of JSON that it wrote; it also says other things."""
        lines = self._output.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b'{"')]

    def await_issuer(self) -> str:
        """Return the issuer, once it says that it listens."""
        deadline = time.monotonic() + TIME_TO_START
        while not (records := self._records()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._output.read_text() + errors_of(self._output).read_text()
                raise RuntimeError(f"the provider did not start:\n{said}")
            time.sleep(0.02)
        issuer: str = records[0]["issuer"]
        return issuer

    def forget_requests(self) -> None:
        """Leave what was asked so far out of `requests_of_the_site`."""
        self._forgotten = len(self._records())

    def requests_of_the_site(self) -> list[Exchange]:
        """Return what was asked by somebody other than the browser: by the site."""
        exchanges = [Exchange(**record) for record in self._new_records() if "event" not in record]
        return [exchange for exchange in exchanges if exchange.agent != USER_AGENT]

    def events(self) -> list[str]:
        """Return what else the provider told."""
        return [record["event"] for record in self._new_records() if "event" in record]

    def _new_records(self) -> list[dict[str, Any]]:
        return self._records()[max(self._forgotten, 1) :]


def errors_of(output: Path) -> Path:
    """Return where a program's other words go: they would come in the middle of its records."""
    return output.with_name(f"{output.name}-errors")


@contextmanager
def running(command: Sequence[str], configuration: Mapping[str, Any], *, output: Path) -> Iterator[Program]:
    """Run a provider for the length of a `with` block."""
    with output.open("wb") as sink, errors_of(output).open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=errors, cwd=ROOT)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(configuration).encode() + b"\n")
        process.stdin.flush()
        yield Program(process, output)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Close the program's input, and kill it where that is not enough."""
    assert process.stdin is not None
    try:
        process.stdin.close()
        process.wait(TIME_TO_END)
    except (BrokenPipeError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
