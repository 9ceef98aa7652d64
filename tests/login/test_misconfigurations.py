"""The mistakes that people make: the diagnosis names each once, with the value that is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from email.utils import formatdate
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from jwcrypto.jwk import JWK

from oidc_login.diagnosis.site import callback_url
from oidc_login.testing import Answer, OpenIDProvider, generate_key, serve
from tests.support.served import CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider, configure
from tests.support.servers import self_signed_context

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CALLBACK = "https://shop.example/oauth/op/callback/"
Break = Callable[[RecordingOpenIDProvider, Any, ExitStack], None]
Finding = dict[str, str]


@pytest.fixture(autouse=True)
def shop(settings: Settings) -> Iterator[None]:
    settings.OIDC_LOGIN_BASE_URL = "https://shop.example"
    yield


def findings(key: str = "op") -> dict[str, Finding]:
    """Run the command with --json and return its findings by subject, each of which there is once."""
    out = StringIO()
    try:
        call_command("oidc_login_diagnose", key, "--json", stdout=out)
    except CommandError as error:
        assert str(error) == f"Nobody can sign in through: {key}."
    assert CLIENT_SECRET not in out.getvalue()
    found: list[Finding] = json.loads(out.getvalue())[key]
    assert len({one["subject"] for one in found}) == len(found)
    return {one["subject"]: one for one in found}


def published(**members: Any) -> Callable[[Answer], Answer]:
    return lambda good: Answer.of_json({**good.json, **members})


def wrong_secret(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    op.client_secret = "the next one"


def wrong_client_id(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    configure(settings, "op", client_id="clinet")


def callback_not_registered(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    op.redirect_uris = ["https://shop.example/oauth/op/callback"]


def issuer_with_a_slash(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    configure(settings, "op", issuer=op.issuer + "/")


def wrong_host(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    stack.enter_context(op.bend("discovery", published(issuer="https://internal.example")))


def wrong_clock(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    def bend(good: Answer) -> Answer:
        good.headers["Date"] = formatdate(time.time() - 3600, usegmt=True)
        return good

    stack.enter_context(op.bend("discovery", bend))


def no_tls(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    configure(settings, "op", issuer=op.issuer.replace("http://", "https://"))


def untrusted_certificate(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    folder = Path(stack.enter_context(TemporaryDirectory()))
    issuer = stack.enter_context(serve(OpenIDProvider(), tls=self_signed_context(folder, "localhost")))
    configure(settings, "op", issuer=issuer)


def hs256_only(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    stack.enter_context(op.bend("discovery", published(id_token_signing_alg_values_supported=["HS256"])))


def scope_not_listed(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    configure(settings, "op", scope="openid offline")


def email_not_requested(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    configure(settings, "op", scope="openid profile")


def client_key_of_another(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    op.client_jwks = {"keys": [generate_key("P-256").public_jwk()]}
    ours = JWK.generate(kty="EC", crv="P-256", kid="key of 2025")
    configure(settings, "op", client_key=json.loads(ours.export()), token_endpoint_auth_method="private_key_jwt")


def wrong_key(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    edwards = [key for key in op.jwks()["keys"] if key["kty"] == "OKP"]
    stack.enter_context(op.bend("discovery", published(id_token_signing_alg_values_supported=["RS256"])))
    stack.enter_context(op.bend("jwks", lambda good: Answer.of_json({"keys": edwards})))


def empty_key_set(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    stack.enter_context(op.bend("jwks", lambda good: Answer.of_json({"keys": []})))


def cache_of_one_process(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    assert settings.CACHES["default"]["BACKEND"].endswith("LocMemCache")


def cache_that_forgets(op: RecordingOpenIDProvider, settings: Any, stack: ExitStack) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


MISTAKES: dict[str, tuple[Break, str, str, list[str]]] = {
    "wrong secret": (wrong_secret, "client", "failed", ["invalid_client", "client_secret", "'client'"]),
    "wrong client id": (wrong_client_id, "client", "failed", ["invalid_client", "client_id", "'clinet'"]),
    "callback not registered": (callback_not_registered, "redirect", "failed", [CALLBACK, "not registered"]),
    "issuer with a slash": (issuer_with_a_slash, "description", "failed", ["issuer_mismatch", "{issuer}/", "{issuer}"]),
    "wrong host": (wrong_host, "description", "failed", ["https://internal.example", "{issuer}"]),
    "clock": (wrong_clock, "clock", "failed", ["36", "UTC"]),
    "TLS": (
        no_tls,
        "description",
        "failed",
        ["tls", "no TLS handshake", "{issuer_tls}/.well-known/openid-configuration"],
    ),
    "certificate": (untrusted_certificate, "description", "failed", ["for localhost", "self-signed certificate"]),
    "HS256 only": (hs256_only, "algorithms", "failed", ["HS256", "RS256", "id_token_signing_algs"]),
    "scope missing": (scope_not_listed, "scopes", "unknown", ["offline", "openid profile"]),
    "scope not requested": (email_not_requested, "scopes", "unknown", ["`email`", "openid profile"]),
    "client key": (client_key_of_another, "client", "failed", ["invalid_client", "'key of 2025'", "client_key"]),
    "wrong key": (wrong_key, "keys", "failed", ["RS256", "EdDSA", "{issuer}"]),
    "empty key set": (empty_key_set, "keys", "failed", ["no key at all", "{issuer}"]),
    "cache of one process": (cache_of_one_process, "cache", "unknown", ["CACHES['default'] is LocMemCache"]),
    "cache that forgets": (cache_that_forgets, "cache", "failed", ["CACHES['default'] is DummyCache"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_named_once_with_the_value_that_is_wrong(
    op: RecordingOpenIDProvider, settings: Settings, mistake: str
) -> None:
    make, subject, result, named = MISTAKES[mistake]
    with ExitStack() as stack:
        make(op, settings, stack)
        found = findings()

    told = " ".join(found[subject].values())
    assert found[subject]["result"] == result
    values = {"issuer": op.issuer, "issuer_tls": op.issuer.replace("http://", "https://")}
    assert [text.format(**values) for text in named if text.format(**values) not in told] == []
    assert [key for key, one in found.items() if one["result"] == "failed" and key != subject] == []


def test_nothing_is_wrong(op: RecordingOpenIDProvider) -> None:
    assert [one for one in findings().values() if one["result"] == "failed"] == []


# The redirect URI: three answers.


def test_redirect_that_the_provider_answers_is_registered(op: RecordingOpenIDProvider) -> None:
    op.redirect_uris = [CALLBACK]

    assert findings()["redirect"] == {"subject": "redirect", "result": "ok", "text": f"is registered: {CALLBACK}"}


def answering(status: str, text: str) -> Any:
    """Return an authorization endpoint that answers every request in the same way."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", "text/html")])
        return [text.encode()]

    return application


@pytest.mark.parametrize(
    ("status", "text"),
    [("200 OK", "<h1>Sign in</h1>"), ("404 Not Found", "<h1>Nothing</h1>"), ("500 Error", "redirect_uri")],
)
def test_answer_that_is_the_same_for_every_url_tells_nothing(
    op: RecordingOpenIDProvider, settings: Settings, status: str, text: str
) -> None:
    with serve(answering(status, text)) as url:
        configure(settings, "op", metadata={"authorization_endpoint": f"{url}/authorize"})
        finding = findings()["redirect"]

    assert finding["result"] == "unknown"
    assert "cannot tell" in finding["text"]


def test_page_for_this_url_and_an_error_for_another_is_registered(github: RecordingGitHub) -> None:
    github.redirect_uris = ["https://shop.example/oauth/github/callback/"]

    assert findings("github")["redirect"]["result"] == "ok"


def test_page_for_this_url_and_for_any_other_tells_nothing(github: RecordingGitHub) -> None:
    assert findings("github")["redirect"]["result"] == "unknown"


def test_request_that_the_provider_refuses_for_another_reason(op: RecordingOpenIDProvider) -> None:
    with op.bend("authorize", lambda good: replace(good, parameters=[("error", "invalid_scope")])):
        finding = findings()["redirect"]

    assert (finding["result"], finding["seen"]) == ("failed", "invalid_scope")


# The evidence of documents, and errors as text.


def test_document_that_is_elsewhere(op: RecordingOpenIDProvider) -> None:
    with op.bend("discovery", lambda good: Answer(status=302, headers={"Location": "/login"})):
        found = findings()

    assert found["description"]["seen"] == "HTTP 302"
    assert found["description"]["url"] == f"{op.issuer}/.well-known/openid-configuration"
    assert "client" not in found


def plain(text: str, status: int) -> Callable[[Answer], Answer]:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return lambda good: Answer(status=status, body=text.encode(), headers=headers)


@pytest.mark.parametrize(
    ("text", "status", "result"),
    [
        ('{"error": "invalid_grant"}', 400, "ok"),
        ("error=invalid_grant&error_description=no+such+code", 400, "ok"),
        ("error=invalid_client", 400, "failed"),
        ("Client authentication failed", 401, "failed"),
    ],
)
def test_error_as_text_is_read_rightly(op: RecordingOpenIDProvider, text: str, status: int, result: str) -> None:
    with op.bend("token", plain(text, status)):
        finding = findings()["client"]

    assert finding["result"] == result
    assert result == "ok" or "does not accept the client" in finding["text"]


def test_tokens_as_text_are_no_tokens(op: OpenIDProvider) -> None:
    with op.bend("token", plain("access_token=a&token_type=Bearer", 200)):
        assert findings()["client"]["text"].startswith("content_type: ")


# The callback URL.


@pytest.mark.parametrize(
    ("debug", "hosts", "url"),
    [
        (True, [], "http://localhost:8000/oauth/op/callback/"),
        (False, ["shop.example"], "https://shop.example/oauth/op/callback/"),
        (False, ["shop.example", "www.shop.example"], "https://<your host>/oauth/op/callback/"),
        (False, [".shop.example"], "https://<your host>/oauth/op/callback/"),
        (False, ["*"], "https://<your host>/oauth/op/callback/"),
    ],
)
def test_callback_is_the_one_to_register(settings: Settings, debug: bool, hosts: list[str], url: str) -> None:
    settings.OIDC_LOGIN_BASE_URL = None
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts

    assert callback_url("op") == url


def test_evidence_is_printed_below_its_finding(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", issuer=op.issuer + "/")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("oidc_login_diagnose", "op", stdout=out, no_color=True)

    lines = [line.strip() for line in out.getvalue().splitlines()]
    assert f"expected: {op.issuer}/" in lines
    assert f"seen: {op.issuer}" in lines
    assert out.getvalue().count("issuer_mismatch") == 1
