"""The TypeScript client of docs/typescript: it builds in strict mode, and works against a running site in Node."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_login.testing import OpenIDProvider, User, serve
from tests import npm
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

HERE = Path(__file__).parent / "typescript"
CLIENT = Path(__file__).parents[2] / "docs" / "typescript" / "oidc-login.ts"
ORIGIN = "http://app.localhost:5173"
TIME_TO_RUN = 120  # seconds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The client as the compiler makes it."""
    compiler = npm.install(HERE) / "typescript" / "bin" / "tsc"
    options = ["--strict", "--target", "es2022", "--module", "es2022", "--lib", "es2022,dom", "--outDir", str(tmp_path)]
    done = subprocess.run(
        ["node", str(compiler), *options, str(CLIENT)], capture_output=True, text=True, timeout=TIME_TO_RUN
    )
    assert done.returncode == 0, done.stdout
    made = tmp_path / "oidc-login.mjs"
    (tmp_path / "oidc-login.js").rename(made)
    return made


@pytest.fixture
def alice_at_provider(op_of_typescript: OpenIDProvider) -> Iterator[str]:
    """A URL that does what Alice does at the provider, and answers with where her browser is sent."""

    class Choosing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = parse_qs(urlsplit(self.path).query)["url"][0]
            body = op_of_typescript.authorize(url, "alice").encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Choosing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def op_of_typescript(settings: Settings) -> Iterator[OpenIDProvider]:
    alice = User("sub-alice", email="alice@example.org", email_verified=True, preferred_username="alice")
    provider = OpenIDProvider(users=[alice])
    with serve(provider):
        configure(
            settings,
            "op",
            issuer=provider.issuer,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
        )
        yield provider


def test_client_signs_in_and_out(settings: Settings, live_server: Any, built: Path, alice_at_provider: str) -> None:
    settings.ROOT_URLCONF = "tests.headless.urls"
    settings.OIDC_LOGIN_FRONTEND_ORIGINS = settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
    done = subprocess.run(
        ["node", str(HERE / "session.mjs"), built.as_uri(), f"{live_server.url}/api/auth/", ORIGIN, alice_at_provider],
        capture_output=True,
        text=True,
        timeout=TIME_TO_RUN,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
