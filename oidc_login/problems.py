"""Error responses for programs: problem documents (RFC 9457) with the error code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, JsonResponse

from oidc_login.exceptions import OAuthError

CONTENT_TYPE: Final = "application/problem+json"


def wants_json(request: HttpRequest) -> bool:
    """Whether a program sent the request, so that a redirect to a page would not help."""
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return True
    if request.headers.get("Sec-Fetch-Dest") == "empty":
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def problem_response(error: OAuthError, *, status_code: int | None = None, **members: Any) -> JsonResponse:
    """Return the problem document of an error, with `code` and further members.

    `title` is the status phrase, as RFC 9457 4.2.1 requires for problems without their own type. `detail` is the
    message that a page would show. A cancelled sign-in has no page, so its status is 400. `status_code` overrides the
    status of the error.
    """
    status = HTTPStatus(max(status_code or error.status_code, HTTPStatus.BAD_REQUEST))
    document = {"title": status.phrase, "status": int(status), "code": error.code, "detail": str(error), **members}
    response = JsonResponse(document, status=status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Session"  # every 401 names an authentication scheme (RFC 9110 15.5.2)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response
