"""100,000 connections on PostgreSQL: the commands take the memory of 1,000. `pytest -s` shows the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oidc_login.testing import Answer, serve
from oidc_login.testing.application import Endpoint, ProviderApplication, ProviderRequest
from tests.databases.servers import ServerMissing, postgresql

ROOT = Path(__file__).resolve().parents[2]
FEW, MANY = 1_000, int(os.environ.get("MANY_CONNECTIONS", "100000"))
MEGABYTES = 16  # more with many than with few; 100,000 rows take more than 200
SECONDS = 3600


class RotatingTokens(ProviderApplication):
    """A token endpoint whose refresh tokens, "refresh-<number>-<generation>", work once."""

    def __init__(self) -> None:
        super().__init__()
        self.generations: dict[str, int] = {}
        self.refused = 0

    def endpoints(self) -> Mapping[str, Endpoint]:  # type: ignore[override]  # read only here
        return {"/token": Endpoint("token", self._refresh, back_channel=False)}

    def _refresh(self, request: ProviderRequest) -> Answer:
        _, number, generation = request.form["refresh_token"].split("-")
        if int(generation) != self.generations.get(number, 0):
            self.refused += 1
            return Answer.of_json({"error": "invalid_grant"}, status=400)
        newer = self.generations[number] = int(generation) + 1
        tokens = {name: f"{name}-{number}-{newer}" for name in ("access", "refresh")}
        return Answer.of_json(
            {
                "access_token": tokens["access"],
                "refresh_token": tokens["refresh"],
                "token_type": "Bearer",
                "expires_in": 86_400,
            }
        )


class Site:
    def __init__(self, database_url: str, token_endpoint: str) -> None:
        self.env = {**os.environ, "DATABASE_URL": database_url}
        self.token_endpoint = token_endpoint

    def process(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "tests.tokens.many", self.token_endpoint, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *command: str) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads(self.process("run", *command))
        return figures


@pytest.mark.heavy
def test_memory_does_not_grow_with_the_number_of_connections() -> None:
    provider = RotatingTokens()
    refresh = ("oidc_login_refresh", "--json", "--concurrency", "8")
    try:
        with postgresql() as url, serve(provider):
            site = Site(url, f"{provider.base_url}/token")
            site.process("fill", "0", str(FEW))
            figures = {("refresh", FEW): site.run(*refresh), ("rotate", FEW): site.run("oidc_login_rotate_keys")}
            site.process("fill", str(FEW), str(MANY))
            figures["refresh", MANY] = site.run(*refresh)
            figures["rotate", MANY] = site.run("oidc_login_rotate_keys")
    except ServerMissing as missing:
        pytest.skip(str(missing))

    for (what, number), figure in figures.items():
        print("{} {:,}: {seconds:.0f} s, {cpu:.0f} s of CPU, {megabytes:.0f} MB".format(what, number, **figure))
    summary = json.loads(figures["refresh", MANY]["said"])
    assert summary["due"] == summary["refreshed"] == MANY - FEW
    assert provider.refused == 0 and len(provider.generations) == MANY
    assert f"re-encrypted: {MANY - FEW:,}" in figures["rotate", MANY]["said"]
    for what in ("refresh", "rotate"):
        assert figures[what, MANY]["megabytes"] - figures[what, FEW]["megabytes"] < MEGABYTES
