"""The code blocks of a Markdown page, and how they are run. The rules are in docs/contributing.md."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import checks
from django.template import engines
from django.test import override_settings
from django.urls import path

from tests.settings import base
from tests.settings import urls as base_urls

MAX_IMAGE_BYTES = 62_000
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]+)\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (?P<path>[\w/]+)\.py\n")
ENVIRONMENT = re.compile(r'os\.environ\["(\w+)"\]')
NO_RUN = re.compile(r"no-run: \S+")
SINCE = re.compile(r"django>=(\d+)\.(\d+)")

# What `startproject` has written already where a page says `INSTALLED_APPS += [...]`.
STARTPROJECT: Mapping[str, Any] = {
    "INSTALLED_APPS": [name for name in base.INSTALLED_APPS if name != "oidc_login"],
    "MIDDLEWARE": base.MIDDLEWARE,
    "TEMPLATES": base.TEMPLATES,
    "SECRET_KEY": base.SECRET_KEY,
}

# What the recipes assume: a site that followed the quickstart.
QUICKSTART: Mapping[str, Any] = {
    **STARTPROJECT,
    "INSTALLED_APPS": base.INSTALLED_APPS,
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend", "oidc_login.backends.OIDCLoginBackend"],
    "LOGIN_URL": "oidc_login:providers",
    "OIDC_LOGIN_PROVIDERS": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block and where it stands."""

    where: str
    language: str
    options: str
    code: str

    @property
    def module(self) -> str | None:
        """The module that the block is, when its first line names a file."""
        named = FILE_NAME.match(self.code)
        return named["path"].replace("/", ".") if named else None

    @property
    def runs(self) -> bool:
        """Whether the block can run here: it has no reason against it, or names a Django that is old enough."""
        since = SINCE.fullmatch(self.options)
        return not self.options or (since is not None and tuple(map(int, since.groups())) <= django.VERSION)


def blocks(page: Path) -> Iterator[Block]:
    """Yield the page's fenced blocks that name a language, in order."""
    text = page.read_text()
    for fence in FENCE.finditer(text):
        language, _, options = fence["info"].strip().partition(" ")
        line = text.count("\n", 0, fence.start()) + 1
        code = textwrap.dedent(fence["code"])
        yield Block(where=f"{page.name}:{line}", language=language, options=options.strip(), code=code)


def home_page() -> list[Any]:
    """Return what a site has besides: the page where its sign-ins end."""
    return [path("", base_urls.home, name="home")]


def made_up(variable: str) -> str:
    """Return a value for an environment variable: a private key if its name says so, otherwise a long text."""
    if variable.endswith("_PRIVATE_KEY"):
        return private_key()
    return f"made up for {variable}, of 32 bytes and more"


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


class PageRun:
    """One page's blocks, run in order: those of one file are that module, all others share a namespace."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, stack: ExitStack, *, written: Mapping[str, Any] = STARTPROJECT
    ) -> None:
        self.monkeypatch = monkeypatch
        self.stack = stack
        self.written = written
        self.namespace: dict[str, Any] = {"__name__": "page"}
        self.settings: dict[str, Any] = {}

    def run(self, block: Block) -> None:
        """Run a Python block, compile a template, and leave everything else alone."""
        if block.language == "html+django":
            engines["django"].from_string(block.code)
        if block.language == "python" and block.runs:
            self.run_python(block)

    def run_python(self, block: Block) -> None:
        """Run the block with made-up values for the environment variables that it reads."""
        for name in ENVIRONMENT.findall(block.code):
            self.monkeypatch.setenv(name, made_up(name))
        namespace = vars(self.module(block.module)) if block.module else self.namespace
        exec(compile(block.code, block.where, "exec"), namespace)
        if block.module == "settings":
            self.apply(namespace)

    def module(self, name: str) -> ModuleType:
        """Return the module of that name, made with its parent packages at its first block."""
        if name not in sys.modules:
            module = ModuleType(name)
            vars(module).update(
                {**deepcopy(dict(self.written)), "os": os} if name == "settings" else {"urlpatterns": home_page()}
            )
            self.monkeypatch.setitem(sys.modules, name, module)
            parent, _, child = name.rpartition(".")
            if parent:
                self.monkeypatch.setattr(self.module(parent), child, module, raising=False)
        return sys.modules[name]

    def apply(self, namespace: Mapping[str, Any]) -> None:
        """Let the page's settings be the site's from here on."""
        self.settings = {name: value for name, value in namespace.items() if name.isupper()}
        self.stack.enter_context(override_settings(**self.settings))

    def check(self) -> list[checks.CheckMessage]:
        """Return what Django's system checks say against the page's site."""
        urls = "urls" if "urls" in sys.modules else base.ROOT_URLCONF
        with override_settings(ROOT_URLCONF=urls):
            return [message for message in checks.run_checks() if message.level >= checks.WARNING]
