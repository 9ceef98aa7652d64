"""What a site gets when it installs the package."""

from __future__ import annotations

import shutil
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from oidc_login import __version__
from tests.packaging.environments import ROOT, Environment, build_wheel

PACKAGE = ROOT / "oidc_login"
NOT_SHIPPED = {"__pycache__", ".DS_Store"}

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def shipped(wheel: Path) -> set[str]:
    """The names in the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """What the wheel says of itself."""
    folder = f"django_oidc_login-{__version__}.dist-info"
    return Parser().parsestr(zipfile.ZipFile(wheel).read(f"{folder}/METADATA").decode())


def test_wheel_holds_every_file_of_the_package(shipped: set[str]) -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and not NOT_SHIPPED & set(path.parts)
    }

    assert shipped >= files


@pytest.mark.parametrize(
    "name",
    [
        "oidc_login/py.typed",
        "oidc_login/migrations/0001_initial.py",
        "oidc_login/templates/oidc_login/providers.html",
        "oidc_login/templates/oidc_login/login.html",
        "oidc_login/templates/oidc_login/error.html",
        "oidc_login/templatetags/oidc_login.py",
        "oidc_login/testing/__init__.py",
        "oidc_login/demo/__main__.py",
    ],
)
def test_wheel_holds(name: str, shipped: set[str]) -> None:
    assert name in shipped


def test_wheel_holds_the_package_and_no_tests(shipped: set[str]) -> None:
    folders = {name.split("/")[0] for name in shipped}

    assert folders == {"oidc_login", f"django_oidc_login-{__version__}.dist-info"}


def test_wheel_needs_five_packages(metadata: Message) -> None:
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = sorted(line.split(">")[0].split("<")[0] for line in needed)

    assert names == ["django", "jwcrypto", "mozilla-django-oidc", "pyjwt[crypto]", "requests"]


def test_wheel_states_its_name_licence_and_python(metadata: Message) -> None:
    assert metadata["Name"] == "django-oidc-login"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.10"


def test_demo_signs_people_in_from_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install(str(wheel))

    where = environment.run("-c", "import oidc_login; print(oidc_login.__file__)")
    shutil.copytree(ROOT / "tests" / "demo", tmp_path / "tests" / "demo")
    printed = environment.run("-m", "tests.demo.check")

    assert Path(where.strip()).is_relative_to(tmp_path)
    assert printed
