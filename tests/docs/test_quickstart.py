"""A reader who follows the quickstart to the letter ends on a page that says who is signed in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from oidc_login.testing import OpenIDProvider, User, serve
from tests.demo.browser import Browser
from tests.docs.pages import FENCE
from tests.support.sites import free_port, opened, running

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "quickstart.md"
MOST_STEPS = 12
EXPORT = re.compile(r'export (\w+)="(.+)"')

CLIENT = {"the client ID": "client", "the client secret": "secret"}


class Reader:
    """Does what the page says: runs its commands and appends its blocks to the files that it names."""

    def __init__(self, folder: Path, *, issuer: str, port: int) -> None:
        self.folder = folder
        self.issuer = issuer
        self.port = port
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.steps = 0
        self.printed = ""
        self.servers = ExitStack()

    def follow(self, text: str) -> None:
        for fence in FENCE.finditer(text):
            if fence["info"] == "sh":
                for line in fence["code"].splitlines():
                    self.run(line)
            elif fence["info"] == "python":
                self.append(fence["code"])

    def append(self, code: str) -> None:
        """Append a block to its file, with the reader's own issuer."""
        self.steps += 1
        name = code.splitlines()[0].removeprefix("# ")
        with (self.folder / "mysite" / name).open("a") as file:
            file.write("\n" + code.replace("https://login.example.com", self.issuer))

    def run(self, line: str) -> None:
        self.steps += 1
        if exported := EXPORT.fullmatch(line):
            self.environment[exported[1]] = CLIENT[exported[2]]
        elif line.startswith("cd "):
            self.folder = self.folder / line.removeprefix("cd ")
        elif line == "python manage.py runserver":
            command = [sys.executable, "manage.py", "runserver", "--noreload", f"localhost:{self.port}"]
            self.servers.enter_context(running(command, folder=self.folder, environment=self.environment))
        elif not line.startswith("pip install"):  # it is installed: this checkout
            self.printed += self.output_of(line.split())

    def output_of(self, command: list[str]) -> str:
        programs = {"python": [sys.executable], "django-admin": [sys.executable, "-m", "django"]}
        done = subprocess.run(
            [*programs[command[0]], *command[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def test_the_first_sign_in_ends_on_a_page_that_says_who_is_signed_in(tmp_path: Path) -> None:
    text = PAGE.read_text().partition("## Behind a proxy")[0]
    port = free_port()
    url = re.findall(r"Open <(http://localhost:8000/\S+)>", text)[0].replace("8000", str(port))
    named = re.findall(r"^http://localhost:8000/\S+$", text, re.MULTILINE)[0]
    callbacks = [named, named.replace("8000", str(port))]
    people = [User("ada", preferred_username="ada", email="ada@example.org", email_verified=True)]
    provider = OpenIDProvider(redirect_uris=callbacks, users=people)
    browser = Browser()

    with serve(provider) as issuer:
        reader = Reader(tmp_path, issuer=issuer, port=port)
        with reader.servers:
            reader.follow(text)
            page = opened(browser, url)
            page = browser.submit(page, page.form("/oauth/company/login/"))
            page = browser.submit(page, page.forms[0], ("chosen_user", "ada"))

    assert (page.status, page.path) == (200, "/oauth/connections/")
    assert "You are signed in as ada" in page.text
    assert reader.steps <= MOST_STEPS
