"""Django Ninja: authenticates API requests with access tokens from a provider (RFC 6750).

Install the extra `ninja`. `OIDC_LOGIN_BEARER_PROVIDERS` says who may issue tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.debug import sensitive_variables
from ninja.operation import PathView
from ninja.security.http import HttpAuthBase

from oidc_login.access_tokens import AccessToken
from oidc_login.access_tokens.challenge import BearerRefused
from oidc_login.access_tokens.requests import authenticate, bearer_token, demand
from oidc_login.backends import site_backend


class BearerAuth(HttpAuthBase):
    """Authenticates a request with an access token: `request.auth` is an `AccessToken`, and `request.user` its user.

    The arguments are the requirements of an operation. Ninja calls this in a thread for async operations.
    """

    openapi_scheme = "bearer"

    def __init__(
        self,
        scopes: str | Collection[str] = (),
        *,
        roles: str | Collection[str] = (),
        person: bool = False,
        acr_values: str | Collection[str] = (),
        max_age: int | None = None,
        providers: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.demand = demand(scopes, roles, person=person, acr_values=acr_values, max_age=max_age)
        self.providers = providers

    @sensitive_variables()
    def __call__(self, request: HttpRequest) -> AccessToken:
        raw = bearer_token(request.headers.get("Authorization", ""))
        if raw is None:
            raise BearerRefused(401)
        user, token = authenticate(request, raw, backend=site_backend(), providers=self.providers)
        self.demand.check(token)
        request.user = user  # type: ignore[assignment]  # of whatever model the site uses
        return token


def refuse(request: HttpRequest, refusal: Any) -> HttpResponse:
    """Return the response to a rejected request, in Ninja's error format, with the challenge."""
    detail = refusal.error or "Unauthorized"
    return JsonResponse({"detail": detail}, status=refusal.status, headers=refusal.headers(request))


def is_for_tokens(view: PathView) -> bool:
    """Whether every operation of a path requires a token."""
    wanted = [operation.auth_callbacks for operation in view.operations]
    return bool(wanted) and all(any(isinstance(one, BearerAuth) for one in callbacks) for callbacks in wanted)


def with_tokens(get_view: Callable[[PathView], Any]) -> Callable[[PathView], Any]:
    """Wrap Ninja's `get_view` for paths with `BearerAuth`.

    Ninja does not pass its API to an authentication class, and its errors have no headers. Django's
    LoginRequiredMiddleware would redirect programs to a page. Both can be solved where Ninja creates the view.
    """

    def wrapper(self: PathView) -> Any:
        view = get_view(self)
        for operation in self.operations:
            operation.api.add_exception_handler(BearerRefused, refuse)
        if is_for_tokens(self):
            view.login_required = False
        return view

    return wrapper


PathView.get_view = with_tokens(PathView.get_view)  # type: ignore[assignment, method-assign]  # see above
