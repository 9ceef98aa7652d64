"""An issuer that nobody has written down: found where it can be proved, and never guessed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.mozilla.provider import COOL_DOWN, EndpointsProvider, folders_above
from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable
from oidc_login.testing import Answer
from tests.mozilla.conftest import ALICE, Change, LegacyProvider, begin_after, sign_in_after
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.threads import outcomes_at_once

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(after: Change) -> None:
    after()


def provider_of(op: LegacyProvider, **metadata: str) -> EndpointsProvider:
    url = op.base_url + op.issuer_path.rstrip("/")
    endpoints = {
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/jwks",
    }
    return EndpointsProvider(provider_key="oidc", client_id="the site", metadata={**endpoints, **metadata})


@pytest.mark.parametrize("path", ["", "/", "/realms/site", "/realms/site/"])
def test_found_above_the_endpoints(legacy_op: LegacyProvider, path: str) -> None:
    legacy_op.issuer_path = path

    provider = provider_of(legacy_op)

    assert provider.get_issuer() == legacy_op.issuer
    assert provider.metadata.end_session_endpoint, "and what else the document says"
    asked = len(legacy_op.requests)
    assert provider.get_issuer() == legacy_op.issuer
    assert len(legacy_op.requests) == asked, "once"


@pytest.mark.parametrize(
    ("urls", "folders"),
    [
        (
            ["https://op.example/realms/site/protocol/openid-connect/auth"],
            [
                "https://op.example/realms/site/protocol/openid-connect",
                "https://op.example/realms/site/protocol",
                "https://op.example/realms/site",
                "https://op.example/realms",
                "https://op.example",
            ],
        ),
        (
            ["https://login.example/authorize?tenant=x", "https://keys.example/pool/.well-known/jwks.json"],
            [
                "https://login.example",
                "https://keys.example/pool/.well-known",
                "https://keys.example/pool",
                "https://keys.example",
            ],
        ),
        (["https://op.example"], []),
    ],
)
def test_places_where_it_may_be(urls: list[str], folders: list[str]) -> None:
    assert folders_above(urls) == folders


def changed(**members: Any) -> Callable[[Answer], Answer]:
    def bend(good: Answer) -> Answer:
        good.json = {**good.json, **members}
        return good

    return bend


BAD: dict[str, Callable[[Answer], Answer]] = {
    "another issuer": changed(issuer="https://elsewhere.example"),
    "the issuer of a tenant": changed(issuer="http://127.0.0.1/tenant"),
    "another authorization endpoint": changed(authorization_endpoint="https://elsewhere.example/authorize"),
    "another token endpoint": changed(token_endpoint="https://elsewhere.example/token"),
    "other keys": changed(jwks_uri="https://elsewhere.example/keys"),
    "no keys": changed(jwks_uri=None),
    "no document": lambda good: Answer(status=404),
    "a page": lambda good: Answer.of_page("<p>welcome</p>"),
    "a redirect": lambda good: Answer.redirect("https://elsewhere.example/"),
}


@pytest.mark.parametrize("bend", BAD.values(), ids=BAD)
def test_document_of_somebody_else(
    legacy_op: LegacyProvider, browser: Browser, moved: None, witness: Witness, bend: Callable[[Answer], Answer]
) -> None:
    legacy_op.bend("discovery", bend)

    response = begin_after(browser)

    assert response.status_code == 502
    assert [(error.code, error.reason) for error in witness.errors] == [("metadata_invalid", "issuer_unknown")]


def test_document_that_is_not_there_is_not_looked_for_all_the_time(legacy_op: LegacyProvider) -> None:
    legacy_op.bend("discovery", lambda good: Answer(status=404))
    provider = provider_of(legacy_op)
    for _ in range(3):
        with pytest.raises(MetadataInvalid):
            provider.get_issuer()

    assert legacy_op.asked() == ["discovery"]


def test_document_is_looked_for_again_later(legacy_op: LegacyProvider, later: Callable[[float], None]) -> None:
    legacy_op.bend("discovery", lambda good: Answer(status=404))
    provider = provider_of(legacy_op)
    with pytest.raises(MetadataInvalid):
        provider.get_issuer()
    legacy_op.mend()

    later(COOL_DOWN + 1)

    assert provider.get_issuer() == legacy_op.issuer


def test_provider_that_is_down(legacy_op: LegacyProvider, browser: Browser, moved: None) -> None:
    legacy_op.bend("discovery", lambda good: Answer(status=503))

    assert begin_after(browser).status_code == 503


def test_provider_that_hangs_holds_nobody_up_for_ever(legacy_op: LegacyProvider) -> None:
    """Those who wait for the one who asks hear of his failure."""

    def slowly(good: Answer) -> Answer:
        return Answer(status=503, delay=0.5)

    legacy_op.bend("discovery", slowly)
    provider = provider_of(legacy_op)
    began = time.monotonic()

    results = outcomes_at_once(*[provider.get_issuer] * 8)

    assert [type(result) for result in results] == [ProviderUnavailable] * 8
    assert legacy_op.asked() == ["discovery"]
    assert time.monotonic() - began < 3


def test_threads_at_once_look_once(legacy_op: LegacyProvider) -> None:
    provider = provider_of(legacy_op)

    results = outcomes_at_once(*[provider.get_issuer] * 8)

    assert results == [legacy_op.issuer] * 8
    assert legacy_op.asked() == ["discovery"]


def test_places_are_few(legacy_op: LegacyProvider) -> None:
    deep = legacy_op.base_url + 40 * "/folder" + "/authorize"
    provider = provider_of(legacy_op, authorization_endpoint=deep)

    with pytest.raises(MetadataInvalid):
        provider.get_issuer()

    assert len(legacy_op.requests) <= 12


def test_issuer_that_is_written_is_asked_at_its_own_place(
    legacy_op: LegacyProvider, browser: Browser, moved: None, settings: Settings
) -> None:
    """The endpoints of the settings need not be those of the document any more: they replace them."""
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": {"issuer": legacy_op.issuer}}
    legacy_op.bend("discovery", changed(authorization_endpoint="https://elsewhere.example/authorize"))

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert legacy_op.asked().count("discovery") == 1


def test_provider_that_publishes_no_document(
    legacy_op: LegacyProvider, browser: Browser, moved: None, settings: Settings
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": {"metadata": {"issuer": legacy_op.issuer}}}

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert "discovery" not in legacy_op.asked()


@pytest.mark.parametrize(
    ("written", "status"), [({"issuer": "{}/other"}, 502), ({"metadata": {"issuer": "{}/other"}}, 400)]
)
def test_issuer_that_is_written_wrongly_lets_nobody_in(
    legacy_op: LegacyProvider, browser: Browser, moved: None, settings: Settings, written: dict[str, Any], status: int
) -> None:
    text = json.dumps(written).replace("{}", legacy_op.issuer)
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": json.loads(text)}

    begun = begin_after(browser)
    if begun.status_code == 302:
        begun = browser.end(browser.authorize(legacy_op, begun, ALICE.sub))

    assert begun.status_code == status
    assert browser.user is None


def test_id_token_of_another_issuer(legacy_op: LegacyProvider, browser: Browser, moved: None) -> None:
    """Upstream did not look at it."""

    def bend(token: Any) -> Any:
        token.claims["iss"] = "https://elsewhere.example"
        return token

    legacy_op.bend("id_token", bend)

    assert sign_in_after(browser, legacy_op).status_code == 502


@pytest.mark.parametrize("key", ["no key", "", {"kty": "oct", "k": "AAAA"}, {}, b"\x00"])
def test_key_that_is_none(key: Any) -> None:
    with pytest.raises(ValueError, match="."):
        EndpointsProvider(provider_key="oidc", client_id="x", signing_key=key)
