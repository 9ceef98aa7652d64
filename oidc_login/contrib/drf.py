"""Django REST framework: authenticates API requests with access tokens from a provider (RFC 6750).

Install the extra `drf`. `OIDC_LOGIN_BEARER_PROVIDERS` says who may issue tokens.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed, ParseError, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

from oidc_login.access_tokens import AccessToken
from oidc_login.access_tokens import requests as bearer
from oidc_login.access_tokens.challenge import BearerRefused, challenge
from oidc_login.access_tokens.requests import Demand, demand
from oidc_login.backends import site_backend

if find_spec("drf_spectacular"):  # it has no discovery of its own: extensions register themselves when imported
    from oidc_login.contrib import spectacular  # noqa: F401


class InvalidRequest(ParseError):
    """The header does not contain a bearer token (RFC 6750 3.1)."""

    default_detail = _("The Authorization header is malformed.")
    default_code = "invalid_request"


class InvalidToken(AuthenticationFailed):
    """The token is not valid here (RFC 6750 3.1)."""

    default_detail = _("This access token is not valid for this site.")
    default_code = "invalid_token"


class InsufficientScope(PermissionDenied):
    """The token is valid but does not allow this request (RFC 6750 3.1)."""

    default_detail = _("The access token does not allow this request.")
    default_code = "insufficient_scope"


class InsufficientAuthentication(APIException):
    """The person has to sign in again, or more securely (RFC 9470 3)."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = _("This request needs a stronger or more recent sign-in.")
    default_code = "insufficient_user_authentication"


class NoAnswer(APIException):
    """The provider or a store of the site cannot be asked at the moment, which says nothing about the token."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE


EXCEPTIONS: dict[str, type[APIException]] = {
    "invalid_request": InvalidRequest,
    "invalid_token": InvalidToken,
    "insufficient_scope": InsufficientScope,
    "insufficient_user_authentication": InsufficientAuthentication,
}


def exception_of(refusal: BearerRefused, request: Request) -> APIException:
    """Return REST framework's exception for a refusal, with its headers."""
    if refusal.fault is not None:
        error: APIException = NoAnswer(str(refusal.fault), refusal.fault.code)
        error.wait = refusal.fault.retry_after  # what REST framework turns into Retry-After
        return error
    error = EXCEPTIONS[refusal.error]()
    error.auth_header = challenge(request._request, refusal.error, **refusal.parameters)
    request.bearer_error = refusal.error
    return error


class BearerAuthentication(BaseAuthentication):
    """Authenticates a request with an access token. `request.auth` is then an `AccessToken`.

    A subclass can restrict the accepted keys with `providers`.
    """

    providers: ClassVar[Collection[str]] = ()

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, AccessToken] | None:
        try:
            raw = bearer_token(request)
            if raw is None:
                return None
            return bearer.authenticate(request._request, raw, backend=site_backend(), providers=self.providers)
        except BearerRefused as refusal:
            raise exception_of(refusal, request) from None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge; it only contains the error if a token was sent (RFC 6750 3)."""
        return challenge(request._request, getattr(request, "bearer_error", ""))


@sensitive_variables()
def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header (RFC 6750 2.1), or `None` if there is no such header."""
    return bearer.bearer_token(get_authorization_header(request).decode("latin-1"))


class TokenPermission(BasePermission):
    """Allows requests whose access token meets the requirements, and none without a token."""

    demand: ClassVar[Demand] = Demand()

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, AccessToken):
            return False
        try:
            self.demand.check(request.auth)
        except BearerRefused as refusal:
            raise exception_of(refusal, request) from None
        return True


def permission(name: str, wanted: Demand) -> type[TokenPermission]:
    return type(name, (TokenPermission,), {"demand": wanted})


def has_scopes(*scopes: str) -> type[TokenPermission]:
    """Return a permission class that requires all of these scopes."""
    return permission("HasScopes", demand(scopes))


def has_roles(*roles: str) -> type[TokenPermission]:
    """Return a permission class that requires all of these roles."""
    return permission("HasRoles", demand(roles=roles))


def requires_authentication(*, acr_values: str | Collection[str] = (), max_age: int | None = None) -> Any:
    """Return a permission class that requires a sufficiently strong and recent sign-in (RFC 9470)."""
    return permission("RequiresAuthentication", demand(person=True, acr_values=acr_values, max_age=max_age))


class is_person(TokenPermission):  # noqa: N801  # beside the functions above
    """Allows people, but not clients that act for themselves."""

    demand = Demand(person=True)


class ClientRateThrottle(UserRateThrottle):
    """Limits the requests of each client that tokens were issued to, and of each user without a token."""

    scope = "client"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        token = request.auth
        if not isinstance(token, AccessToken) or not token.client_id:
            return super().get_cache_key(request, view)  # type: ignore[no-any-return]  # no types
        ident = f"{token.provider_key}:{token.client_id}"
        return str(self.cache_format % {"scope": self.scope, "ident": ident})
