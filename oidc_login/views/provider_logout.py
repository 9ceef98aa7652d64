"""Where a provider reports a logout: by a request of its own, or through the person's browser.

Neither needs the browser's session: the sessions that end are found by the provider's names for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import classonlymethod
from django.views import View
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import OAuthError, ParameterInvalid, ProviderUnknown
from oidc_login.faults import seen_as
from oidc_login.protocol.http.client import time_budget
from oidc_login.protocol.id_token import is_subject
from oidc_login.protocol.jose import MAX_TOKEN_LENGTH
from oidc_login.providers.base import OAuthProvider
from oidc_login.redaction import hide_parameters, hide_variables
from oidc_login.registry import get_provider
from oidc_login.sessions import logout
from oidc_login.views.base import is_prefetch, outside_transactions

logger = logging.getLogger("oidc_login")

FORM = "application/x-www-form-urlencoded"
MAX_BODY = 2 * MAX_TOKEN_LENGTH  # an encrypted token is longer than its content
# The token needs no escapes. Other parameters are ignored (Back-Channel Logout 2.5), but take time to parse.
MAX_PARAMETERS, MAX_ESCAPES = 21, 1000
TIME_FOR_DOCUMENTS = 5  # seconds, for the provider's metadata and keys


class ProviderLogoutView(View):
    """What both views share: their responses are never cached, and their failures have no page."""

    provider: OAuthProvider | None = None

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        return outside_transactions(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        hide_variables(request)
        try:
            with time_budget(TIME_FOR_DOCUMENTS):
                response = super().dispatch(request, *args, **kwargs)
        except Exception as error:
            if (seen := seen_as(error)) is None:
                raise
            response = self.refused(seen)
        response["Cache-Control"] = "no-store"
        return response

    def refused(self, error: OAuthError) -> HttpResponse:
        """Respond 400, also if a logout failed for a reason of ours (Back-Channel Logout 2.8)."""
        provider_key = self.provider.key if self.provider else ""
        extra = {"provider": provider_key, "code": error.code, "reason": error.reason}
        logger.warning("logout refused: %s (%s) provider=%s", error.code, error.reason, provider_key, extra=extra)
        status = 404 if isinstance(error, ProviderUnknown) else 400
        return JsonResponse({"error": "invalid_request"}, status=status)


class BackChannelLogoutView(ProviderLogoutView):
    """Accepts a logout token (Back-Channel Logout 2.5). 200 also means that there was nothing to end."""

    http_method_names = ["post"]

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = configured = get_provider(provider)
        raw = read_logout_token(request)
        logout.end_named_sessions(configured, configured.verify_logout_token(raw))
        return HttpResponse()


class FrontChannelLogoutView(ProviderLogoutView):
    """Accepts `iss` and `sid` from a frame of the provider's page (Front-Channel Logout 2).

    Anyone can make a browser request this URL, so the request must name the session: only those who took part in it
    know its `sid`. Without one nobody is signed out, with any cookies.
    """

    http_method_names = ["get"]

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        if is_prefetch(request):
            return HttpResponse(status=503)
        self.provider = configured = get_provider(provider)
        issuer, sid = single(request, "iss"), single(request, "sid")
        if issuer not in configured.get_logout_issuers():
            raise ParameterInvalid("iss")
        if not is_subject(sid):
            raise ParameterInvalid("sid")
        logout.end_sessions(provider, configured.get_identity_issuer({"iss": issuer}), subject="", sid=sid)
        return framed(configured)


@sensitive_variables()
def read_logout_token(request: HttpRequest) -> str:
    """Return the one `logout_token` of a form. A body that is too long is not read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.content_type != FORM or not length.isdecimal() or int(length) > MAX_BODY:
        raise ParameterInvalid("body")
    if request.body.count(b"&") >= MAX_PARAMETERS or request.body.count(b"%") > MAX_ESCAPES:
        raise ParameterInvalid("body")
    try:
        found = request.POST.getlist("logout_token")
    except (SuspiciousOperation, BadRequest) as error:  # too many parameters, or not in UTF-8
        raise ParameterInvalid("body") from error
    hide_parameters(request)
    if len(found) != 1:
        raise ParameterInvalid("logout_token")
    return found[0]


def single(request: HttpRequest, name: str) -> str:
    """Return the one value of a parameter, or raise `ParameterInvalid`."""
    found = request.GET.getlist(name)
    if len(found) != 1:
        raise ParameterInvalid(name)
    return found[0]


def framed(provider: OAuthProvider) -> HttpResponse:
    """Return an empty page that only the provider may put into a frame."""
    response = HttpResponse("<!doctype html><title></title>")
    ancestors = " ".join(provider.get_page_origins()) or "'none'"
    response["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors {ancestors}"
    return response
