"""Userinfo: about the very person of the ID token, or about nobody (Core 5.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, OpenIDProvider, UnsignedToken, generate_key
from tests.hostile import forging
from tests.hostile.rows import (
    ABSENT,
    ID_TOKEN,
    UNAVAILABLE,
    USERINFO,
    Bends,
    Row,
    accepted,
    answers,
    body_of,
    changed,
    claims,
    json_of,
    refused,
    source,
)
from tests.hostile.stage import Stage
from tests.support.browser import Browser
from tests.support.served import ALICE

pytestmark = pytest.mark.django_db

SUBJECTS = [
    refused(
        "sub of another person",
        "Core 5.3.2, 16.11; oidcc-client-test-userinfo-invalid-sub",
        json_of("userinfo", sub=lambda sub: sub + "invalid"),
        USERINFO,
    ),
    refused("sub in capitals", "Core 2", json_of("userinfo", sub=str.upper), USERINFO),
]

BODIES = [
    refused("sub twice", "RFC 8259 4", body_of("userinfo", lambda body: b'{"sub": "other",' + body[1:]), USERINFO),
    refused("40 deep", "RFC 8259 9", json_of("userinfo", deep=json.loads("[" * 40 + "]" * 40)), USERINFO),
    refused("1.2 MB", "Core 5.3.2", json_of("userinfo", padding="x" * 1_200_000), USERINFO),
    refused("a size of 64 MB", "RFC 9110 8.6", answers("userinfo", headers={"Content-Length": str(2**26)}), USERINFO),
    refused("compressed", "RFC 9110 8.4", answers("userinfo", headers={"Content-Encoding": "br"}), USERINFO),
]

STATUSES = [
    *(
        refused(f"status {status}", "Core 5.3.3", answers("userinfo", status=status), USERINFO)
        for status in (204, 401, 403)
    ),
    *(
        refused(
            f"a redirect {status}",
            "RFC 9700 4.12, RFC 6750 5.3",
            answers("userinfo", status=status, headers={"Location": "https://evil.example/"}),
            USERINFO,
        )
        for status in (302, 307)
    ),
    *(
        refused(f"status {status}", "RFC 9110 15.6", answers("userinfo", status=status), UNAVAILABLE)
        for status in (429, 503)
    ),
]


# Signed userinfo.


def signed(change: Any = None, **members: Any) -> Bends:
    """Answer with a JWT made as `unsigned_token` makes one, with one thing changed."""

    def make(answer: Answer, op: OpenIDProvider) -> Answer:
        said = changed({"iss": op.issuer, "aud": op.client_id, **answer.json}, members)
        token: Any = op.unsigned_token(said)
        token = change(token) if change else token
        raw = token.signed() if isinstance(token, UnsignedToken) else token
        return Answer(headers={"Content-Type": "application/jwt"}, body=raw.encode())

    return {"userinfo": make}  # type: ignore[dict-item]  # the provider is bound in `bound`


def bound(row: Row, op: OpenIDProvider) -> Row:
    make: Any = row.bends["userinfo"]
    return Row(**{**_fields(row), "bends": {"userinfo": lambda answer: make(answer, op)}})


def _fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Row.__slots__}


def _nobody(token: UnsignedToken) -> UnsignedToken:
    changed_token: UnsignedToken = forging.unsigned("none")["id_token"](token)
    return changed_token


def _stranger(token: UnsignedToken) -> UnsignedToken:
    changed_token: UnsignedToken = forging.signed_by(forging.stranger())["id_token"](token)
    return changed_token


SIGNED = [
    refused("signed by nobody", "Core 5.3.2, RFC 8725 2.1", signed(_nobody), USERINFO),
    refused("signed by a stranger", "Core 5.3.2", signed(_stranger), USERINFO),
    refused(
        "a MAC with the public key", "RFC 8725 2.1", signed(forging.mac_with_public_key("PEM")["id_token"]), USERINFO
    ),
    refused("iss of another", "Core 5.3.2", signed(iss="https://evil.example"), USERINFO),
    refused("iss missing", "Core 5.3.2", signed(iss=ABSENT), USERINFO),
    refused("aud of another", "Core 5.3.2", signed(aud="other"), USERINFO),
    refused("aud missing", "Core 5.3.2", signed(aud=ABSENT), USERINFO),
    refused("aud is an object", "Core 5.3.2", signed(aud={"client": 1}), USERINFO),
    refused("aud has our name in it", "Core 5.3.2", signed(aud="xclientx"), USERINFO),
    refused("sub of another", "Core 5.3.2", signed(sub="other"), USERINFO),
    refused("garbage", "RFC 7519 7.2", signed(lambda _: "garbage"), USERINFO),
    refused("not ASCII", "RFC 7519 7.2", signed(lambda token: token.signed() + "é"), USERINFO),
    refused("encrypted, and no key for it", "Core 5.3.2", signed(lambda t: forging.encrypted(t.signed())), USERINFO),
    refused(
        "encrypted, but not signed",
        "Core 5.3.2",
        signed(lambda token: forging.encrypted(json.dumps(token.claims))),
        USERINFO,
        site={"client_key": forging.private_jwk()},
    ),
]


@pytest.mark.parametrize("row", [*SUBJECTS, *BODIES, *STATUSES], ids=str)
def test_bad_userinfo(stage: Stage, row: Row) -> None:
    stage.refuse(row)


@pytest.mark.parametrize("row", SIGNED, ids=str)
def test_bad_signed_userinfo(stage: Stage, row: Row) -> None:
    stage.refuse(bound(row, stage.op))


SIGNED_WELL = [
    accepted("as it should be", "Core 5.3.2; oidcc-client-test-userinfo-signed", signed()),
    accepted("aud is a list", "Core 5.3.2", signed(aud=["client"])),
    accepted("aud is a list with others", "Core 5.3.2", signed(aud=["other", "client"])),
    accepted(
        "signed, then encrypted",
        "Core 5.3.2",
        signed(lambda token: forging.encrypted(token.signed())),
        site={"client_key": forging.private_jwk()},
    ),
]

GOOD = [
    accepted("in the header alone", "RFC 6750 2.1; oidcc-client-test-userinfo-bearer-header"),
    accepted(
        "a charset", "Core 5.3.2", answers("userinfo", headers={"Content-Type": "application/json;charset=UTF-8"})
    ),
    accepted(
        "aggregated claims, signed by nobody",
        "Core 5.6.2.1; oidcc-client-test-aggregated-claims",
        json_of(
            "userinfo", _claim_names={"address": "src1"}, _claim_sources={"src1": {"JWT": "eyJhbGciOiJub25lIn0.e30."}}
        ),
    ),
    accepted(
        "distributed claims, which are never fetched",
        "Core 5.6.2.2",
        json_of(
            "userinfo",
            _claim_names={"credit_score": "src1"},
            _claim_sources={"src1": {"endpoint": "http://169.254.169.254/", "access_token": "x"}},
        ),
    ),
    accepted(
        "identity claims of somebody else",
        "Core 5.3.2",
        json_of("userinfo", iss="https://evil.example", aud="other", azp="other", nonce="x", exp=0, acr="9", sid="x"),
    ),
]


@pytest.mark.parametrize("row", GOOD, ids=str)
def test_good_userinfo(stage: Stage, row: Row) -> None:
    stage.accept(row)

    connection = OAuthConnection.objects.get()
    assert (connection.issuer, connection.provider_user_id) == (stage.op.issuer, ALICE.sub)
    assert (connection.email, connection.email_verified) == (ALICE.email, True)
    assert not {"address", "credit_score", "iss", "aud", "nonce", "_claim_sources"} & set(connection.claims)
    (request,) = [request for request in stage.op.requests if request.endpoint == "userinfo"]
    assert request.method == "GET" and request.query == "" and request.body == b"" and request.bearer_token


@pytest.mark.parametrize("row", SIGNED_WELL, ids=str)
def test_good_signed_userinfo(stage: Stage, row: Row) -> None:
    stage.accept(bound(row, stage.op))

    assert OAuthConnection.objects.get().email == ALICE.email


@source("Core 10.1.1, 5.3.2")
def test_keys_rotated_before_userinfo_was_signed(stage: Stage) -> None:
    def rotate_first(answer: Answer) -> Answer:
        key = generate_key("Ed25519")
        stage.op.published_keys = [*stage.op.published_keys, key]
        stage.op.signing_keys = {**stage.op.signing_keys, "Ed25519": key}
        stage.op.signing_alg = "EdDSA"
        token = stage.op.unsigned_token({"iss": stage.op.issuer, "aud": "client", **answer.json})
        return Answer(headers={"Content-Type": "application/jwt"}, body=token.signed().encode())

    stage.op.bend("userinfo", rotate_first)

    assert Browser().sign_in(stage.op).status_code == 302
    assert stage.op.asked().count("jwks") == 2


# When it is asked.


@source("Core 5.3; conformance: nothing is asked after a bad ID token")
@pytest.mark.parametrize("userinfo", ["always", "auto", "never"])
def test_userinfo_is_not_asked_after_a_bad_id_token(stage: Stage, userinfo: str) -> None:
    stage.configure(userinfo=userinfo)
    stage.refuse(refused("", "", claims(nonce="other"), ID_TOKEN))


@source("Core 5.3")
def test_userinfo_never_is_never_asked(stage: Stage) -> None:
    stage.configure(userinfo="never")
    browser = Browser()

    assert browser.sign_in(stage.op).status_code == 302
    assert "userinfo" not in stage.op.asked()
    assert browser.user.email == ""


@source("Core 5.3")
def test_userinfo_auto_is_asked_where_the_id_token_lacks_the_address(stage: Stage) -> None:
    stage.configure(userinfo="auto")

    assert Browser().sign_in(stage.op).status_code == 302
    assert stage.op.asked().count("userinfo") == 1

    stage.op.claims_in_id_token = True
    stage.op.clear()
    assert Browser().sign_in(stage.op, user="bob").status_code == 302
    assert "userinfo" not in stage.op.asked()


# The address and its verification are one pair, of one source.

PAIRS: list[tuple[str, dict[str, Any], dict[str, Any], str, bool]] = [
    ("both in the ID token", {"email": "a@x.org", "email_verified": True}, {"email": "b@x.org"}, "a@x.org", True),
    ("flag in userinfo only", {"email": "a@x.org"}, {"email": "b@x.org", "email_verified": True}, "a@x.org", False),
    ("flag in the ID token only", {"email_verified": True}, {"email": "b@x.org"}, "b@x.org", False),
    (
        "flag in the ID token only, and userinfo says no",
        {"email_verified": True},
        {"email": "b@x.org", "email_verified": False},
        "b@x.org",
        False,
    ),
    ("both in userinfo", {}, {"email": "b@x.org", "email_verified": True}, "b@x.org", True),
    ("an empty address in the ID token", {"email": "", "email_verified": True}, {"email": "b@x.org"}, "b@x.org", False),
    ("an object in the ID token", {"email": {"a": 1}}, {"email": "b@x.org", "email_verified": True}, "", False),
]


@pytest.mark.parametrize(
    ("id_token", "userinfo", "email", "verified"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS]
)
@source("Core 5.1, 5.7")
def test_address_and_verification_come_from_one_source(
    stage: Stage, id_token: dict[str, Any], userinfo: dict[str, Any], email: str, verified: bool
) -> None:
    told = {"email": ABSENT, "email_verified": ABSENT}
    stage.op.bend("userinfo", json_of("userinfo", **{**told, **userinfo})["userinfo"])
    stage.op.bend("id_token", claims(**{**told, **id_token})["id_token"])

    assert Browser().sign_in(stage.op).status_code == 302

    connection = OAuthConnection.objects.get()
    assert (connection.email, connection.email_verified) == (email, verified)
    assert get_user_model().objects.get().email == (email if verified else "")


@pytest.mark.parametrize(
    "value",
    ["true", "True", "false", "0", "1", 1, 0, None, "yes", [], [True], {"x": 1}, 1.0, ABSENT],
    # The same in every process, or pytest-xdist refuses to run.
    ids=lambda value: "absent" if value is ABSENT else repr(value),
)
@source("Core 5.1")
def test_only_the_json_value_true_verifies_an_address(stage: Stage, value: Any) -> None:
    victim = get_user_model().objects.create_user("victim", ALICE.email)
    stage.op.bend("userinfo", json_of("userinfo", email_verified=value)["userinfo"])
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())

    with stage.witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "email_not_verified")
    assert not victim.oauth_connections.exists()
