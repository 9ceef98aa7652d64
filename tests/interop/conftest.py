"""The site and the real providers, each started once."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.interop import providers
from tests.interop.browser import Browser
from tests.interop.providers import OIDCProviderFromNpm, RealProvider, Toolkit

HERE = Path(__file__).resolve().parent
TIME_TO_INSTALL = 300  # seconds


@pytest.fixture(scope="session")
def site_url(django_db_setup: None) -> Iterator[str]:
    """Where the site is: at an address, while the providers have a name, so that they share no cookies."""
    server = LiveServer("127.0.0.1")
    yield server.url
    server.stop()


@pytest.fixture
def site(site_url: str, transactional_db: None) -> str:
    """Where the site is, with nobody in its database."""
    return site_url


@pytest.fixture
def browser() -> Browser:
    """The browser of somebody who is signed in nowhere."""
    return Browser()


@pytest.fixture(scope="session")
def oidc_provider(site_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OIDCProviderFromNpm]:
    """The certified provider from npm."""
    install_from_npm()
    output = tmp_path_factory.mktemp("oidc-provider") / "output"
    with providers.oidc_provider_from_npm(site_url, output) as provider:
        yield provider


@pytest.fixture(scope="session")
def toolkit(site_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolkit]:
    """The provider that a Django project becomes by django-oauth-toolkit."""
    output = tmp_path_factory.mktemp("django-oauth-toolkit") / "output"
    with providers.toolkit(site_url, output) as provider:
        yield provider


@pytest.fixture(params=["oidc_provider", "toolkit"])
def provider(request: pytest.FixtureRequest, site: str, settings: Any) -> RealProvider:
    """Each provider in turn, configured in the site as its documentation says."""
    provider: RealProvider = request.getfixturevalue(request.param)
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: provider.site_settings()}
    provider.program.forget_requests()
    return provider


def install_from_npm() -> None:
    """Bring node_modules up to the lock file, unless they are; one process at a time."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            do_without(f"there is no {program} on this machine")
    with (HERE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_installed():
            run_npm()


def is_installed() -> bool:
    """Whether what npm wrote last is as new as the lock file."""
    written = HERE / "node_modules" / ".package-lock.json"
    return written.exists() and written.stat().st_mtime >= (HERE / "package-lock.json").stat().st_mtime


def run_npm() -> None:
    command = ["npm", "ci", "--prefix", str(HERE), "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_TO_INSTALL)
    except subprocess.CalledProcessError as error:
        do_without(f"npm could not install oidc-provider: {error.stderr.strip()}")
    except subprocess.TimeoutExpired:
        do_without("npm could not install oidc-provider in time")


def do_without(reason: str) -> NoReturn:
    """Skip what cannot run here; where everything must run, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
