"""docs/recipes/api-services.md: the entries that it shows take the access tokens of the services, and no ID tokens."""

from __future__ import annotations

from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from tests.docs.pages import QUICKSTART, PageRun, blocks
from tests.drf.conftest import Call
from tests.drf.services import OID, SERVICES, SPA, Claims, Service, connect
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes" / "api-services.md"


def keycloak(service: Service, audience: str) -> Claims:
    return {"aud": [audience, "account"], "resource_access": {audience: {"roles": ["clerk"]}}}


# The service, what the audience of the page changes in its tokens, and the roles that the page promises.
SECTIONS: dict[str, tuple[Service, Any, list[str]]] = {
    "entra": (SERVICES["entra v1"], lambda service, audience: {"aud": audience}, []),
    "auth0": (SERVICES["auth0"], lambda service, audience: {"aud": [audience, "x"]}, ["orders:read"]),
    "okta": (SERVICES["okta"], lambda service, audience: {"aud": audience}, []),
    "cognito": (SERVICES["cognito"], lambda service, audience: {"client_id": audience}, ["clerks"]),
    "keycloak": (SERVICES["keycloak"], keycloak, ["clerk", "offline_access"]),
    "zitadel": (SERVICES["jwt"], lambda service, audience: {"aud": [SPA, audience]}, []),
}
every_section = pytest.mark.parametrize("key", SECTIONS)


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The API entries of the page."""
    with ExitStack() as stack:
        run = PageRun(monkeypatch, stack, written=QUICKSTART)
        for block in blocks(PAGE):
            run.run(block)
        return deepcopy(run.settings["OIDC_LOGIN_BEARER_PROVIDERS"])


def first_audience(entry: Any) -> str:
    audience = entry["audience"] if isinstance(entry, dict) else entry
    return str(audience[0] if isinstance(audience, list) else audience)


def set_up(settings: Settings, op: RecordingOpenIDProvider, key: str, entry: Any) -> Service:
    """Make the page's entry the site's. The class of the page's provider, which names a profile, is not the test's."""
    service = SECTIONS[key][0]
    entry = {"token_profile": service.profile, **(entry if isinstance(entry, dict) else {"audience": entry})}
    settings.ROOT_URLCONF = "tests.drf.api_urls"
    settings.OIDC_LOGIN_PROVIDERS = {key: service.provider_entry(op)}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {key: entry}
    cache.clear()
    connect(service, provider_key=key, alternate_id=OID)
    return service


def test_every_section_is_tried(entries: dict[str, Any]) -> None:
    assert set(entries) == {*SECTIONS, "google"}
    assert entries["google"]["token_profile"] == "google"  # tests/drf/test_asked.py has its tokens


@every_section
def test_entry_of_the_page_takes_the_access_token(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, entries: dict[str, Any], key: str
) -> None:
    service = set_up(settings, op, key, entries[key])
    audience = first_audience(entries[key])
    claims = {**service.person, **SECTIONS[key][1](service, audience)}

    response = call("/plain/", service.token(op, claims))

    assert response.status_code == 200
    told = response.json()
    assert (told["user"], told["is_application"], told["has_connection"]) == ("ada", False, True)
    assert told["roles"] == (SECTIONS[key][2] or service.person.get("roles", []))
    assert told["client_id"] == (audience if key == "cognito" else SPA)
    assert "orders.read" in told["scopes"]


@every_section
def test_entry_of_the_page_refuses_the_id_token(
    op: RecordingOpenIDProvider, settings: Settings, call: Call, entries: dict[str, Any], key: str
) -> None:
    service = set_up(settings, op, key, entries[key])
    claims = {**service.id_token, "aud": first_audience(entries[key])}

    assert call("/plain/", service.token(op, claims, service.id_header)).status_code == 401
