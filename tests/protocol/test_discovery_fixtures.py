"""Discovery documents and key sets as providers publish them: which are accepted, and what comes out.

The same rules are held to the documents in any other folder that OIDC_LOGIN_DISCOVERY_DIR names.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate

from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.http.client import strict_json
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import ProviderMetadata, check_issuer, discovery_url_for, issuers_for
from tests.protocol.discovery_table import DOCUMENTS, KEY_SETS

FIXTURES = Path(__file__).resolve().parents[2] / "discovery_fixtures"
ELSEWHERE = os.environ.get("OIDC_LOGIN_DISCOVERY_DIR", "")

URLS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
)
REQUIRED = URLS[:4]
LISTS = (
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "response_modes_supported",
    "scopes_supported",
    "claims_supported",
    "code_challenge_methods_supported",
)
FLAGS = (
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
)
# Plain enough that no reading of the standard refuses it; much that is acceptable does not match.
PLAIN_URL = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,4})?(/[A-Za-z0-9._/-]*)?")
SAFE_URL = re.compile(r"https://[^/]+.*|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?(/.*)?")
KEY_FILES = re.compile(r"jwks.*\.json")
OTHER_FILES = re.compile(rf"{KEY_FILES.pattern}|settings\.json")


def read(path: Path) -> Any:
    """Return the document as the package reads it off the network."""
    return strict_json(path.read_bytes())


def document_path(folder: str) -> Path:
    """Return the one document in a folder; a plain OAuth 2.0 server's has the name of RFC 8414."""
    (path,) = (path for path in (FIXTURES / folder).glob("*.json") if not OTHER_FILES.fullmatch(path.name))
    return path


def accepted(folder: str) -> ProviderMetadata:
    """Return the metadata of a document that the table calls accepted."""
    return ProviderMetadata.from_json(read(document_path(folder)))


ACCEPTED = [name for name, row in DOCUMENTS.items() if not row.refused]
REFUSED = [name for name, row in DOCUMENTS.items() if row.refused]


def test_every_folder_has_a_row_and_every_row_a_folder() -> None:
    folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}
    with_documents = {path.parent.name for path in FIXTURES.glob("*/*.json") if not OTHER_FILES.fullmatch(path.name)}
    with_keys = {path.parent.name for path in FIXTURES.glob("*/jwks.json")}

    assert folders == set(DOCUMENTS) | set(KEY_SETS)
    assert with_documents == set(DOCUMENTS)
    assert with_keys == set(KEY_SETS)


def test_every_folder_has_its_source_written_down() -> None:
    sources = (FIXTURES / "SOURCES.md").read_text()
    rows = set(re.findall(r"^\| ([a-z0-9-]+) \|", sources, re.MULTILINE))

    assert rows >= set(DOCUMENTS) | set(KEY_SETS)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_fixtures_are_written_in_one_form(path: Path) -> None:
    text = path.read_text()

    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("folder", ACCEPTED)
def test_accepts_the_document_of_the_issuer_that_was_asked(folder: str) -> None:
    metadata = accepted(folder)

    check_issuer(metadata, expected=issuers_for(discovery_url_for(DOCUMENTS[folder].asked or metadata.issuer)))


@pytest.mark.parametrize("folder", REFUSED)
def test_refuses_a_document_and_names_what_is_wrong(folder: str) -> None:
    row = DOCUMENTS[folder]

    with pytest.raises(MetadataInvalid) as refusal:
        check_issuer(accepted(folder), expected=issuers_for(discovery_url_for(row.asked)))

    assert refusal.value.reason == row.refused


@pytest.mark.parametrize("folder", ACCEPTED)
def test_reads_every_member_as_it_stands(folder: str) -> None:
    document, metadata = read(document_path(folder)), accepted(folder)

    assert {name: getattr(metadata, name) for name in URLS} == {name: document.get(name, "") for name in URLS}
    assert {name: list(getattr(metadata, name)) for name in LISTS} == {name: document.get(name, []) for name in LISTS}
    assert {name: getattr(metadata, name) for name in FLAGS} == {name: document.get(name, False) for name in FLAGS}


@pytest.mark.parametrize("folder", ACCEPTED)
def test_a_missing_member_is_empty(folder: str) -> None:
    metadata = accepted(folder)

    assert not any(getattr(metadata, name) for name in DOCUMENTS[folder].without)


@pytest.mark.parametrize("folder", ACCEPTED)
def test_only_asymmetric_algorithms_are_taken_from_a_document(folder: str) -> None:
    assert signing_algorithms(accepted(folder)) == DOCUMENTS[folder].algorithms


def signing_algorithms(metadata: ProviderMetadata) -> tuple[str, ...]:
    """Return what may sign ID tokens when a site names no algorithms."""
    advertised = metadata.id_token_signing_alg_values_supported
    return tuple(name for name in advertised if name in ASYMMETRIC_ALGORITHMS)


def test_a_relative_endpoint_is_refused_by_name() -> None:
    sound = {name: f"https://hydra.example/{name}" for name in REQUIRED}

    with pytest.raises(MetadataInvalid) as refusal:
        ProviderMetadata.from_json(read(document_path("ory-hydra")), overrides=sound)

    assert refusal.value.reason == "userinfo_endpoint"


@pytest.mark.parametrize(
    "folder, overrides",
    [
        ("facebook", {"token_endpoint": "https://graph.facebook.com/v24.0/oauth/access_token"}),
        ("google-legacy", {"issuer": "https://accounts.google.com"}),
        ("entra-common", {"issuer": "https://login.microsoftonline.com/common/v2.0"}),
        ("notion-mcp", {"jwks_uri": "https://mcp.notion.com/keys"}),
    ],
)
def test_a_site_completes_a_document_that_is_refused(folder: str, overrides: dict[str, str]) -> None:
    metadata = ProviderMetadata.from_json(read(document_path(folder)), overrides=overrides)

    assert {name: getattr(metadata, name) for name in overrides} == overrides


@pytest.mark.parametrize(
    "member, value, reason",
    [
        *((name, None, name) for name in REQUIRED),
        *((name, "", name) for name in REQUIRED),
        *((name, ["https://op.example/x"], name) for name in URLS),
        *((name, "/relative", name) for name in URLS),
        *((name, "http://op.example/x", name) for name in URLS),
        *((name, "https://user@op.example/x", name) for name in URLS),
        *((name, "https://op.example/x#y", name) for name in URLS),
        ("issuer", "https://op.example?tenant=1", "issuer"),
        ("issuer", "https://op.example/{tenantid}", "issuer"),
    ],
)
def test_refuses_a_url_that_is_none(member: str, value: object, reason: str) -> None:
    document = {**read(document_path("okta")), member: value}

    with pytest.raises(MetadataInvalid) as refusal:
        ProviderMetadata.from_json(document)

    assert refusal.value.reason == reason


@pytest.mark.parametrize("document", [None, [], "https://op.example", 1, {}, {"issuer": None}])
def test_refuses_what_is_no_document(document: object) -> None:
    with pytest.raises(MetadataInvalid):
        ProviderMetadata.from_json(document)


@pytest.mark.parametrize("member", LISTS)
@pytest.mark.parametrize("value", ["pairwise", None, {"S256": True}, ["S256", 1], [["S256"]], True])
def test_a_list_of_another_type_counts_as_absent(member: str, value: object) -> None:
    document = {**read(document_path("okta")), member: value}

    assert getattr(ProviderMetadata.from_json(document), member) == ()


@pytest.mark.parametrize("member", FLAGS)
@pytest.mark.parametrize("value", ["true", "false", 1, None, [True]])
def test_a_flag_counts_only_when_it_is_the_json_value_true(member: str, value: object) -> None:
    document = {**read(document_path("lego")), member: value}

    assert getattr(ProviderMetadata.from_json(document), member) is False


def test_capitals_in_the_issuer_are_neither_changed_nor_overlooked() -> None:
    metadata = accepted("adfs-uppercase-host")

    assert metadata.issuer != metadata.issuer.lower()
    with pytest.raises(MetadataInvalid):
        check_issuer(metadata, expected=(metadata.issuer.lower(),))


@pytest.mark.parametrize("folder", KEY_SETS)
def test_each_key_is_usable_or_skipped_with_a_reason(folder: str) -> None:
    entries, row = read(FIXTURES / folder / "jwks.json")["keys"], KEY_SETS[folder]

    key_set = KeySet.from_json({"keys": entries})

    assert len(key_set.keys) == row.usable
    assert key_set.skipped == tuple((entries[place]["kid"], reason) for place, reason in row.skipped.items())


@pytest.mark.parametrize("folder", KEY_SETS)
def test_a_key_has_the_numbers_that_were_published(folder: str) -> None:
    entries, row = read(FIXTURES / folder / "jwks.json")["keys"], KEY_SETS[folder]
    published = [entry for place, entry in enumerate(entries) if place not in row.skipped]

    for entry, key in zip(published, KeySet.from_json({"keys": entries}).keys, strict=True):
        assert (key.kid, key.kty, key.alg) == (entry["kid"], entry["kty"], entry.get("alg"))
        if isinstance(key.material, RSAPublicKey):
            assert key.material.public_numbers().n == modulus(entry)


def modulus(entry: dict[str, str]) -> int:
    """Return `n` of a JWK, in whichever alphabet it is written."""
    text = entry["n"].translate(str.maketrans("-_", "+/")).rstrip("=")
    return int.from_bytes(b64decode(text + "=" * (-len(text) % 4)), "big")


def test_certificates_are_of_the_keys_they_stand_beside_and_may_have_ended() -> None:
    entries = [key for folder in KEY_SETS for key in read(FIXTURES / folder / "jwks.json")["keys"]]
    certified = [entry for entry in entries if "x5c" in entry]
    certificates = [load_der_x509_certificate(b64decode(entry["x5c"][0])) for entry in certified]

    for entry, certificate in zip(certified, certificates, strict=True):
        public_key = certificate.public_key()
        assert isinstance(public_key, RSAPublicKey)
        assert public_key.public_numbers().n == modulus(entry)
    assert min(certificate.not_valid_after_utc.year for certificate in certificates) == 2020


def test_one_key_may_stand_in_the_sets_of_two_issuers() -> None:
    common = KeySet.from_json(read(FIXTURES / "entra-common" / "jwks.json")).keys
    first_version = KeySet.from_json(read(FIXTURES / "entra-v1-common" / "jwks.json")).keys

    numbers = {modulus_of(key.material): key.issuer for key in common}
    assert all(modulus_of(key.material) in numbers and key.issuer is None for key in first_version)
    assert Counter(numbers.values()) == {
        "https://login.microsoftonline.com/{tenantid}/v2.0": 5,
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0": 2,
    }


def modulus_of(material: object) -> int:
    assert isinstance(material, RSAPublicKey)
    return material.public_numbers().n


def test_an_unsuitable_key_is_never_a_candidate() -> None:
    """A key that names another algorithm, or is for encryption, is not tried (RFC 8725 3.1)."""
    entries = read(FIXTURES / "paypal" / "jwks.json")["keys"]
    key_set = KeySet.from_json({"keys": entries})

    pss = {entry["kid"] for entry in entries if entry.get("alg") == "PS256"}
    assert {key.kid for key in key_set.candidates("PS256", None)} == pss
    assert all(not key_set.candidates("RS256", kid) for kid in pss)


def elsewhere(*, keys: bool) -> list[Any]:
    """Return the documents, or the key sets, below the folder that the environment names."""
    root = Path(ELSEWHERE)
    found = sorted(root.rglob("*.json")) if ELSEWHERE else []
    wanted = [path for path in found if bool(KEY_FILES.fullmatch(path.name)) is keys]
    return [pytest.param(path, id=str(path.relative_to(root))) for path in wanted]


@pytest.mark.skipif(not ELSEWHERE, reason="OIDC_LOGIN_DISCOVERY_DIR is not set")
def test_the_folder_of_the_environment_holds_documents() -> None:
    assert elsewhere(keys=False)


def same_document_as_ours(path: Path, document: Any) -> bool:
    """Whether a row of the table was written about this very document."""
    if path.parent.name not in DOCUMENTS or path.name != document_path(path.parent.name).name:
        return False
    ours = read(document_path(path.parent.name))
    return all(ours.get(name) == document.get(name) for name in URLS)


def is_plain(document: Any) -> bool:
    """Whether nothing at all is odd about the URLs of a document."""
    found = {name: document.get(name) for name in URLS if document.get(name) is not None}
    return set(REQUIRED) <= set(found) and all(
        isinstance(url, str) and PLAIN_URL.fullmatch(url) for url in found.values()
    )


@pytest.mark.parametrize("path", elsewhere(keys=False))
def test_a_document_from_elsewhere_is_read_safely_or_refused(path: Path) -> None:
    document = read(path)
    try:
        metadata = ProviderMetadata.from_json(document)
    except MetadataInvalid as refusal:
        assert refusal.reason
        assert not is_plain(document), f"refused for {refusal.reason}"
        if same_document_as_ours(path, document):
            assert refusal.reason == DOCUMENTS[path.parent.name].refused
        return

    urls = {name: getattr(metadata, name) for name in URLS}
    assert urls == {name: document.get(name) or "" for name in URLS}
    assert all(SAFE_URL.fullmatch(url) for name, url in urls.items() if url or name in REQUIRED)
    assert not {"none", "HS256", "HS384", "HS512"} & set(signing_algorithms(metadata))
    if same_document_as_ours(path, document):
        assert DOCUMENTS[path.parent.name].refused in ("", "issuer_mismatch")


@pytest.mark.parametrize("path", elsewhere(keys=True))
def test_a_key_set_from_elsewhere_gives_only_keys_that_verify(path: Path) -> None:
    document = read(path)
    try:
        key_set = KeySet.from_json(document)
    except MetadataInvalid as refusal:
        assert refusal.reason
        return

    assert len(key_set.keys) + len(key_set.skipped) == len(document["keys"])
    assert all(reason for _, reason in key_set.skipped)
    usable = [entry for entry in document["keys"] if may_sign(entry)]
    assert Counter(key.kid for key in key_set.keys) == Counter(entry.get("kid") for entry in usable)


def may_sign(entry: dict[str, Any]) -> bool:
    """Whether a well-formed public key may verify signatures here; written apart from the package."""
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        return False
    if entry["kty"] == "RSA":
        return modulus(entry).bit_length() >= 2048
    return entry.get("crv") in ("P-256", "P-384", "P-521", "Ed25519")
