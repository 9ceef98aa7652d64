"""One process of the storm: threads that refresh the same few connections for some time, and what became of it.

Run with the database in DATABASE_URL: python -m tests.tokens.storm ISSUER SECONDS THREADS safe|naive
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings.base"

import django
from django.conf import settings


def main(issuer: str, seconds: str, threads: str, way: str) -> None:
    django.setup()
    from tests.support.served import CLIENT_SECRET

    settings.OIDC_LOGIN_PROVIDERS = {"op": {"issuer": issuer, "client_id": "client", "client_secret": CLIENT_SECRET}}
    refresh = {"safe": safe, "naive": naive}[way]
    counts: dict[str, int] = {}
    counting = threading.Lock()

    def work() -> None:
        from django.db import connections

        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            outcome = once(refresh)
            with counting:
                counts[outcome] = counts.get(outcome, 0) + 1
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps(counts))


def once(refresh: Any) -> str:
    """Refresh one of the connections, as a worker does that has just read it."""
    from oidc_login.models import OAuthConnection

    try:
        connection = random.choice(OAuthConnection.objects.select_related("user").order_by("pk"))
        time.sleep(random.random() * 0.02)
        refresh(connection)
    except Exception as error:  # whatever it is, it is counted
        return f"{type(error).__name__} {getattr(error, 'reason', '')}".strip()
    return "refreshed"


def safe(connection: Any) -> None:
    connection.refresh_access_token()


def naive(connection: Any) -> None:
    """As one writes it without thinking of others: ask, then store what came."""
    from oidc_login.registry import get_provider

    token = get_provider("op").refresh_oauth_token(oauth_token=connection.oauth_token)
    connection.set_refreshed_token(token)
    connection.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
