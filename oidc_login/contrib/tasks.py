"""The refresh of all tokens as a task of Django 6.0 and later, for whichever backend `TASKS` names.

It is not in `oidc_login.tasks`, because Celery imports the module `tasks` of every application, also on Django 5.2.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from oidc_login.models import OAuthConnection

try:
    from django.tasks import task
except ImportError as error:
    raise ImportError(
        "oidc_login.contrib.tasks needs Django 6.0 or later. "
        "On an older Django, call OAuthConnection.objects.refresh_expiring() from your task queue."
    ) from error


@task
def refresh_tokens(
    *,
    within_seconds: float = 3600,
    provider_keys: list[str] | None = None,
    concurrency: int = 8,
    per_second: float | None = None,
) -> dict[str, Any]:
    """Refresh the tokens that expire within this time; the result is that of `refresh_expiring`."""
    return OAuthConnection.objects.refresh_expiring(
        within=timedelta(seconds=within_seconds),
        provider_keys=provider_keys,
        concurrency=concurrency,
        per_second=per_second,
    )
