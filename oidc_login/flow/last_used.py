"""The provider that this browser signed in with last: a cookie that marks its button, and decides nothing."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse

from oidc_login.conf import django, settings
from oidc_login.registry import KEY

COOKIE: Final = "oidc_login_last_used"
YEAR: Final = 365 * 24 * 60 * 60  # seconds


def remember_last_used(request: HttpRequest, response: HttpResponse, provider_key: str) -> None:
    """Let the browser remember the provider, unless the site turned this off."""
    if not settings.REMEMBER_LAST_USED:
        return
    response.set_cookie(
        COOKIE,
        provider_key,
        max_age=YEAR,
        path=django.SESSION_COOKIE_PATH,
        domain=django.SESSION_COOKIE_DOMAIN,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def last_used_provider(request: HttpRequest) -> str:
    """Return the key that the browser remembers, "" where it remembers none or something else."""
    key = request.COOKIES.get(COOKIE, "") if settings.REMEMBER_LAST_USED else ""
    return key if KEY.fullmatch(key) else ""
