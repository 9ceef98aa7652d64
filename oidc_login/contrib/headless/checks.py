"""System checks for front ends: a wrong origin would open the site to another one, or lock the front end out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning

from oidc_login.conf import django, settings


def check_frontends(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Check `OIDC_LOGIN_FRONTEND_ORIGINS` and related settings."""
    return [*check_origins(), *check_cookies()]


def check_origins() -> Iterator[CheckMessage]:
    origins = settings.FRONTEND_ORIGINS
    if isinstance(origins, str) or not isinstance(origins, (list, tuple, set, frozenset)):
        yield Error(
            "OIDC_LOGIN_FRONTEND_ORIGINS is not a list.",
            hint='Write a list of origins, such as ["https://app.example.com"].',
            id="oidc_login_headless.E001",
        )
        return
    for origin in origins:
        if not is_exact_origin(origin):
            yield Error(
                f"OIDC_LOGIN_FRONTEND_ORIGINS contains {origin!r}, which is not an origin.",
                hint="Write scheme, host and port as browsers send them: lower case, no path, no closing slash and no "
                "wildcard. Only localhost may use http.",
                id="oidc_login_headless.E002",
            )
        elif origin not in django.CSRF_TRUSTED_ORIGINS:
            yield Warning(
                f"OIDC_LOGIN_FRONTEND_ORIGINS contains {origin}, and CSRF_TRUSTED_ORIGINS does not.",
                hint="Add the origin to CSRF_TRUSTED_ORIGINS. Otherwise Django refuses every request from that front "
                "end that changes something. Leave it out if the front end has the same origin as this site.",
                id="oidc_login_headless.W001",
            )


def check_cookies() -> Iterator[CheckMessage]:
    if settings.FRONTEND_ORIGINS and str(django.SESSION_COOKIE_SAMESITE).lower() == "strict":
        yield Warning(
            'SESSION_COOKIE_SAMESITE is "Strict", and a sign-in ends at a front end.',
            hint='Set SESSION_COOKIE_SAMESITE = "Lax", so that the front end has the session when it comes back.',
            id="oidc_login_headless.W002",
        )


def is_exact_origin(origin: object) -> bool:
    """Whether a value is an origin as browsers send it in the `Origin` header (RFC 6454 6.2)."""
    if not isinstance(origin, str) or not origin.isascii() or "*" in origin:
        return False
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        return False
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1") or parts.hostname.endswith(".localhost")
    if parts.scheme == "http" and not is_local:
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port in (None, 443 if parts.scheme == "https" else 80)
    return origin == f"{parts.scheme}://{host}" + ("" if is_default else f":{port}")
