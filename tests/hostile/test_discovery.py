"""Discovery documents: what ends a sign-in before it begins, and what is kept (Discovery 3 and 4, RFC 8414)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.protocol.metadata import FLAGS, LISTS, OPTIONAL_URLS
from oidc_login.testing import Answer
from tests.hostile.rows import (
    ABSENT,
    METADATA,
    UNAVAILABLE,
    Bends,
    Row,
    Seen,
    accepted,
    answers,
    body_of,
    json_of,
    refused,
    source,
)
from tests.hostile.stage import Stage, landed
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def at_begin(name: str, text: str, bends: Bends, seen: Seen = METADATA) -> Row:
    return refused(name, text, bends, seen, at="begin")


def document(**members: Any) -> Bends:
    return json_of("discovery", **members)


REFUSED = [
    # Whose document it is.
    at_begin(
        "of another issuer",
        "Discovery 4.3, RFC 8414 3.3; oidcc-client-test-discovery-issuer-mismatch",
        document(issuer=lambda issuer: issuer + "INVALID"),
    ),
    at_begin("of the attacker", "Discovery 4.3", document(issuer="https://evil.example")),
    at_begin("with a closing slash", "Discovery 4.3", document(issuer=lambda issuer: issuer + "/")),
    at_begin("of a template", "Discovery 3", document(issuer="https://op.example/{tenantid}/v2.0")),
    # Where it sends people and codes to.
    *(
        at_begin(f"{name} {what}", text, document(**{name: value}))
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        for what, text, value in (
            ("missing", "Discovery 3", ABSENT),
            ("a file", "RFC 8414 6.1", "file:///etc/passwd"),
            ("plain http elsewhere", "RFC 9700 2.6, RFC 8414 6.1", "http://op.example/x"),
            ("with a backslash", "RFC 3986 2", "https://op.example\\@evil.example/"),
            ("at a port of mail", "RFC 8414 6.1", "https://op.example:25/"),
        )
    ),
    at_begin("authorization_endpoint a script", "RFC 9700 2.6", document(authorization_endpoint="javascript:alert(1)")),
    at_begin("userinfo_endpoint plain http", "RFC 9700 2.6", document(userinfo_endpoint="http://op.example/userinfo")),
    at_begin("end_session_endpoint a script", "RP-Initiated 2.1", document(end_session_endpoint="javascript:alert(1)")),
    # What it is.
    at_begin("HTML", "Discovery 4.2", answers("discovery", body=b"<html>sign in to the hotel's network")),
    at_begin(
        "issuer twice",
        "RFC 8259 4",
        body_of("discovery", lambda body: b'{"issuer": "https://evil.example",' + body[1:]),
    ),
    at_begin("600 kB", "Discovery 4.2", document(padding="x" * 600_000)),
    at_begin("a size of 64 MB", "RFC 9110 8.6", answers("discovery", headers={"Content-Length": str(64 * 2**20)})),
    at_begin("compressed", "RFC 9110 8.4", answers("discovery", headers={"Content-Encoding": "gzip"})),
    at_begin("not found", "Discovery 4.2", answers("discovery", status=404)),
    at_begin("without content", "Discovery 4.2", answers("discovery", status=204, body=b"")),
    *(
        at_begin(
            f"a redirect {status}",
            "RFC 9110 15.4, RFC 9700 4.11",
            answers("discovery", status=status, headers={"Location": "http://169.254.169.254/latest"}),
        )
        for status in (302, 307)
    ),
    at_begin("the provider's own trouble", "RFC 9110 15.6", answers("discovery", status=500), UNAVAILABLE),
    at_begin("too many requests", "RFC 6585 4", answers("discovery", status=429), UNAVAILABLE),
]


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_bad_document(stage: Stage, row: Row) -> None:
    stage.refuse(row)


REQUIRED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


def _only_required(answer: Answer) -> Answer:
    answer.json = {name: answer.json[name] for name in REQUIRED}
    return answer


GOOD = [
    accepted("as it is", "Discovery 4; oidcc-client-test-discovery-openid-config"),
    accepted("required members only", "Discovery 3", {"discovery": _only_required}),
    accepted(
        "members that nobody knows, and others that are null",
        "RFC 8414 2",
        document(x={"y": [1]}, end_session_endpoint=None, revocation_endpoint=None, scopes_supported=None),
    ),
    accepted(
        "members that are empty",
        "RFC 8414 2",
        document(**dict.fromkeys(OPTIONAL_URLS[1:], ""), **dict.fromkeys((*LISTS, *FLAGS), "")),
    ),
    accepted("lists of another type", "Discovery 3", document(scopes_supported="openid", claims_supported=7)),
    accepted("PKCE not listed", "RFC 9700 2.1.1", document(code_challenge_methods_supported=ABSENT)),
    accepted("PKCE in plain text alone", "RFC 7636 7.2", document(code_challenge_methods_supported=["plain"])),
    accepted(
        "hybrid response types in odd order",
        "Discovery 3",
        document(response_types_supported=["id_token code", "code"]),
    ),
    accepted("text/plain", "Discovery 4.2", answers("discovery", headers={"Content-Type": "text/plain"})),
    accepted("an issuer with a path", "Discovery 4.1", provider={"issuer_path": "/tenant"}),
    accepted(
        "form_post",
        "OAuth 2.0 Form Post Response Mode 1.0",
        document(response_modes_supported=["form_post"]),
        site={"response_mode": "form_post"},
    ),
    accepted(
        "Basic alone",
        "Core 9, RFC 6749 2.3.1; oidcc-client-test-client-secret-basic",
        provider={"token_endpoint_auth_method": "client_secret_basic"},
    ),
    accepted(
        "no methods of client authentication", "Discovery 3", document(token_endpoint_auth_methods_supported=ABSENT)
    ),
    accepted("post alone", "Core 9", provider={"token_endpoint_auth_method": "client_secret_post"}),
    accepted(
        "an assertion made with the secret", "Core 9", provider={"token_endpoint_auth_method": "client_secret_jwt"}
    ),
    accepted("a public client", "RFC 6749 2.1, RFC 7636", provider={"client_secret": ""}, site={"client_secret": ""}),
    accepted(
        "claims by scope",
        "Core 5.4; oidcc-client-test-scope-userinfo-claims",
        site={"scope": ["openid", "email", "profile", "phone", "address"]},
    ),
    accepted("a scope without openid", "Core 3.1.2.1", site={"scope": "email"}),
]


@pytest.mark.parametrize("row", GOOD, ids=str)
def test_good_document(stage: Stage, row: Row) -> None:
    if row.provider.get("issuer_path"):
        stage.configure(issuer=stage.op.issuer + "/tenant")
    stage.accept(row)


@source("RFC 6749 3.1")
def test_query_of_the_authorization_endpoint_is_kept(stage: Stage) -> None:
    with stage.op.bend("discovery", document(authorization_endpoint=lambda url: url + "?tenant=x&p=1")["discovery"]):
        begun = Browser().begin()

    assert begun.status_code == 302
    assert "/authorize?tenant=x&p=1&" in begun["Location"] and begun["Location"].count("?") == 1


@source("Discovery 4")
def test_all_metadata_in_settings_make_no_discovery_request(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings
) -> None:
    metadata = {name: op.metadata()[name] for name in ("issuer", *REQUIRED[1:])}
    settings.OIDC_LOGIN_PROVIDERS = {}
    configure(settings, "op", metadata=metadata, client_id="client", client_secret=op.client_secret)

    assert browser.sign_in(op).status_code == 302
    assert "discovery" not in op.asked()


@source("Discovery 4.3")
def test_discovery_url_implies_the_issuer_with_and_without_a_closing_slash(
    op: RecordingOpenIDProvider, settings: Settings
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {}
    configure(settings, "op", discovery_url=op.discovery_url, client_id="client", client_secret=op.client_secret)
    with op.bend("discovery", document(issuer=lambda issuer: issuer + "/elsewhere")["discovery"]):
        assert Browser().begin().status_code == 502

    assert Browser().sign_in(op).status_code == 302


# Good documents are kept.


@pytest.mark.parametrize(
    "change",
    [
        answers("discovery", body=b"<html>captive portal"),
        document(issuer="https://evil.example"),
        document(token_endpoint="http://evil.example/token"),
        document(jwks_uri=ABSENT),
        answers("discovery", status=404),
        answers("discovery", status=503),
        answers("discovery", body=b'{"x": "' + b"x" * 600_000 + b'"}'),
        answers("discovery", raw=lambda write: None),
    ],
    ids=["HTML", "other issuer", "plain http", "incomplete", "not found", "down", "oversized", "closed"],
)
@source("Discovery 4.3")
def test_bad_document_does_not_replace_a_good_one(stage: Stage, change: Bends) -> None:
    assert Browser().sign_in(stage.op).status_code == 302
    stage.op.bend("discovery", change["discovery"])
    stage.op.clear()

    stage.pass_time(2 * stage.op.max_age)
    for _ in range(3):
        assert Browser().sign_in(stage.op).status_code == 302

    # Asked for once, then the old copy serves until the next try.
    assert stage.op.asked().count("discovery") == 1


@source("RFC 9111 5.2.2")
@pytest.mark.parametrize(
    ("cache_control", "seconds", "fetched"),
    [
        ("max-age=600", 599, False),
        ("max-age=600", 601, True),
        ("max-age=1", 299, False),
        ("max-age=1", 301, True),
        ("no-store", 299, False),
        ("no-store, max-age=9999", 301, True),
        ("max-age=99999999", 86_399, False),
        ("max-age=99999999", 86_401, True),
        ("max-age=-5", 3599, False),
        ("", 3599, False),
        ("", 3601, True),
        ("nonsense", 3601, True),
    ],
)
def test_age_of_a_document_is_bounded(stage: Stage, cache_control: str, seconds: float, fetched: bool) -> None:
    stage.op.bend("discovery", answers("discovery", headers={"Cache-Control": cache_control})["discovery"])
    Browser().begin()
    stage.op.clear()

    stage.pass_time(seconds)
    Browser().begin()

    assert (stage.op.asked() == ["discovery"]) is fetched


@source("Discovery 4")
def test_document_is_shared_between_processes(op: RecordingOpenIDProvider, settings: Settings) -> None:
    """Another process has a provider object of its own and the same cache."""
    Browser().begin()
    op.clear()

    configure(settings, "op", label="as another process would make it")

    assert Browser().begin().status_code == 302
    assert op.asked() == []


@source("Discovery 4.3")
def test_shared_copy_is_judged_again(op: RecordingOpenIDProvider, settings: Settings) -> None:
    """Whoever can write to the cache cannot send people elsewhere with a document that is not the issuer's."""
    from django.core.cache import cache

    from oidc_login.registry import get_provider

    Browser().begin()
    provider: Any = get_provider("op")
    key = provider.documents._document._store_key
    body, fetched_at, due_at = cache.get(key)
    for bad in (
        ({**json.loads(body), "issuer": "https://evil.example"}, fetched_at, due_at),
        ("not a document", fetched_at, due_at),
        ("one member",),
        7,
    ):
        value = (json.dumps(bad[0]), *bad[1:]) if isinstance(bad, tuple) and isinstance(bad[0], dict) else bad
        cache.set(key, value)
        configure(settings, "op", label=f"another process {bad!r}")
        op.clear()
        assert Browser().begin()["Location"].startswith(op.authorization_endpoint)
        assert op.asked() == ["discovery"]


@source("Discovery 4, RFC 9700 2.6")
def test_first_use_while_the_provider_is_down_is_told_and_not_remembered(stage: Stage) -> None:
    with stage.op.bend("discovery", lambda _: Answer(status=503, headers={"Retry-After": "7"}, body=b"")):
        browser = Browser()
        with stage.witness.nothing_changed(browser) as failure:
            failure.response = browser.begin()
    assert failure.seen == UNAVAILABLE
    assert failure.response["Retry-After"] == "7"

    browser = Browser()
    assert landed(browser, browser.sign_in(stage.op)).status_code == 302
