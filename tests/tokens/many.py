"""A site with very many connections: made, or worked on by one of the commands, in a process of its own.

Run with the database in DATABASE_URL:
python -m tests.tokens.many TOKEN_ENDPOINT fill FIRST LAST
python -m tests.tokens.many TOKEN_ENDPOINT run COMMAND [OPTION ...]
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings.base"

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from oidc_login.providers.oauth2 import OAuth2Provider

BATCH = 2_000
OLD_KEY, NEW_KEY = "the old key " * 3, "the new key " * 3


class ManyProvider(OAuth2Provider):
    """OAuth 2.0 alone: the provider of the test signs nothing, so that the commands are what takes the time."""

    authorization_endpoint = "https://many.example/authorize"

    def __init__(self, *, token_endpoint: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.token_endpoint = token_endpoint


def main(token_endpoint: str, what: str, *arguments: str) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {
        "many": {
            "class": "tests.tokens.many.ManyProvider",
            "token_endpoint": token_endpoint,
            "client_id": "client",
            "client_secret": "secret",
        }
    }
    settings.OIDC_LOGIN_TOKEN_KEYS = [OLD_KEY]
    django.setup()
    if what == "fill":
        fill(int(arguments[0]), int(arguments[1]))
    else:
        run(*arguments)


def fill(first: int, last: int) -> None:
    """Make connections with these numbers that expire within the hour."""
    from django.contrib.auth import get_user_model

    from oidc_login.models import OAuthConnection

    call_command("migrate", verbosity=0)
    soon = timezone.now() + timedelta(minutes=10)
    for begin in range(first, last, BATCH):
        numbers = range(begin, min(begin + BATCH, last))
        users = get_user_model().objects.bulk_create(get_user_model()(username=f"person{n}") for n in numbers)
        OAuthConnection.objects.bulk_create(
            OAuthConnection(
                user=user,
                provider_key="many",
                provider_user_id=str(number),
                link_reason="signed_up",
                access_token=f"access-{number}-0",
                refresh_token=f"refresh-{number}-0",
                access_token_expires_at=soon,
            )
            for number, user in zip(numbers, users, strict=True)
        )


def run(command: str, *options: str) -> None:
    """Run a command; print what it said, how long it took and how much memory at the most."""
    if command == "oidc_login_rotate_keys":
        settings.OIDC_LOGIN_TOKEN_KEYS = [NEW_KEY, OLD_KEY]
    out, begun = StringIO(), time.monotonic()
    call_command(command, *options, stdout=out)
    figures = {
        "said": out.getvalue(),
        "seconds": time.monotonic() - begun,
        "cpu": time.process_time(),
        "megabytes": most_memory(),
    }
    print(json.dumps(figures))


def most_memory() -> float:
    """Return the most memory that this process has had. What `getrusage` says begins with that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
