"""docs/recipes/mcp.md, tried with the official Python client of the Model Context Protocol."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, OpenIDProvider, User, serve
from tests.docs.pages import QUICKSTART, PageRun, blocks

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.heavy, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "build" / "mcp"


@pytest.fixture(scope="module")
def packages() -> Path:
    """The official client and what it needs, in a folder of its own."""
    if not PACKAGES.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PACKAGES), "mcp"]
        subprocess.run(command, check=True, timeout=300)
    return PACKAGES


@pytest.mark.parametrize(("path", "taken"), [("", True), ("/other", False)], ids=["this resource", "another resource"])
def test_official_client_signs_in_and_calls_the_tool(
    packages: Path,
    live_server: Any,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    taken: bool,
) -> None:
    op = OpenIDProvider(users=[User("ada")], require_nonce=False)
    resource = f"{live_server.url}/mcp"
    caplog.set_level("INFO", "oidc_login")
    with ExitStack() as stack:
        run = PageRun(monkeypatch, stack, written=QUICKSTART)
        for block in blocks(ROOT / "docs" / "recipes" / "mcp.md"):
            run.run(block)
        issuer = stack.enter_context(serve(op))
        settings.ROOT_URLCONF = "urls"
        settings.OIDC_LOGIN_PROVIDERS = {"company": {"issuer": issuer, "client_id": "site", "client_secret": "unused"}}
        settings.OIDC_LOGIN_BEARER_PROVIDERS = {"company": {"audience": resource}}
        cache.clear()
        user = get_user_model().objects.create_user("ada")
        OAuthConnection.objects.create(
            user=user, provider_key="company", issuer=issuer, provider_user_id="ada", link_reason="signed_up"
        )

        def as_jwt(answer: Answer) -> Answer:
            """The token endpoint with a JWT for the resource that the client asked for (RFC 8707)."""
            asked = op.requests[-1].form["resource"]
            now = int(time.time())
            claims = {"iss": issuer, "sub": "ada", "aud": asked + path, "client_id": "client", "jti": "1"}
            token = op.unsigned_token({**claims, "iat": now, "exp": now + 600, "scope": "openid"})
            token.header = {**token.header, "typ": "at+jwt"}
            return Answer.of_json({**json.loads(answer.content()), "access_token": token.signed()})

        op.bend("token", as_jwt)
        script = Path(__file__).with_name("mcp_client.py")
        command = [sys.executable, str(script), resource, "ada", op.client_id, op.client_secret]
        ended = subprocess.run(
            command, env={"PYTHONPATH": str(packages)}, capture_output=True, text=True, timeout=60, check=False
        )

    assert (ended.stdout.strip() == "ada") is taken, ended.stderr
    assert (ended.returncode == 0) is taken, ended.stderr
    refused = [record.reason for record in caplog.records if hasattr(record, "reason")]
    assert set(refused) == (set() if taken else {"aud"})
