"""What a site imports when it starts: Django alone, with this package, and with mozilla-django-oidc.

`python -m tests.packaging.start` prints modules and CPU time of each.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.packaging.environments import ROOT

ROUNDS = 10
SECONDS = 60

# The settings of docs/quickstart.md in a new project of Django's.
APPS = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
DJANGO: dict[str, Any] = {
    "SECRET_KEY": "x" * 50,
    "INSTALLED_APPS": [f"django.contrib.{app}" for app in APPS],
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
}
OURS = {
    **DJANGO,
    "INSTALLED_APPS": [*DJANGO["INSTALLED_APPS"], "oidc_login"],
    "AUTHENTICATION_BACKENDS": [*DJANGO["AUTHENTICATION_BACKENDS"], "oidc_login.backends.OIDCLoginBackend"],
    "OIDC_LOGIN_PROVIDERS": {
        "company": {"issuer": "https://login.example.com", "client_id": "client", "client_secret": "secret"}
    },
    "LOGIN_URL": "oidc_login:providers",
}
MOZILLAS = {
    **DJANGO,
    "INSTALLED_APPS": [*DJANGO["INSTALLED_APPS"], "mozilla_django_oidc"],
    "AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
    "OIDC_OP_TOKEN_ENDPOINT": "https://login.example.com/token",
    "OIDC_OP_USER_ENDPOINT": "https://login.example.com/userinfo",
    "OIDC_RP_CLIENT_ID": "client",
    "OIDC_RP_CLIENT_SECRET": "secret",
}

PROGRAM = """
import sys
import time

from django.conf import settings

settings.configure(**%r)
began = time.process_time()

import django

django.setup()
%s
print(time.process_time() - began, *sys.modules)
"""
LOAD_BACKENDS = "from django.contrib.auth import get_backends; get_backends()"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a site."""

    modules: frozenset[str]
    milliseconds: float  # of CPU


def start(settings: dict[str, Any], *, then: str = "") -> Start:
    """Start a site in a process of its own, and run one more line in it."""
    seconds, *modules = run(PROGRAM % (settings, then)).split()
    return Start(frozenset(modules), float(seconds) * 1000)


def run(program: str) -> str:
    """Return what a program prints."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True)
    return done.stdout


def print_figures() -> None:
    """Print a row for each site, before and after its backends are loaded."""
    print(f"{'site':<22}{'backends':<10}{'modules':>8}{'CPU ms':>8}")
    for name, settings in {"Django": DJANGO, "django-oidc-login": OURS, "mozilla-django-oidc": MOZILLAS}.items():
        for loaded, then in {"no": "", "loaded": LOAD_BACKENDS}.items():
            found = [start(settings, then=then) for _ in range(ROUNDS)]
            milliseconds = median(one.milliseconds for one in found)
            print(f"{name:<22}{loaded:<10}{len(found[0].modules):>8}{milliseconds:>8.0f}")


if __name__ == "__main__":
    print_figures()
