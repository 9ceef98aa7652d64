"""The package's own cookies: read by their exact name, and bound to this host if the site is on https."""

from __future__ import annotations

from typing import Final, Literal

from django.http import HttpRequest, HttpResponse

from oidc_login.conf import django, settings
from oidc_login.registry import KEY

HOST_PREFIX: Final = "__Host-"
SameSite = Literal["Lax", "None"]


def is_secure(request: HttpRequest) -> bool:
    """Whether the browser is on https: the request says so, or `OIDC_LOGIN_BASE_URL`, as behind a proxy."""
    return request.is_secure() or str(settings.BASE_URL).lower().startswith("https://")


def session_cookie_is_strict() -> bool:
    """Whether the browser withholds the session from requests that began at another site, such as a provider's."""
    return str(django.SESSION_COOKIE_SAMESITE).lower() == "strict"  # Django accepts either case


def full_name(request: HttpRequest, name: str) -> str:
    """Return the name of a cookie; on https one that no sibling host can set (RFC 6265bis 4.1.3.2)."""
    return HOST_PREFIX + name if is_secure(request) else name


def with_prefix(request: HttpRequest, prefix: str) -> dict[str, str]:
    """Return the cookies whose names begin with `prefix`, in the order in which the browser sent them.

    They are read from the header itself, because Django's parser strips Unicode spaces and control characters from
    names, but browsers do not treat such names as `__Host-` names. A name that occurs twice cannot be trusted either,
    because a browser has only one `__Host-` cookie with a name.
    """
    found: dict[str, str] = {}
    repeated: set[str] = set()
    for pair in str(request.META.get("HTTP_COOKIE", "")).split(";"):
        name, equals, value = pair.removeprefix(" ").partition("=")
        if not equals or not name.startswith(prefix):
            continue
        if name in found:
            repeated.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in repeated}


def get(request: HttpRequest, name: str) -> str | None:
    """Return the value of the cookie with exactly this name, `None` if there is none."""
    return with_prefix(request, name).get(name)


def keep(
    request: HttpRequest, response: HttpResponse, name: str, value: str, *, max_age: int, same_site: SameSite = "Lax"
) -> None:
    """Set a cookie that only this host reads; `SameSite=None` needs https."""
    secure = is_secure(request)
    response.set_cookie(
        name, value, max_age=max_age, secure=secure, httponly=True, samesite=same_site if secure else "Lax"
    )


def drop(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Remove a cookie from the browser."""
    response.set_cookie(
        name,
        max_age=0,
        expires="Thu, 01 Jan 1970 00:00:00 GMT",
        secure=is_secure(request),
        httponly=True,
        samesite="Lax",
    )


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
