"""Native sign-in: issues a nonce, then exchanges an SDK's ID token for a session or an app token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import settings
from oidc_login.contrib.headless import app_tokens
from oidc_login.contrib.headless.body import members_of, text_member
from oidc_login.contrib.headless.csrf import check_csrf
from oidc_login.contrib.headless.errors import FieldInvalid
from oidc_login.contrib.headless.native import native_provider, sign_in_with_id_token
from oidc_login.contrib.headless.nonces import lifetime, new_nonce
from oidc_login.contrib.headless.schema import (
    MOMENT,
    SECONDS,
    TEXT,
    TEXT_OR_NULL,
    USER,
    Operation,
    a_body,
    an_object,
)
from oidc_login.contrib.headless.views.base import Endpoint, SignInEndpoint
from oidc_login.contrib.headless.views.people import described_session, described_user
from oidc_login.exceptions import NotSignedIn
from oidc_login.protocol.id_token import is_subject
from oidc_login.sessions.establish import SessionChange
from oidc_login.signin.values import SignedIn

SESSION = an_object(user=USER, provider=TEXT_OR_NULL, expires_at=MOMENT)
NAME = {"type": ["object", "string", "null"], "properties": {"name": TEXT, "given_name": TEXT, "family_name": TEXT}}
NEXT_APP_TOKEN = an_object(app_token=TEXT, token_type=TEXT, expires_in=SECONDS)
APP_TOKEN = an_object(app_token=TEXT, token_type=TEXT, expires_in=SECONDS, user=USER, provider=TEXT)


class NonceEndpoint(Endpoint):
    """Issues a nonce that an app passes to its SDK."""

    http_method_names = ["post", "options"]
    operations: ClassVar[Any] = {
        "post": Operation(
            summary="Make a nonce for one native sign-in",
            answers={200: an_object(nonce=TEXT, expires_in=SECONDS)},
            errors=(404, 503),
        )
    }

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        native_provider(provider)
        return JsonResponse({"nonce": new_nonce(provider), "expires_in": lifetime()})


class TokenEndpoint(SignInEndpoint):
    """Exchanges an ID token for a session or an app token, or an app token for the next one.

    A session requires a CSRF token, because browsers send cookies automatically. An app token does not.
    """

    http_method_names = ["post", "options"]
    operations: ClassVar[Any] = {
        "post": Operation(
            summary="Exchange an ID token of a phone's SDK for a session or an app token, or an app token for the next",
            body=a_body(
                "id_token", "nonce", id_token=TEXT, nonce=TEXT, access_token=TEXT, code=TEXT, name=NAME, result=TEXT
            ),
            answers={200: {"oneOf": [SESSION, APP_TOKEN, NEXT_APP_TOKEN]}},
            errors=(400, 401, 403, 404, 409, 413, 502, 503),
            takes_app_token=True,
            needs_csrf_token=True,
        )
    }

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponseBase:
        if token := app_tokens.sent_token(request):
            return rotated(token)
        members = members_of(request)
        self.provider = native_provider(provider)
        wants_app_token = wanted_result(members) == "app_token"
        if not wants_app_token and (refusal := check_csrf(request)) is not None:
            return refusal
        sign_in = partial(sign_in_with_id_token, request, self.provider, members)
        return with_app_token(request, sign_in) if wants_app_token else with_session(request, sign_in)


def wanted_result(members: Mapping[str, Any]) -> str:
    """Return "session" or "app_token"; app tokens require `OIDC_LOGIN_APP_SESSIONS`."""
    wanted = text_member(members, "result") or ("app_token" if settings.APP_SESSIONS else "session")
    if wanted not in ("session", "app_token") or (wanted == "app_token" and not settings.APP_SESSIONS):
        raise FieldInvalid("result")
    return wanted


@sensitive_variables()
def with_session(request: HttpRequest, sign_in: Any) -> HttpResponse:
    change = SessionChange(request, begun_at=time.time())
    with change.restored_on_failure():
        sign_in(establish=change.establish)
        change.settle()
    return JsonResponse(described_session(request))


@sensitive_variables()
def with_app_token(request: HttpRequest, sign_in: Any) -> HttpResponse:
    tokens: list[str] = []
    session, request.session = request.session, type(request.session)()  # an app token sets no cookie

    def establish(signed_in: SignedIn) -> None:
        sid = signed_in.id_claims.get("sid")
        sid = str(sid) if is_subject(sid) else ""
        tokens.append(app_tokens.begin_app_session(request, signed_in.connection, sid=sid))

    try:
        signed_in = sign_in(establish=establish)
    finally:
        request.session = session
    return answer_with(tokens[0], user=described_user(signed_in.user), provider=signed_in.provider.key)


def rotated(token: str) -> HttpResponse:
    """Respond with the next token of an app session; the sent token is no longer valid."""
    next_token = app_tokens.rotate_app_token(token) if settings.APP_SESSIONS else None
    if next_token is None:
        raise NotSignedIn("app_token")
    return answer_with(next_token)


def answer_with(token: str, **members: Any) -> HttpResponse:
    seconds = int(app_tokens.lifetime().total_seconds())
    return JsonResponse({"app_token": token, "token_type": "Bearer", "expires_in": seconds, **members})
