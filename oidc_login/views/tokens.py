"""Responses of plain views to access tokens that are rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.challenge import BearerRefused
from oidc_login.access_tokens.requests import authenticate, bearer_token, demand
from oidc_login.backends import site_backend


def token_gate(
    scopes: str | Iterable[str],
    *,
    roles: str | Iterable[str],
    person: bool,
    acr_values: str | Iterable[str],
    max_age: int | None,
    providers: Iterable[str],
) -> Callable[[HttpRequest], HttpResponse | None]:
    """Return a function that responds instead of the view unless a token meets the requirements."""
    wanted = demand(
        tuple_or_text(scopes),
        tuple_or_text(roles),
        person=person,
        acr_values=tuple_or_text(acr_values),
        max_age=max_age,
    )
    keys = tuple(providers)

    @sensitive_variables()
    def gate(request: HttpRequest) -> HttpResponse | None:
        try:
            raw = bearer_token(request.headers.get("Authorization", ""))
            if raw is None:
                raise BearerRefused(401)
            user, token = authenticate(request, raw, backend=site_backend(), providers=keys)
            wanted.check(token)
        except BearerRefused as refusal:
            return refuse(request, refusal)
        request.user = user  # type: ignore[assignment]  # of whatever model the site uses
        request.auth = token  # type: ignore[attr-defined]  # as REST framework calls it
        return None

    return gate


def tuple_or_text(value: str | Iterable[str]) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)


def refuse(request: HttpRequest, refusal: BearerRefused) -> HttpResponse:
    """Return the response to a rejected request, with its challenge."""
    document = {"error": refusal.error} if refusal.error else {}
    return JsonResponse(document, status=refusal.status, headers=refusal.headers(request))
