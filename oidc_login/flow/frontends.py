"""The front ends of a site: the origins of `OIDC_LOGIN_FRONTEND_ORIGINS`, compared exactly."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpResponse, HttpResponseRedirect

from oidc_login.conf import settings


def frontend_origins() -> frozenset[str]:
    """Return the configured origins, such as "https://app.example.com"."""
    return frozenset(origin for origin in settings.FRONTEND_ORIGINS if isinstance(origin, str))


def is_frontend_origin(origin: str) -> bool:
    """Whether an origin is a configured one, byte for byte; "null" and the empty origin never are."""
    return bool(origin) and origin != "null" and origin in frontend_origins()


def is_frontend_url(url: str) -> bool:
    """Whether an absolute URL is on a configured front end.

    A browser reads backslashes, control characters and user names in URLs in ways of its own, so none is accepted.
    """
    if not url.isprintable() or not url.isascii() or "\\" in url or url != url.strip():
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if "@" in parts.netloc or not parts.netloc:
        return False
    return is_frontend_origin(f"{parts.scheme}://{parts.netloc}")


def with_error(url: str, code: str) -> str:
    """Return a URL with `error=<code>` in its query; the fragment of a front end's router stays."""
    parts = urlsplit(without_error(url))
    query = f"{parts.query}&{urlencode({'error': code})}" if parts.query else urlencode({"error": code})
    return urlunsplit(parts._replace(query=query))


def without_error(url: str) -> str:
    """Return a URL without the `error` of an earlier sign-in, which a page that names itself as `next` still has."""
    parts = urlsplit(url)
    kept = [part for part in parts.query.split("&") if part.partition("=")[0] != "error"]
    return urlunsplit(parts._replace(query="&".join(kept)))


def redirect_to_frontend(url: str) -> HttpResponse:
    """Send the browser back to a front end. A pop-up stays connected to the page that opened it."""
    response = HttpResponseRedirect(url)
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response
