"""One of docs/examples, run as its README says, with a provider of `oidc_login.testing` in the place of Keycloak."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oidc_login.testing import OpenIDProvider, User, serve
from tests.demo.browser import Browser, Page
from tests.support.sites import free_port, opened, running

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SERVE = "python -m django runserver"
BEFORE = ["python -m django migrate", "python -m django check --fail-level WARNING"]
SECONDS = 60

# As in keycloak/realm.json.
ADA = User(
    "ada", preferred_username="ada", email="ada@example.org", email_verified=True, claims={"groups": ["site-admins"]}
)
BOB = User("bob", preferred_username="bob", email="bob@example.org", email_verified=True, claims={"groups": []})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A site that is running."""

    folder: Path
    environment: dict[str, str]
    url: str
    provider: OpenIDProvider

    def run(self, command: str, *arguments: str) -> str:
        """Run a command of the README, with further arguments."""
        words = [sys.executable if word == "python" else word for word in command.split()]
        done = subprocess.run(
            [*words, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def sign_in(self, browser: Browser, page: Page, person: str) -> Page:
        """Press the button of the provider, and choose who one is there."""
        page = browser.submit(page, page.form("/oauth/company/login/"))
        return browser.submit(page, page.forms[0], ("chosen_user", person))


@contextmanager
def served(name: str, folder: Path) -> Iterator[Example]:
    """Copy an example, migrate and check it, and serve it beside a provider that knows only its callback URL."""
    copy = folder / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    port = free_port()
    url = f"http://localhost:{port}"
    provider = OpenIDProvider(
        users=[ADA, BOB],
        redirect_uris=[f"{url}/oauth/company/callback/"],
        post_logout_redirect_uris=[f"{url}/oauth/logout/done/"],
        claims_in_id_token=True,
    )
    with serve(provider) as issuer:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "settings",
            "COMPANY_ISSUER": issuer,
            "COMPANY_CLIENT_ID": provider.client_id,
            "COMPANY_CLIENT_SECRET": provider.client_secret,
            "DJANGO_SUPERUSER_PASSWORD": "for this example alone",
        }
        example = Example(folder=copy, environment=environment, url=url, provider=provider)
        for command in BEFORE:
            example.run(command)
        server = [sys.executable, "-m", "django", "runserver", "--noreload", f"localhost:{port}"]
        with running(server, folder=copy, environment=environment):
            opened(Browser(), f"{url}/oauth/")
            yield example
