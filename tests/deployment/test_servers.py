"""The recipes of docs/deployment.md, run as they stand there: a whole sign-in, and a logout that the provider sends."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from oidc_login.testing import OpenIDProvider, User, serve
from tests import npm
from tests.support.markup import Markup
from tests.support.servers import self_signed_context

pytestmark = pytest.mark.heavy

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deployment.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
CONFIGURATIONS = dict(zip(["", "/shop"], re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL), strict=True))
PATIENCE = 30  # seconds
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    {server}
}}
"""


def program(name: str) -> str:
    """The path of a program, beside this Python or elsewhere; without it the test is skipped, and in CI it fails."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name) or npm.do_without(f"{name} is not installed")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(command: list[str], *, port: int, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program until the end of the block; it is up when it answers at the port."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until = time.monotonic() + PATIENCE
        while not answers(port):
            assert process.poll() is None and time.monotonic() < until, f"{command[0]} does not answer"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        print(process.communicate(timeout=PATIENCE)[0])


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def deployed(command: str, prefix: str, provider: OpenIDProvider, folder: Path) -> Iterator[str]:
    """Serve the site by a command and a configuration of the page, and return its address."""
    inner, outer = free_port(), free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "DJANGO_SETTINGS_MODULE": "tests.deployment.site",
        "SITE_DATABASE": str(folder / "site.sqlite3"),
        "SITE_ISSUER": provider.issuer,
        **({"SITE_SCRIPT_NAME": prefix} if prefix else {}),
    }
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
    subprocess.run(migrate, env=environment, check=True, timeout=120)
    name, *arguments = shlex.split(command.replace("shop.", "tests.deployment.").replace("8000", str(inner)))
    self_signed_context(folder, "127.0.0.1")
    server = CONFIGURATIONS[prefix].replace("listen 443", f"listen 127.0.0.1:{outer}").replace("8000", str(inner))
    server = re.sub(r"/etc/ssl/\S+\.pem", str(folder / "self-signed.pem"), server)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=server))
    with (
        running([program(name), *arguments], port=inner, environment=environment),
        running([program("nginx"), "-c", str(folder / "nginx.conf")], port=outer),
    ):
        yield f"https://127.0.0.1:{outer}{prefix}"


class Visitor(requests.Session):
    """A browser that believes the proxy's certificate, and follows no redirect by itself."""

    def __init__(self, certificate: Path) -> None:
        super().__init__()
        self.verify = str(certificate)
        self.trust_env = False

    def begin(self, site: str, **headers: str) -> requests.Response:
        """Press the provider's button."""
        (form,) = Markup(self.get(f"{site}/oauth/").text).forms
        url = "{0.scheme}://{0.netloc}".format(urlsplit(site)) + form.action
        return self.post(url, dict(form.fields), headers={"referer": f"{site}/", **headers}, allow_redirects=False)


@pytest.mark.parametrize("prefix", CONFIGURATIONS, ids=["at the root", "below a path"])
@pytest.mark.parametrize("command", COMMANDS, ids=[command.split()[0] for command in COMMANDS])
def test_recipe(command: str, prefix: str, tmp_path: Path) -> None:
    provider = OpenIDProvider(users=[User("alice", email="alice@example.org", email_verified=True)])
    with serve(provider), deployed(command, prefix, provider, tmp_path) as site:
        visitor = Visitor(tmp_path / "self-signed.pem")
        lies = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}

        begun = visitor.begin(site, **lies)
        (redirect_uri,) = parse_qs(urlsplit(begun.headers["Location"]).query)["redirect_uri"]
        assert redirect_uri == f"{site}/oauth/op/callback/"
        assert "__Host-oidc_login_flow_" in begun.headers["Set-Cookie"] and "Secure" in begun.headers["Set-Cookie"]

        ended = visitor.get(
            provider.authorization_answer(begun.headers["Location"], "alice").url, allow_redirects=False
        )
        assert ended.headers["Location"] == f"{prefix}/"
        assert visitor.get(f"{site}/").text == "alice"

        notice = {"logout_token": provider.logout_token(user="alice")}
        server = Visitor(tmp_path / "self-signed.pem")
        assert server.post(f"{site}/oauth/op/backchannel-logout/", notice).status_code == 200
        assert visitor.get(f"{site}/").text == ""
