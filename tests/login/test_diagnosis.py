"""`manage.py oidc_login_diagnose`: what it finds, what it says to do, and that it tells and leaves nothing else."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from oidc_login.advice import ADVICE
from oidc_login.diagnosis.client import MADE_UP_CODE
from oidc_login.diagnosis.document import time_of
from oidc_login.diagnosis.findings import FAULT, UNUSABLE
from oidc_login.protocol.http.client import Response
from oidc_login.testing import Answer
from tests.support.oauth1 import RecordingOAuth1
from tests.support.served import CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Bend = Callable[[Answer], Answer]
Found = dict[str, tuple[str, str]]


def diagnosis(*keys: str, broken: str = "") -> Found:
    """Run the command; return the mark and the text of each subject of the one provider."""
    out = StringIO()
    if broken:
        with pytest.raises(CommandError, match=f"^Nobody can sign in through: {broken}.$"):
            call_command("oidc_login_diagnose", *keys, stdout=out, no_color=True)
    else:
        call_command("oidc_login_diagnose", *keys, stdout=out, no_color=True)
    assert CLIENT_SECRET not in out.getvalue()
    lines = [re.fullmatch(r"  (.{6}) (\w+) +(.+)", line) for line in out.getvalue().splitlines()]
    return {line[2]: (line[1].strip(), line[3]) for line in lines if line}


def test_provider_with_which_everything_is_right(op: RecordingOpenIDProvider, settings: Settings) -> None:
    settings.OIDC_LOGIN_BASE_URL = "https://shop.example"

    found = diagnosis("op")

    assert found == {
        "description": ("ok", f"of {op.issuer}"),
        "keys": ("ok", found["keys"][1]),
        "clock": ("ok", found["clock"][1]),
        "client": ("ok", "is accepted: the provider rejected the made-up code, not the client"),
        "redirect": ("ok", "is registered: https://shop.example/oauth/op/callback/"),
        "cache": ("", found["cache"][1]),
        "callback": ("", "register this URL with the provider: https://shop.example/oauth/op/callback/"),
    }
    assert re.fullmatch(r"\d+ for RS256, .*", found["keys"][1])
    assert re.fullmatch(r"differs from the provider's clock by [01] s", found["clock"][1])
    assert op.asked() == ["discovery", "jwks", "discovery", "token"]
    (token,) = [request for request in op.requests if request.form.get("code")]
    assert token.form["code"] == MADE_UP_CODE
    assert token.form["redirect_uri"] == "https://shop.example/oauth/op/callback/"


def test_nothing_shared_is_believed_or_left(op: RecordingOpenIDProvider) -> None:
    diagnosis("op")
    diagnosis("op")

    assert op.asked().count("jwks") == 2
    assert not cache._cache  # type: ignore[attr-defined]  # of the cache in this process


def test_host_is_not_known_without_the_setting(op: RecordingOpenIDProvider) -> None:
    assert diagnosis("op")["callback"][1].endswith("https://<your host>/oauth/op/callback/")
    assert op.requests[-1].form["redirect_uri"] == "https://localhost/oauth/op/callback/"


def test_secret_that_has_expired(op: RecordingOpenIDProvider) -> None:
    op.client_secret = "the next one"

    mark, text = diagnosis("op", broken="op")["client"]

    assert mark == "FAILED"
    assert text.startswith("invalid_client: The provider does not accept the client")


def test_one_secret_of_a_rotation_is_enough(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", client_secret=["the next one", CLIENT_SECRET])

    assert diagnosis("op")["client"][0] == "ok"


def test_answer_that_may_be_about_either(op: RecordingOpenIDProvider) -> None:
    with op.bend("token", lambda good: Answer.of_json({"error": "invalid_request"}, status=400)):
        found = diagnosis("op")

    assert found["client"] == (
        "",
        "The provider rejected the made-up code with invalid_request, which may concern the code or the client.",
    )


def test_provider_that_gives_tokens_for_any_code(op: RecordingOpenIDProvider) -> None:
    tokens = {"access_token": "CANARY", "token_type": "Bearer"}

    with op.bend("token", lambda good: Answer.of_json(tokens)):
        found = diagnosis("op", broken="op")

    assert found["client"] == ("FAILED", "The provider issued tokens for a made-up code.")


def other_issuer(good: Answer) -> Answer:
    return with_members(good, issuer="https://op.example")


def plain_http(good: Answer) -> Answer:
    return with_members(good, token_endpoint="http://op.example/")


def page(good: Answer) -> Answer:
    return Answer.of_page("<h1>Proxy</h1>")


def no_key_set(good: Answer) -> Answer:
    return Answer.of_json([])


def missing(good: Answer) -> Answer:
    return Answer(status=404)


def down(good: Answer) -> Answer:
    return Answer(status=503)


TROUBLES: list[tuple[str, Bend, str, str]] = [
    ("discovery", other_issuer, "description", f"issuer_mismatch: {ADVICE['issuer_mismatch']}"),
    ("discovery", plain_http, "description", f"token_endpoint: {UNUSABLE}"),
    ("discovery", missing, "description", f"status: {ADVICE['status']}"),
    ("discovery", page, "description", f"json: {ADVICE['json']}"),
    ("discovery", down, "description", f"document: {FAULT}"),
    ("jwks", no_key_set, "keys", f"jwks: {ADVICE['jwks']}"),
    ("jwks", down, "keys", f"document: {FAULT}"),
    ("token", down, "client", f"token_endpoint: {FAULT}"),
    ("token", page, "client", f"content_type: {UNUSABLE}"),
]


def with_members(good: Answer, **members: Any) -> Answer:
    return Answer.of_json({**good.json, **members})


@pytest.mark.parametrize(("place", "bend", "subject", "text"), TROUBLES)
def test_trouble_is_named(op: RecordingOpenIDProvider, place: str, bend: Bend, subject: str, text: str) -> None:
    with op.bend(place, bend):
        assert diagnosis("op", broken="op")[subject] == ("FAILED", text)


def test_nobody_listens_there(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.OIDC_LOGIN_PROVIDERS = {
        "op": {"issuer": f"http://127.0.0.1:{port}", "client_id": "c", "client_secret": "s"}
    }

    found = diagnosis("op", broken="op")

    assert found["description"] == ("FAILED", f"connect: {ADVICE['connect']}")
    assert "callback" in found


def test_no_key_is_fit(op: RecordingOpenIDProvider) -> None:
    edwards = [key for key in op.jwks()["keys"] if key["kty"] == "OKP"]

    with (
        op.bend("discovery", lambda good: with_members(good, id_token_signing_alg_values_supported=["RS256"])),
        op.bend("jwks", lambda good: Answer.of_json({"keys": edwards})),
    ):
        found = diagnosis("op", broken="op")

    assert found["keys"] == ("FAILED", f"None of the {len(edwards)} keys is for RS256: check `id_token_signing_algs`.")


def test_keys_that_nobody_needs_are_not_fetched(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", id_token_signing_algs=["HS256"])

    listing = op.bend("discovery", lambda good: with_members(good, id_token_signing_alg_values_supported=["HS256"]))
    with listing, op.bend("jwks", down):
        assert diagnosis("op")["keys"] == ("ok", "1 for HS256")


@pytest.mark.parametrize(("seconds", "told"), [(120, "120 s behind"), (-120, "120 s ahead of")])
def test_clock_that_is_wrong(op: RecordingOpenIDProvider, seconds: int, told: str) -> None:
    def bend(good: Answer) -> Answer:
        good.headers["Date"] = formatdate(time.time() + seconds, usegmt=True)
        return good

    with op.bend("discovery", bend):
        mark, text = diagnosis("op", broken="op")["clock"]

    assert mark == "FAILED"
    assert re.sub(r"1[12]\d s", "120 s", text) == f"The clock of this machine is {told} the provider's: correct it."


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 1_767_225_600),
        ({"date": "Thu, 01 Jan 2026 00:00:00 GMT", "age": "90"}, 1_767_225_690),
        ({"date": "Thu, 01 Jan 2026 00:00:00 GMT", "age": "-1"}, 1_767_225_600),
        ({"date": "Thu, 01 Jan 2026 00:00:00 GMT", "age": "9" * 400}, 1_767_225_600),
        ({"date": "yesterday"}, None),
        ({"date": "Thu, 01 Jan 99999 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_time_of_an_answer(headers: dict[str, str], expected: float | None) -> None:
    assert time_of(Response(status=200, content_type="", headers=headers, body=b"")) == expected


def test_provider_without_openid_connect(github: RecordingGitHub) -> None:
    found = diagnosis("github")

    assert found.keys() == {"client", "cache", "callback"}
    assert found["client"][0] == "ok"

    github.client_secret = "the next one"
    assert diagnosis("github", broken="github")["client"][1].startswith("incorrect_client_credentials: ")


def test_provider_with_a_way_of_its_own(photos: RecordingOAuth1) -> None:
    assert diagnosis("photos")["client"] == ("", "not checked: the provider's class makes its own token requests")
    assert photos.asked() == []


def test_settings_that_cannot_be_used(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", client_scret=CLIENT_SECRET)

    found = diagnosis("op", broken="op")

    assert found.keys() == {"settings"}
    assert "unknown argument 'client_scret', did you mean 'client_secret'?" in found["settings"][1]


def test_all_of_them_or_those_that_are_named(op: RecordingOpenIDProvider, github: RecordingGitHub) -> None:
    diagnosis()
    assert op.asked() and github.asked()

    op.clear()
    github.clear()
    diagnosis("github")
    assert github.asked() and not op.asked()


def test_key_that_nobody_configured(op: RecordingOpenIDProvider) -> None:
    with pytest.raises(
        CommandError, match=r"^There is no provider 'opp' in OIDC_LOGIN_PROVIDERS. Did you mean 'op'\?$"
    ):
        call_command("oidc_login_diagnose", "opp")
