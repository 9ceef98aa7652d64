"""`manage.py oidc_login_diagnose --token -`: the step at which a token is refused, and nothing that is secret."""

from __future__ import annotations

import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from oidc_login.models import OAuthConnection
from tests.drf.conftest import API, jwt, opaque
from tests.support.invariant import CANARY
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
SECRETS = (ALICE.sub, ALICE.email, "orders.read", "spa-client", CANARY)


@pytest.fixture
def alice(op: RecordingOpenIDProvider) -> Any:
    user = get_user_model().objects.create_user("alice")
    OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=ALICE.sub, link_reason="signed_up"
    )
    return user


@pytest.fixture
def diagnose(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the command a token; return the mark and the text of each step, and what it ended with."""

    def run(token: str, *arguments: str) -> tuple[dict[str, tuple[str, str]], str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
        out, end = io.StringIO(), ""
        try:
            call_command("oidc_login_diagnose", "--token", "-", *arguments, stdout=out, no_color=True)
        except CommandError as error:
            end = str(error)
        for secret in (token, *token.split("."), *SECRETS):
            assert secret not in out.getvalue() + end
        lines = [re.fullmatch(r"  (.{6}) (\w+) +(.+)", line) for line in out.getvalue().splitlines()]
        return {line[2]: (line[1].strip(), line[3]) for line in lines if line}, end

    return run


def test_token_that_is_accepted(op: RecordingOpenIDProvider, alice: Any, diagnose: Any) -> None:
    found, end = diagnose(jwt(op, aud=API, client_id="spa-client", email=ALICE.email))

    assert end == ""
    assert [(step, mark) for step, (mark, _text) in found.items()] == [
        ("form", "ok"),
        ("claims", ""),
        ("provider", "ok"),
        ("token", "ok"),
        ("account", "ok"),
    ]
    assert re.fullmatch(r"alg RS256, typ at\+jwt, kid \S+", found["form"][1])
    assert f"iss {op.issuer}, aud {API}, iat 20" in found["claims"][1]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "token", "iss"),
    "another audience": ({"aud": "https://other.example"}, "token", "aud"),
    "expired": ({"exp": 1}, "token", "exp"),
    "another type": ({"header": {"typ": "logout+jwt"}}, "answer", "active False"),
    "somebody else": ({"sub": "stranger-1"}, "account", "no_connection"),
    "a program": ({"sub": "robot", "client_id": "robot"}, "token", "client"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_step_that_refuses_a_token(op: RecordingOpenIDProvider, alice: Any, diagnose: Any, case: str) -> None:
    claims, step, reason = REFUSED[case]

    found, end = diagnose(jwt(op, **claims))

    assert found[step][0] == "FAILED"
    assert found[step][1].startswith(reason)
    assert end == "An API call with this token is refused."


def test_opaque_token_shows_what_introspection_said(op: RecordingOpenIDProvider, alice: Any, diagnose: Any) -> None:
    found, end = diagnose(opaque(op))

    assert (end, found["answer"][0]) == ("An API call with this token is refused.", "ok")
    assert re.match(rf"active True, token_type Bearer, iss {op.issuer}, aud client, exp \d", found["answer"][1])
    assert found["token"] == ("FAILED", found["token"][1])
    assert found["token"][1].startswith("aud: ")


def test_nobody_is_made_and_nothing_is_written(op: RecordingOpenIDProvider, settings: Settings, diagnose: Any) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": {"audience": API, "signup": True}}

    found, end = diagnose(jwt(op))

    assert (found["account"][0], end) == ("", "")
    assert not get_user_model().objects.exists()


def test_provider_that_does_not_answer(op: RecordingOpenIDProvider, alice: Any, diagnose: Any) -> None:
    from oidc_login.testing import Answer

    op.bend("introspection", lambda good: Answer(status=503, headers={}, body=b""))

    found, end = diagnose(opaque(op))

    assert (found["token"][0], end) == ("", "Nobody can tell at the moment.")


@pytest.mark.parametrize("token", ["two-words and-more", "\N{LATIN SMALL LETTER A WITH DIAERESIS}" * 9])
def test_what_is_no_token(op: RecordingOpenIDProvider, diagnose: Any, token: str) -> None:
    found, end = diagnose(token)

    assert (found["form"][0], end) == ("FAILED", "An API call with this token is refused.")


def test_token_is_never_an_argument() -> None:
    with pytest.raises(CommandError, match="standard input") as raised:
        call_command("oidc_login_diagnose", "--token", "secret-token")
    assert "secret-token" not in str(raised.value)


def test_findings_as_json(op: RecordingOpenIDProvider, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(jwt(op)))
    out = io.StringIO()

    call_command("oidc_login_diagnose", "--token", "-", "--json", stdout=out)

    found = json.loads(out.getvalue())["token"]
    assert [one["subject"] for one in found] == ["form", "claims", "provider", "token", "account"]
    assert time.strftime("%Y-%m-%d", time.gmtime()) in found[1]["text"]
