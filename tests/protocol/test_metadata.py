"""Discovery documents: which are used, and which are refused for what (Discovery 3 and 4, RFC 8414)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.metadata import (
    FLAGS,
    LISTS,
    OPTIONAL_URLS,
    REQUIRED_URLS,
    ProviderMetadata,
    TenantRule,
    check_issuer,
    check_issuer_url,
    discovery_url_for,
    issuers_for,
)
from tests.support.signing import ABSENT, ids, without_absent

ISSUER = "https://op.example"
GOOD = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://op.example/authorize?tenant=x",
    "token_endpoint": "https://op.example:8443/token",
    "jwks_uri": "https://keys.op.example/jwks",
}


def read(*, overrides: Mapping[str, Any] | None = None, **members: Any) -> ProviderMetadata:
    return ProviderMetadata.from_json(without_absent({**GOOD, **members}), overrides=overrides)


def refusal(**members: Any) -> str:
    with pytest.raises(MetadataInvalid) as caught:
        read(**members)
    return caught.value.reason


# What must work


def test_the_required_members_are_enough() -> None:
    metadata = read()
    assert {name: getattr(metadata, name) for name in REQUIRED_URLS} == GOOD
    assert all(getattr(metadata, name) == "" for name in OPTIONAL_URLS)
    assert all(getattr(metadata, name) == () for name in LISTS)
    assert all(getattr(metadata, name) is False for name in FLAGS)


def test_unknown_members_and_those_of_nothing_are_ignored() -> None:
    """RFC 8414 2: what is not understood is ignored; null and "" say nothing."""
    members: dict[str, Any] = {"mtls_endpoint_aliases": {"token_endpoint": 7}, "x": None}
    for nothing in (None, ""):
        assert read(**members, **dict.fromkeys((*OPTIONAL_URLS, *LISTS, *FLAGS), nothing)) == read()


def test_optional_members_are_read() -> None:
    assert read(userinfo_endpoint="https://op.example/me").userinfo_endpoint == "https://op.example/me"
    assert read(scopes_supported=["openid", "email"]).scopes_supported == ("openid", "email")
    assert read(backchannel_logout_supported=True).backchannel_logout_supported is True


# Members of the wrong kind


@pytest.mark.parametrize("name", REQUIRED_URLS)
@pytest.mark.parametrize("value", [ABSENT, None, "", 7, ["https://op.example/x"], {}, True])
def test_a_required_member_is_a_url(name: str, value: Any) -> None:
    assert refusal(**{name: value}) == name


URLS: list[tuple[str, str]] = [
    ("plain http", "http://op.example/x"),
    ("no scheme", "op.example/x"),
    ("no host", "https:///x"),
    ("relative", "/x"),
    ("file", "file:///etc/passwd"),
    ("ftp", "ftp://op.example/x"),
    ("script", "javascript:alert(1)"),
    ("user and password", "https://user:secret@op.example/x"),
    ("fragment", "https://op.example/x#f"),
    ("space", "https://op.example/a b"),
    ("line feed", "https://op.example/x\n"),
    ("NUL", "https://op.example/\0"),
    ("port out of range", "https://op.example:99999/x"),
    ("port of letters", "https://op.example:x/x"),
    ("metadata service", "http://169.254.169.254/latest"),
]


@pytest.mark.parametrize("name", [*REQUIRED_URLS, *OPTIONAL_URLS])
@pytest.mark.parametrize("url", [row[1] for row in URLS], ids=ids(URLS))
def test_an_endpoint_is_reached_over_https(name: str, url: str) -> None:
    assert refusal(**{name: url}) == name


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000"])
def test_plain_http_is_for_loopback_alone(host: str) -> None:
    assert read(token_endpoint=f"http://{host}/token").token_endpoint == f"http://{host}/token"


@pytest.mark.parametrize("name", OPTIONAL_URLS)
@pytest.mark.parametrize("value", [7, [], {}, True])
def test_an_optional_endpoint_is_a_url_where_it_is_given(name: str, value: Any) -> None:
    assert refusal(**{name: value}) == name


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("value", ["openid", {"a": 1}, ["openid", 1], [["openid"]], 7, True])
def test_a_list_of_another_kind_says_nothing(name: str, value: Any) -> None:
    assert getattr(read(**{name: value}), name) == ()


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ["true", 1, [True], "false", 0, None])
def test_only_true_is_true(name: str, value: Any) -> None:
    assert getattr(read(**{name: value}), name) is False


@pytest.mark.parametrize("document", [None, [], "document", 7, True, [GOOD]])
def test_a_document_is_an_object(document: object) -> None:
    with pytest.raises(MetadataInvalid, match="document"):
        ProviderMetadata.from_json(document)


# The site's own values


def test_a_sites_values_replace_and_complete_the_document() -> None:
    given = {"userinfo_endpoint": "https://op.example/me", "scopes_supported": ("openid",), "jwks_uri": ISSUER + "/k"}
    metadata = read(overrides=given, jwks_uri=ABSENT, userinfo_endpoint="https://other.example/me")
    assert metadata.userinfo_endpoint == "https://op.example/me"
    assert metadata.jwks_uri == ISSUER + "/k"
    assert metadata.scopes_supported == ("openid",)


def test_a_sites_values_are_judged_too() -> None:
    with pytest.raises(MetadataInvalid, match="token_endpoint"):
        read(overrides={"token_endpoint": "http://op.example/token"})


# The issuer

ISSUERS: list[tuple[str, str, bool]] = [
    ("host", "https://op.example", True),
    ("closing slash", "https://op.example/", True),
    ("path and port", "https://op.example:8443/a/b", True),
    ("query", "https://op.example/?tenant=x", False),
    ("empty query", "https://op.example/?", False),
    ("fragment", "https://op.example/#x", False),
    ("template", "https://op.example/{tenantid}/v2.0", False),
    ("half a template", "https://op.example/tenantid}", False),
    ("the other half", "https://op.example/{tenantid", False),
    ("not a URL", "op.example", False),
    ("plain http", "http://op.example", False),
]


@pytest.mark.parametrize(("issuer", "accepted"), [row[1:] for row in ISSUERS], ids=ids(ISSUERS))
def test_an_issuer_is_a_url_without_query(issuer: str, accepted: bool) -> None:
    """Discovery 3; a template stands for many issuers and is none."""
    if accepted:
        check_issuer_url(issuer)
        assert read(issuer=issuer).issuer == issuer
        return
    assert refusal(issuer=issuer) == "issuer"
    with pytest.raises(MetadataInvalid, match="issuer"):
        check_issuer_url(issuer)


@pytest.mark.parametrize(
    "other", ["https://op.example/", "https://OP.example", "https://op.exampleINVALID", "https://op"]
)
def test_the_document_is_that_of_the_issuer_that_was_asked(other: str) -> None:
    """Discovery 4.3: compared exactly."""
    check_issuer(read(), expected=("https://elsewhere.example", ISSUER))
    with pytest.raises(MetadataInvalid, match="issuer_mismatch"):
        check_issuer(read(issuer=other), expected=(ISSUER,))
    with pytest.raises(MetadataInvalid, match="issuer_mismatch"):
        check_issuer(read(), expected=(other,))


def test_nothing_expected_is_never_matched() -> None:
    with pytest.raises(MetadataInvalid, match="issuer_mismatch"):
        check_issuer(read(), expected=())


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://op.example", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/", "https://op.example/.well-known/openid-configuration"),
        ("https://op.example/a/b", "https://op.example/a/b/.well-known/openid-configuration"),
        ("https://op.example/a/b/", "https://op.example/a/b/.well-known/openid-configuration"),
    ],
)
def test_where_an_issuer_publishes_its_document(issuer: str, url: str) -> None:
    """Discovery 4.1."""
    assert discovery_url_for(issuer) == url
    assert issuer in issuers_for(url)


def test_another_place_names_no_issuer() -> None:
    assert issuers_for("https://op.example/.well-known/oauth-authorization-server") == ()
    assert issuers_for("https://op.example/.well-known/openid-configuration?x=1") == ()


# An issuer for each tenant

TENANTS = TenantRule(placeholder="{tenant}", claim="tid", pattern=re.compile("[a-z]{3}"))


@pytest.mark.parametrize(
    ("issuer", "accepted"),
    [
        ("https://op.example/{tenant}/v2", True),
        ("https://op.example/abc/v2", True),
        ("https://op.example/{other}/v2", False),
        ("https://op.example/{tenant}/{x}", False),
        ("http://op.example/{tenant}/v2", False),
        ("https://op.example/?{tenant}", False),
    ],
)
def test_an_issuer_may_be_a_template_where_there_are_tenants(issuer: str, accepted: bool) -> None:
    document = {**GOOD, "issuer": issuer}
    if accepted:
        assert ProviderMetadata.from_json(document, tenants=TENANTS).issuer == issuer
        return
    with pytest.raises(MetadataInvalid, match="issuer"):
        ProviderMetadata.from_json(document, tenants=TENANTS)


@pytest.mark.parametrize(
    ("claims", "issuer"),
    [
        ({"tid": "abc"}, "https://op.example/abc/v2"),
        ({"tid": "abcd"}, ""),
        ({"tid": "abc\n"}, ""),
        ({"tid": None}, ""),
        ({}, ""),
    ],
)
def test_a_tenant_fills_the_template(claims: dict[str, Any], issuer: str) -> None:
    assert TENANTS.fill("https://op.example/{tenant}/v2", claims) == issuer
