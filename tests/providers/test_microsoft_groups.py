"""The groups of Microsoft Graph, from a server on loopback that answers as Graph does: pages, throttling, refusals."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.core.checks import run_checks

from oidc_login.models import OAuthConnection
from oidc_login.providers import MicrosoftProvider
from tests.providers.openid_service import OpenIDService, openid_service
from tests.providers.openid_table import MICROSOFT, PERSONAL, TENANT
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
EDITORS = f"{7:08}-0000-0000-0000-000000000000"


class Graph:
    """What this Graph knows and does, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.groups: list[dict[str, Any]] = [
            {
                "@odata.type": "#microsoft.graph.group",
                "id": f"{n:08}-0000-0000-0000-000000000000",
                "displayName": f"G{n}",
            }
            for n in range(1000)
        ]
        self.refusals: list[tuple[int, dict[str, str]]] = []  # of the next requests
        self.next_link = ""  # in the place of the right one
        self.page: Any = None  # in the place of the right one
        self.requests: list[tuple[str, str]] = []

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, str], Any]:
        self.requests.append((path, authorization))
        if self.refusals:
            return (*self.refusals.pop(0), {"error": {"code": "TooManyRequests"}})
        if self.page is not None:
            return 200, {}, self.page
        query = parse_qs(urlsplit(path).query)
        if urlsplit(path).path != "/v1.0/me/transitiveMemberOf":
            return 404, {}, {"error": {"code": "itemNotFound"}}
        start, size = int(query.get("$skiptoken", ["0"])[0]), int(query["$top"][0])
        names = ("@odata.type", *query["$select"][0].split(","))
        value = [{name: group[name] for name in names if name in group} for group in self.groups[start : start + size]]
        page: dict[str, Any] = {"value": value}
        if start + size < len(self.groups):
            page["@odata.nextLink"] = self.next_link or f"{self.url}{path}&$skiptoken={start + size}"
        return 200, {}, page


@pytest.fixture
def graph() -> Iterator[Graph]:
    known = Graph()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.headers["ConsistencyLevel"] == "eventual"
            status, headers, said = known.answer(self.path, self.headers["Authorization"])
            body = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def service(settings: Settings, graph: Graph) -> Iterator[OpenIDService]:
    Group.objects.create(name="editors")
    with openid_service(MICROSOFT, settings) as made:
        configure(settings, made, graph)
        yield made


def configure(settings: Settings, service: OpenIDService, graph: Graph, **arguments: Any) -> None:
    given = {"groups_from": "graph", "graph_url": graph.url, "group_map": {EDITORS: "editors", "G7": "editors"}}
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**service.entry(), **given, **arguments}}


def groups(service: OpenIDService) -> set[str]:
    service.browser = Browser(https=True)
    assert service.sign_in().status_code == 302
    return set(service.browser.user.groups.values_list("name", flat=True))


def test_all_pages_are_read_with_the_token_of_the_sign_in(service: OpenIDService, graph: Graph) -> None:
    graph.groups.append(graph.groups.pop(7))  # on the second page

    assert groups(service) == {"editors"}
    assert len(graph.requests) == 2
    assert {authorization for _, authorization in graph.requests} == {f"Bearer {service.connection.access_token}"}
    graph.groups.pop()
    assert groups(service) == set()


@pytest.mark.parametrize("names", [True, False])
def test_ids_or_names_count_and_never_both(
    service: OpenIDService, graph: Graph, settings: Settings, names: bool
) -> None:
    configure(settings, service, graph, graph_names=names, group_map={"G7" if names else EDITORS: "editors"})
    assert groups(service) == {"editors"}
    configure(settings, service, graph, graph_names=not names, group_map={"G7" if names else EDITORS: "editors"})

    assert groups(service) == set()


def test_other_objects_are_no_groups(service: OpenIDService, graph: Graph) -> None:
    for entry in graph.groups:
        entry["@odata.type"] = "#microsoft.graph.directoryRole"

    assert groups(service) == set()


def test_throttled_request_is_repeated_when_it_may_be(service: OpenIDService, graph: Graph) -> None:
    graph.refusals = [(429, {"Retry-After": "1"})]
    began = time.monotonic()

    assert groups(service) == {"editors"}
    assert len(graph.requests) == 3 and time.monotonic() - began >= 1


REFUSALS: list[tuple[list[tuple[int, dict[str, str]]], str]] = [
    ([(429, {"Retry-After": "30"})], "throttled"),
    ([(429, {})], "throttled"),
    ([(429, {"Retry-After": "1"})] * 3, "throttled"),
    ([(503, {})], "throttled"),
    ([(500, {})], "status"),
    ([(401, {})], "status_401"),
    ([(403, {})], "status_403"),
]


@pytest.mark.parametrize(("refusals", "reason"), REFUSALS, ids=range(len(REFUSALS)))
@pytest.mark.parametrize("groups_missing", ["remove", "refuse"])
def test_graph_that_does_not_answer_changes_nothing(
    service: OpenIDService,
    graph: Graph,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    refusals: list[tuple[int, dict[str, str]]],
    reason: str,
    groups_missing: str,
) -> None:
    configure(settings, service, graph, groups_missing=groups_missing)
    groups(service)
    graph.refusals = list(refusals)

    assert groups(service) == {"editors"}
    assert f"groups of Microsoft Graph unavailable: reason={reason} provider=op" in caplog.text


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ({"value": "x"}, "json"),
        ({"value": ["x"]}, "json"),
        ([], "json"),
        ({"value": [{"id": None}]}, "id"),
        ({"value": [{"displayName": "G7"}]}, "id"),
        ({"value": [], "@odata.nextLink": 5}, "next_link"),
        ({"value": [], "@odata.nextLink": "https://graph.microsoft.com.evil.example/v1.0/"}, "next_link"),
    ],
    ids=range(7),
)
def test_answer_that_cannot_be_read_changes_nothing(
    service: OpenIDService, graph: Graph, caplog: pytest.LogCaptureFixture, page: Any, reason: str
) -> None:
    groups(service)
    graph.page = page

    assert groups(service) == {"editors"}
    assert f"reason={reason} " in caplog.text


def test_token_goes_to_no_other_host(service: OpenIDService, graph: Graph) -> None:
    groups(service)
    graph.next_link = graph.url.replace("127.0.0.1", "localhost") + "/v1.0/me/transitiveMemberOf"
    graph.requests.clear()

    assert groups(service) == {"editors"}
    assert len(graph.requests) == 1


def test_pages_without_end_are_not_read_for_ever(
    service: OpenIDService, graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    graph.page = {"value": [], "@odata.nextLink": f"{graph.url}/v1.0/me/transitiveMemberOf?again"}

    assert groups(service) == set()
    assert "reason=too_many_pages" in caplog.text and len(graph.requests) == 20


def test_nobody_waits_longer_than_the_timeout(service: OpenIDService, graph: Graph, settings: Settings) -> None:
    configure(settings, service, graph, timeout=1.5)
    graph.refusals = [(429, {"Retry-After": "1"}), (429, {"Retry-After": "1"})]
    began = time.monotonic()

    assert groups(service) == set()
    assert time.monotonic() - began < 5


def test_claim_of_the_token_is_not_taken_for_all_groups(service: OpenIDService, graph: Graph) -> None:
    groups(service)
    service.op.bend("id_token", with_claims(service, groups=["other"], hasgroups=True))

    assert groups(service) == {"editors"}


def with_claims(service: OpenIDService, **claims: Any) -> Any:
    def change(token: Any) -> Any:
        token = service._id_token(token)
        token.claims = {**token.claims, **claims}
        return token

    return change


def test_personal_accounts_have_no_groups(settings: Settings, graph: Graph) -> None:
    with openid_service(PERSONAL, settings) as service:
        configure(settings, service, graph)

        assert groups(service) == set()
        assert not graph.requests


def test_roles_are_joined_with_the_groups(service: OpenIDService, graph: Graph, settings: Settings) -> None:
    Group.objects.create(name="admins")
    configure(settings, service, graph, groups_claim=["roles", "groups"], group_map={EDITORS: "editors", "A": "admins"})
    service.op.bend("id_token", with_claims(service, roles=["A"]))

    assert groups(service) == {"editors", "admins"}
    assert OAuthConnection.objects.get().claims["roles"] == ["A"]


def microsoft(**arguments: Any) -> MicrosoftProvider:
    return MicrosoftProvider(**{"provider_key": "op", "client_id": "client", "tenant": TENANT, **arguments})


def test_scope_covers_what_graph_is_asked() -> None:
    assert microsoft().scope == "openid email profile"
    assert microsoft(groups_from="graph").scope == "openid email profile User.Read"
    names = microsoft(groups_from="graph", graph_names=True)
    assert names.scope == "openid email profile User.Read GroupMember.Read.All"
    assert microsoft(groups_from="graph", scope="openid").scope == "openid"


def test_names_of_any_tenant_are_refused() -> None:
    with pytest.raises(ValueError, match="graph_names"):
        microsoft(tenant="common", allowed_tenants="*", graph_names=True, groups_from="graph")


def test_checks_know_the_arguments(settings: Settings) -> None:
    entry = {
        "class": "oidc_login.providers.MicrosoftProvider",
        "client_id": "c",
        "client_secret": "s",
        "tenant": TENANT,
    }
    settings.OIDC_LOGIN_PROVIDERS = {
        "op": {**entry, "groups_from": "graf", "graph_names": 1, "graph_url": "http://graph.microsoft.com"}
    }

    found = {message.id for message in run_checks(tags=["oidc_login"], databases=[]) if "'op'" in message.msg}

    assert found == {"oidc_login.E007", "oidc_login.E009", "oidc_login.E011"}
