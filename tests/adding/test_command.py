"""`manage.py oidc_login_add`: what it tells, asks, prints and writes, and what it leaves alone."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from select import select
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from oidc_login.adding.facts import ANY_OPENID, KnownProvider, known_names, known_providers
from oidc_login.testing import OpenIDProvider, serve
from tests.providers.apple_style import KEY_TEXT
from tests.support.served import CLIENT_SECRET, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

TERMINAL_SECONDS = 60
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.OIDC_LOGIN_BASE_URL = "https://shop.example"
    settings.OIDC_LOGIN_PROVIDERS = {}
    monkeypatch.setenv("STAFF_CLIENT_ID", "client")
    monkeypatch.setenv("STAFF_CLIENT_SECRET", CLIENT_SECRET)
    yield


def added(*arguments: str) -> str:
    """Run the command without a terminal, and return what it printed."""
    out = StringIO()
    try:
        call_command("oidc_login_add", *arguments, stdout=out, no_color=True)
    finally:
        assert CLIENT_SECRET not in out.getvalue()
    return out.getvalue()


def entry_in(printed: str, key: str) -> Any:
    """Return the entry that was printed, with the values of the environment."""
    _, _, told = printed.partition("Add this to your settings:\n\n")
    namespace: dict[str, Any] = {}
    exec(told[: told.index("\n}\n") + 2], namespace)
    return namespace["OIDC_LOGIN_PROVIDERS"][key]


def values_for(known: KnownProvider) -> list[str]:
    """Return options for what a site has to say about a provider."""
    given = {name: known.settings[name] for name in known.asked}
    return [f"--set={name}={KEY_TEXT if name == 'client_key' else value}" for name, value in given.items()]


@pytest.mark.parametrize("known", [*known_providers(), ANY_OPENID], ids=lambda known: known.key)
def test_every_provider_can_be_added(known: KnownProvider) -> None:
    secret = ["--key=staff", *([] if known.has_secret else ["--public"])]

    printed = added(known.key, *secret, *values_for(known), "--no-diagnosis")

    assert known.facts.register_at in printed
    assert "https://shop.example/oauth/staff/callback/" in printed
    assert "http://localhost:8000/oauth/staff/callback/" in printed
    if known.has_secret:
        entry = entry_in(printed, "staff")
        assert (entry["client_id"], entry["client_secret"]) == ("client", CLIENT_SECRET)
        assert {name: entry[name] for name in known.fixed} == known.fixed


def test_every_file_of_facts_is_a_provider() -> None:
    assert sorted(known.key for known in known_providers()) == known_names()


def test_provider_is_asked_before_anybody_signs_in(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {}

    printed = added("openid", "--key=staff", f"--set=issuer={op.issuer}")

    assert f"ok     description of {op.issuer}" in printed
    assert "ok     client      is accepted" in printed
    assert entry_in(printed, "staff") == {"issuer": op.issuer, "client_id": "client", "client_secret": CLIENT_SECRET}


def test_provider_that_refuses_the_client_is_told(op: RecordingOpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAFF_CLIENT_SECRET", "another")

    with pytest.raises(CommandError, match=r"^Nobody can sign in through: staff\.$"):
        added("openid", "--key=staff", f"--set=issuer={op.issuer}")


def test_server_of_ones_own_takes_the_place_of_the_documented_one() -> None:
    printed = added("gitlab", "--key=staff", "--set=issuer=https://git.example", "--no-diagnosis")

    entry = entry_in(printed, "staff")
    assert entry["issuer"] == "https://git.example"
    assert "discovery_url" not in entry


def test_argument_that_is_json_is_read_as_json() -> None:
    options = ["--set=scope=openid email", '--set=allowed_email_domains=["shop.example"]', "--set=trust_email=true"]

    entry = entry_in(added("google", "--key=staff", *options, "--no-diagnosis"), "staff")

    assert (entry["scope"], entry["allowed_email_domains"], entry["trust_email"]) == (
        "openid email",
        ["shop.example"],
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Use the name of a provider"),
        (["gogle"], "did you mean 'google'"),
        (["google"], "--client-id or GOOGLE_CLIENT_ID"),
        (["google", "--client-id=shop"], "GOOGLE_CLIENT_SECRET, or --public"),
        (["openid", "--key=staff"], "--set issuer="),
        (["keycloak", "--key=staff", "--set=base_url=https://kc.example"], "--set realm="),
        (["google", "--key=A B"], "is not a valid key"),
        (["google", "--key=staff", "--set=client_secret=x"], "options of their own"),
        (["google", "--key=staff", "--set=offlin=true"], "did you mean 'offline'"),
    ],
)
def test_what_is_missing_or_wrong_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        added(*arguments)

    assert message in str(caught.value)
    assert CLIENT_SECRET not in str(caught.value)


def test_site_without_our_urls_is_told_the_line(settings: Settings) -> None:
    settings.ROOT_URLCONF = ()

    with pytest.raises(CommandError, match="include"):
        added("google", "--key=staff")


def test_entry_that_is_there_is_not_replaced_without_leave(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "staff", issuer=op.issuer, client_id="client", client_secret=CLIENT_SECRET)

    with pytest.raises(CommandError, match="has an entry 'staff'. Use --key, or --overwrite"):
        added("openid", "--key=staff", f"--set=issuer={op.issuer}")

    assert entry_in(added("openid", "--key=staff", f"--set=issuer={op.issuer}", "--overwrite"), "staff")


def test_client_goes_to_the_file_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    arguments = ["google", "--key=staff", f"--env-file={path}", "--no-diagnosis"]

    added(*arguments)
    assert path.read_text() == f"STAFF_CLIENT_ID=client\nSTAFF_CLIENT_SECRET='{CLIENT_SECRET}'\n"
    added(*arguments)
    with pytest.raises(CommandError, match="has other values of STAFF_CLIENT_ID"):
        added(*arguments, "--client-id=another")
    added(*arguments, "--client-id=another", "--overwrite")

    assert "STAFF_CLIENT_ID=another\n" in path.read_text()


# At a terminal, and into the settings of a site.


def new_site(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "django", "startproject", "mysite", str(folder)], check=True)
    with (folder / "mysite" / "settings.py").open("a") as file:
        file.write('INSTALLED_APPS += ["oidc_login"]\n')
        file.write('AUTHENTICATION_BACKENDS = ["oidc_login.backends.OIDCLoginBackend"]\n')
    with (folder / "mysite" / "urls.py").open("a") as file:
        file.write("from django.urls import include\n")
        file.write('urlpatterns += [path("oauth/", include("oidc_login.urls"))]\n')


def at_a_terminal(command: list[str], answers: list[tuple[str, str]], **options: Any) -> tuple[int, str]:
    """Run a command at a terminal, answer its questions, and return its exit status and what the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **options)
    os.close(theirs)
    shown = ""
    try:
        while select([ours], [], [], TERMINAL_SECONDS)[0] and (part := os.read(ours, 4096)):
            shown += part.decode()
            if answers and shown.rstrip().endswith(answers[0][0]):
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
    except OSError:  # Linux says so at the end of a terminal
        pass
    os.close(ours)  # which ends a command that still waits for an answer
    return process.wait(TERMINAL_SECONDS), shown


def test_three_answers_at_a_terminal_make_a_site_that_works(tmp_path: Path) -> None:
    new_site(tmp_path)
    others = ("DJANGO_SETTINGS_MODULE", "STAFF_CLIENT_ID", "STAFF_CLIENT_SECRET")
    kept = {name: value for name, value in os.environ.items() if name not in others}
    environment = {**kept, "PYTHONPATH": str(ROOT), "STAFF_CLIENT_ID": "client", "STAFF_CLIENT_SECRET": "hidden secret"}
    file = tmp_path / "mysite" / "settings.py"
    before = file.read_text()
    command = [sys.executable, "manage.py", "oidc_login_add", "openid", "--key", "staff", "--env-file", ".env"]

    with serve(OpenIDProvider(client_id="client", client_secret="hidden secret")) as issuer:
        answers = [
            ("for example https://login.example.com):", issuer),
            ("Client ID:", "client"),
            ("public client):", "hidden secret"),
            ("settings.py? [y/N]", "y"),
        ]
        status, shown = at_a_terminal(command, answers, cwd=tmp_path, env=kept | {"PYTHONPATH": str(ROOT)})
        diagnose = [sys.executable, "manage.py", "oidc_login_diagnose", "staff"]
        done = subprocess.run(diagnose, cwd=tmp_path, env=environment, capture_output=True)

    assert (status, answers) == (0, []), shown
    assert "hidden secret" not in shown
    assert file.read_text().startswith(before)
    assert "hidden secret" not in file.read_text()
    assert (tmp_path / ".env").read_text() == "STAFF_CLIENT_ID=client\nSTAFF_CLIENT_SECRET='hidden secret'\n"
    assert done.returncode == 0, done.stdout + done.stderr
