"""A site's own tests: the fixtures of the plugin and the mixin, with the examples of the documentation."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.docs.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "testing.md"
SITE = """
from tests.settings.base import *

OIDC_LOGIN_PROVIDERS = {
    "company": {
        "class": "oidc_login.providers.KeycloakProvider",
        "base_url": "https://login.company.example",
        "realm": "staff",
        "client_id": "shop",
        "client_secret": "the real secret",
        "groups_claim": "realm_access.roles",
        "group_map": {"editors": "Editors"},
        "create_groups": True,
    },
}
"""
OWN = """
from django.contrib.auth.models import Group, User
from django.test import TestCase

from oidc_login.testing import OIDCTestMixin


def test_groups_come_from_the_claim_that_the_site_reads(sign_in_as, oidc_provider):
    sign_in_as({"sub": "7", "preferred_username": "grace"}, groups=["editors"])

    assert [group.name for group in User.objects.get(username="grace").groups.all()] == ["Editors"]
    assert "token" in oidc_provider.asked()


def test_two_people(sign_in_as):
    first, second = sign_in_as({"sub": "1"}), sign_in_as({"sub": "2", "email": "b@example.org"}, provider="company")

    assert first.session["_auth_user_id"] != second.session["_auth_user_id"]


class MixinTest(OIDCTestMixin, TestCase):
    def test_groups(self):
        self.sign_in_as(groups=["editors"])

        self.assertEqual(Group.objects.get().name, "Editors")
"""


def run(folder: Path, *arguments: str, settings: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a site's folder, with the plugin as pytest finds it in an installed package."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    if "oidc_login" not in entry_points(group="pytest11").names:  # installed before it had the plugin
        options += ["-p", "oidc_login.pytest_plugin"]
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment = {**inherited, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("settings", ["tests.settings.base", "site_settings"])
def test_examples_of_the_documentation_and_a_sites_own_tests_pass(tmp_path: Path, settings: str) -> None:
    (tmp_path / "site_settings.py").write_text(SITE)
    found = [block for block in blocks(PAGE) if block.language == "python"]
    for number, block in enumerate(found):
        (tmp_path / f"test_example_{number}.py").write_text(block.code)
    if settings == "site_settings":
        (tmp_path / "test_own.py").write_text(OWN)

    done = run(tmp_path, settings=settings)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{5 + (3 if settings == 'site_settings' else 0)} passed" in done.stdout


def test_plugin_loads_nothing_until_a_fixture_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n    assert not {'oidc_login.testing', 'jwcrypto'} & sys.modules.keys()\n"
    )

    done = run(tmp_path, "-p", "no:django", settings="tests.settings.base")

    assert done.returncode == 0, done.stdout + done.stderr
