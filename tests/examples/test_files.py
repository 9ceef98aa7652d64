"""The files beside the examples: what the READMEs tell people to run, and the two providers that they can start."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples.example import ADA, BEFORE, BOB, EXAMPLES, SERVE

SITES = sorted(path.parent for path in EXAMPLES.glob("*/settings.py"))
PROVIDERS = [EXAMPLES / "keycloak", EXAMPLES / "authentik"]
CALLBACK = "http://localhost:8000/oauth/company/callback/"
READ = re.compile(r'os\.environ(?:\[|\.get\()"(\w+)"')

each_site = pytest.mark.parametrize("site", SITES, ids=lambda path: path.name)
each_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda path: path.name)


class Blueprint(yaml.SafeLoader):
    """YAML with authentik's own tags, each as a list or a text."""


def tagged(loader: Blueprint, suffix: str, node: yaml.Node) -> Any:
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else loader.construct_scalar(node)  # type: ignore[arg-type]


Blueprint.add_multi_constructor("!", tagged)


def environment_of(provider: Path) -> dict[str, str]:
    lines = (provider / "site.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_every_kind_of_site_is_there() -> None:
    names = {"plain", "existing_login", "admin_only", "drf_api", "spa", "database_providers"}

    assert {path.name for path in SITES} == names
    assert set(re.findall(r"^\| \[(\w+)\]", (EXAMPLES / "README.md").read_text(), re.MULTILINE)) == names


@each_site
def test_readme_has_the_commands_that_the_tests_run(site: Path) -> None:
    lines = (site / "README.md").read_text().splitlines()

    assert {BEFORE[0], SERVE, "set -a; . ../keycloak/site.env; set +a"} <= set(lines)
    assert len(lines) <= 20


@each_site
@each_provider
def test_variables_of_the_site_are_those_of_the_provider(site: Path, provider: Path) -> None:
    settings = (site / "settings.py").read_text()
    optional = {"COMPANY_TOKEN_PROFILE"}

    assert set(READ.findall(settings)) - optional <= set(environment_of(provider))


@each_provider
def test_compose_file_starts_the_provider_on_this_machine_alone(provider: Path) -> None:
    compose = yaml.safe_load((provider / "compose.yml").read_text())
    services = compose["services"].values()

    assert all(":" in service["image"] and not service["image"].endswith(":latest") for service in services)
    ports = [port for service in services for port in service.get("ports", [])]
    assert len(ports) == 1 and re.fullmatch(r"127\.0\.0\.1:(\d+):\1", ports[0])
    assert f"//localhost:{ports[0].split(':')[1]}/" in environment_of(provider)["COMPANY_ISSUER"]
    mounted = [volume.split(":")[0] for service in services for volume in service.get("volumes", [])]
    assert mounted
    assert [path for path in mounted if not (provider / path).is_file()] == []


def test_realm_has_the_client_and_the_people() -> None:
    realm = json.loads((EXAMPLES / "keycloak" / "realm.json").read_text())
    environment = environment_of(EXAMPLES / "keycloak")
    client = {client["clientId"]: client for client in realm["clients"]}[environment["COMPANY_CLIENT_ID"]]

    assert environment["COMPANY_ISSUER"].endswith(f"/realms/{realm['realm']}")
    assert (client["secret"], client["redirectUris"]) == (environment["COMPANY_CLIENT_SECRET"], [CALLBACK])
    groups = {user["username"]: [name.strip("/") for name in user.get("groups", [])] for user in realm["users"]}
    assert groups == {user.preferred_username: user.claims["groups"] for user in (ADA, BOB)}


def test_blueprint_has_the_client_and_the_people() -> None:
    entries = yaml.load((EXAMPLES / "authentik" / "blueprint.yml").read_text(), Blueprint)["entries"]  # noqa: S506
    environment = environment_of(EXAMPLES / "authentik")
    (provider,) = [entry["attrs"] for entry in entries if entry["model"].endswith("oauth2provider")]
    (application,) = [entry for entry in entries if entry["model"] == "authentik_core.application"]

    assert environment["COMPANY_ISSUER"].endswith(f"/application/o/{application['identifiers']['slug']}/")
    assert (provider["client_id"], provider["client_secret"]) == (
        environment["COMPANY_CLIENT_ID"],
        environment["COMPANY_CLIENT_SECRET"],
    )
    assert [uri["url"] for uri in provider["redirect_uris"]] == [CALLBACK]
    people = [entry["identifiers"]["username"] for entry in entries if entry["model"] == "authentik_core.user"]
    assert people == [ADA.preferred_username, BOB.preferred_username]
