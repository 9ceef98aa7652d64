"""The response to a rejected token: status, error and challenge (RFC 6750, 9470, 9728)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.encoding import escape_uri_path

from oidc_login.access_tokens.entries import bearer_entries
from oidc_login.conf import settings
from oidc_login.exceptions import OAuthError
from oidc_login.flow.hosts import base_url

REALM = "api"
METADATA_VIEW = "oidc_login_resource:metadata"


class BearerRefused(Exception):
    """A rejected request. `error` is an error code of RFC 6750 3.1, or "" without a token.

    `parameters` are further ones of the challenge. With 503 nobody can tell now, and there is no challenge; `fault` is
    what does not respond, the provider or a store of the site.
    """

    def __init__(
        self, status: int, error: str = "", *, fault: OAuthError | None = None, **parameters: str | int
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.fault = fault
        self.parameters = parameters

    def headers(self, request: HttpRequest) -> dict[str, str]:
        """Return the headers of the response."""
        if self.fault is not None:
            return {"Retry-After": str(self.fault.retry_after or 1)}
        return {"WWW-Authenticate": challenge(request, self.error, **self.parameters)}


def challenge(request: HttpRequest, error: str = "", **parameters: str | int) -> str:
    """Return the value of `WWW-Authenticate`."""
    named = {"realm": REALM, "error": error, **parameters, "resource_metadata": metadata_url(request)}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in named.items() if value != "")


def metadata_url(request: HttpRequest) -> str:
    """Return the URL of this resource's metadata (RFC 9728 3.1), or "" if `contrib.resource` is not in the URLs.

    The resource is the audience that contains the path of the request, or otherwise the path itself.
    """
    try:
        root = reverse(METADATA_VIEW)
    except NoReverseMatch:
        return ""
    origin = origin_of_site(request)
    paths = [urlsplit(url).path for url in own_audiences(origin) if is_below(request.path, urlsplit(url).path)]
    path = max(paths, key=len, default=request.path)
    return f"{origin}{root}{escape_uri_path(path if path != '/' else '')}"


def origin_of_site(request: HttpRequest) -> str:
    return base_url() or request.build_absolute_uri("/").removesuffix("/")


def own_audiences(origin: str) -> Iterable[str]:
    """Return the audiences that are URLs of this site."""
    audiences = {audience for entry in bearer_entries() for audience in entry.audiences}
    return [audience for audience in audiences if audience == origin or audience.startswith(f"{origin}/")]


def is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix.removesuffix('/')}/")


def described_settings() -> dict[str, object]:
    """Return the members that the site adds to its metadata."""
    return dict(settings.RESOURCE_METADATA)
