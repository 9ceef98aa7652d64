"""What GitHub is told: the workflow tests every supported version by make targets that exist; forms ask for facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from tests.packaging.environments import ROOT

GITHUB = ROOT / ".github"
FORMS = [path for path in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}
FIRST_PYTHON = {"6.0": (3, 12), "6.1": (3, 12)}  # of each Django


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = read(GITHUB / "workflows" / "ci.yml")["jobs"]
    return found


def commands() -> Iterator[str]:
    for job in jobs().values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def supported(name: str) -> list[str]:
    """Return the versions that pyproject.toml names."""
    return re.findall(rf'"{name} :: (\d+\.\d+)"', (ROOT / "pyproject.toml").read_text())


def test_matrix_has_every_supported_version() -> None:
    matrix = jobs()["test"]["strategy"]["matrix"]

    assert matrix["python"] == supported("Programming Language :: Python")
    assert matrix["django"] == supported("Framework :: Django")


def test_matrix_leaves_out_what_cannot_be_installed() -> None:
    matrix = jobs()["test"]["strategy"]["matrix"]
    pairs = list(product(matrix["python"], matrix["django"]))

    impossible = {(p, d) for p, d in pairs if tuple(map(int, p.split("."))) < FIRST_PYTHON.get(d, (3, 0))}
    assert {(pair["python"], pair["django"]) for pair in matrix["exclude"]} == impossible


def test_workflow_calls_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {run.split()[1] for run in commands() if run.startswith("make ")}

    assert {"test", "lint", "docs", "demo-check", "wheel", "databases", "heavy", "release-check"} <= called <= targets


def test_workflow_sets_variables_that_there_are() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {name for run in commands() if run.startswith("make ") for name in re.findall(r"\b([A-Z_]+)=", run)}

    assert named == {"PYTHON", "OLDEST_DJANGO", "DATABASE"}
    assert all(re.search(rf"^{name} (\?|:)= ", makefile, re.MULTILINE) for name in named)


def test_workflow_may_only_read() -> None:
    assert read(GITHUB / "workflows" / "ci.yml")["permissions"] == {"contents": "read"}
    used = {step["uses"].split("/")[0] for job in jobs().values() for step in job["steps"] if "uses" in step}
    assert used == {"actions"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_form_is_one_that_github_can_show(path: Path) -> None:
    form = read(path)

    assert form["name"] and form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in form["body"]} <= KINDS
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields) > 0


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_form_asks_for_commands_and_options_that_there_are(path: Path) -> None:
    known = get_commands()

    for name, options in re.findall(r"`python manage\.py (\w+)([^`]*)`", path.read_text()):
        parser = load_command_class(known[name], name).create_parser("manage.py", name)
        assert set(re.findall(r"--[\w-]+", options)) <= set(parser._option_string_actions)


def test_somebody_who_cannot_sign_in_is_asked_for_the_diagnosis() -> None:
    fields = {field.get("id"): field for field in read(GITHUB / "ISSUE_TEMPLATE" / "failing_sign_in.yml")["body"]}

    assert "oidc_login_diagnose KEY --json" in fields["diagnosis"]["attributes"]["description"]
    assert fields["diagnosis"]["validations"]["required"] is True


def test_every_page_that_is_named_is_there() -> None:
    named = {name for path in GITHUB.rglob("*.*") for name in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text())}

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
