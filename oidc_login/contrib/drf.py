"""Django REST framework: programs that call the site's API with an access token of a provider (RFC 6750).

Install the extra `drf`. Who may issue tokens is said by `OIDC_LOGIN_BEARER_PROVIDERS`.
"""

from __future__ import annotations

import logging
import re
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed, ParseError, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from oidc_login.access_tokens import AccessToken, judge, user_of
from oidc_login.backends import site_backend
from oidc_login.exceptions import OAuthError, ProviderUnavailable

logger = logging.getLogger("oidc_login")

REALM = "api"
MAX_TOKEN_LENGTH = 64 * 1024
B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class InvalidRequest(ParseError):
    """The header is no bearer token (RFC 6750 3.1)."""

    default_detail = _("The Authorization header is malformed.")
    default_code = "invalid_request"
    auth_header = f'Bearer realm="{REALM}", error="invalid_request"'


class InvalidToken(AuthenticationFailed):
    """The token opens nothing here (RFC 6750 3.1)."""

    default_detail = _("The access token is not valid here.")
    default_code = "invalid_token"


class InsufficientScope(PermissionDenied):
    """The token is a good one, and does not allow this (RFC 6750 3.1)."""

    default_detail = _("The access token does not allow this.")
    default_code = "insufficient_scope"

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.auth_header = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{" ".join(scopes)}"'


class NoAnswer(APIException):
    """The provider cannot be asked at the moment, which says nothing about the token."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The sign-in service is not responding. Please try again in a minute.")
    default_code = "provider_unavailable"

    def __init__(self, retry_after: int | None) -> None:
        super().__init__()
        self.wait = retry_after  # what REST framework turns into Retry-After


class BearerAuthentication(BaseAuthentication):
    """Signs a request in by an access token, as the person who connected that identity before.

    A JWT is verified here (RFC 9068), any other token by asking its provider (RFC 7662); the audience always
    counts. `request.auth` is then an `AccessToken`. A token signs nobody up and links nothing.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, AccessToken] | None:
        raw = bearer_token(request)
        if raw is None:
            return None
        try:
            token = judge(raw)
            return user_of(token, backend=site_backend()), token
        except ProviderUnavailable as error:
            note(error)
            raise NoAnswer(error.retry_after) from None
        except OAuthError as error:
            note(error)
            request.bearer_error = "invalid_token"
            raise InvalidToken from None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge; an error is named to whoever has sent a token (RFC 6750 3)."""
        error = getattr(request, "bearer_error", "")
        return f'Bearer realm="{REALM}"' + (f', error="{error}"' if error else "")


@sensitive_variables()
def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header (RFC 6750 2.1); `None` where there is no such header."""
    scheme, *rest = get_authorization_header(request).split() or [b""]
    if scheme.lower() != b"bearer":
        return None
    raw = rest[0].decode("latin-1") if len(rest) == 1 else ""
    if len(raw) > MAX_TOKEN_LENGTH or not B64TOKEN.fullmatch(raw):
        raise InvalidRequest
    return raw


def note(error: OAuthError) -> None:
    """Write the one record of a refusal: what was wrong, never a value."""
    level = logging.ERROR if error.status_code >= 500 else logging.INFO
    extra = {"code": error.code, "reason": error.reason}
    logger.log(level, "access token refused: %s (%s)", error.code, error.reason, extra=extra)


class HasScopes(BasePermission):
    """Lets a request in whose access token allows all `required_scopes`; without a token nobody."""

    required_scopes: ClassVar[tuple[str, ...]] = ()

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, AccessToken):
            return False
        if not request.auth.scopes.issuperset(self.required_scopes):
            raise InsufficientScope(*self.required_scopes)
        return True


def has_scopes(*scopes: str) -> type[HasScopes]:
    """Return the permission class that asks an access token for all of these."""
    return type("HasScopes", (HasScopes,), {"required_scopes": scopes})
