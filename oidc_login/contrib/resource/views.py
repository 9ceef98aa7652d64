"""The metadata of a protected resource (RFC 9728 3.2)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.encoding import escape_uri_path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from oidc_login.access_tokens.challenge import described_settings, origin_of_site
from oidc_login.access_tokens.entries import bearer_entries


@require_safe
@cache_control(public=True, max_age=3600)
def metadata(request: HttpRequest, resource: str = "") -> HttpResponse:
    """Return the metadata of the resource at the path (RFC 9728 3.1); scripts of other sites may read it.

    `resource` must be exactly the identifier that the client started with, otherwise clients reject the metadata (3.3).
    """
    origin = origin_of_site(request)
    issuers = [issuer for entry in bearer_entries() for issuer in entry.provider.get_possible_issuers()[:1]]
    document = {
        "resource": f"{origin}/{escape_uri_path(resource)}" if resource else origin,
        "authorization_servers": list(dict.fromkeys(issuers)),
        "bearer_methods_supported": ["header"],
        **described_settings(),
    }
    return JsonResponse(document, headers={"Access-Control-Allow-Origin": "*"})


metadata.login_required = False  # type: ignore[attr-defined]  # read by Django's LoginRequiredMiddleware
