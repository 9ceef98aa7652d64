"""A request with an access token, for every framework: from its header to the user, and the requirements of a view."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.accounts import account_of
from oidc_login.access_tokens.app_tokens import as_access_token, is_app_token, judge_app_token
from oidc_login.access_tokens.challenge import BearerRefused
from oidc_login.access_tokens.judging import judge
from oidc_login.access_tokens.values import AccessToken
from oidc_login.exceptions import AccessTokenInvalid, OAuthError, ProviderUnavailable
from oidc_login.faults import site_fault
from oidc_login.protocol.id_token import auth_time_of
from oidc_login.signin.values import Backend

logger = logging.getLogger("oidc_login")

MAX_TOKEN_LENGTH = 64 * 1024
B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
LEEWAY = 30  # seconds of clock skew


@sensitive_variables()
def bearer_token(header: str) -> str | None:
    """Return the token of an Authorization header (RFC 6750 2.1), or `None` for another scheme."""
    scheme, *rest = header.split() or [""]
    if scheme.lower() != "bearer":
        return None
    raw = rest[0] if len(rest) == 1 else ""
    if len(raw) > MAX_TOKEN_LENGTH or not B64TOKEN.fullmatch(raw):
        raise BearerRefused(400, "invalid_request")
    return raw


@sensitive_variables()
def authenticate(
    request: HttpRequest, raw: str, *, backend: Backend, providers: Collection[str] = ()
) -> tuple[AbstractBaseUser, AccessToken]:
    """Return the user and the token of a request, or raise `BearerRefused`. Does not use the session."""
    try:
        if is_app_token(raw):
            return user_of_app(raw, request=request, backend=backend, providers=providers)
        token, entry = judge(raw, providers=providers)
        return account_of(token, entry, raw=raw, request=request, backend=backend)
    except OAuthError as error:
        raise refused(error) from None
    except Exception as error:
        fault = site_fault(error)
        if fault is None:  # a mistake in code
            raise
        raise refused(fault) from None


@sensitive_variables()
def user_of_app(
    raw: str, *, request: HttpRequest, backend: Backend, providers: Collection[str]
) -> tuple[AbstractBaseUser, AccessToken]:
    """Return whose app token it is. A view that names its providers accepts those of sign-ins through them."""
    _row, connection = judge_app_token(raw, request=request, backend=backend)
    if providers and connection.provider_key not in providers:
        raise AccessTokenInvalid("provider")
    return connection.user, as_access_token(connection)


def refused(error: OAuthError) -> BearerRefused:
    """Return what the client is told: that the token opens nothing, or that nobody can tell now."""
    log_refusal(error)
    if isinstance(error, ProviderUnavailable):
        return BearerRefused(503, fault=error)
    return BearerRefused(401, "invalid_token")


def log_refusal(error: OAuthError) -> None:
    """Log a rejected token once: what was wrong, never a value."""
    level = logging.ERROR if error.status_code >= 500 else logging.INFO
    extra = {"code": error.code, "reason": error.reason}
    logger.log(level, "access token refused: %s (%s)", error.code, error.reason, extra=extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a view requires of a token: scopes, roles, a person, and how the person signed in.

    `max_age` is in seconds, and one of `acr_values` must be met (RFC 9470).
    """

    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    person: bool = False
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None

    def check(self, token: AccessToken) -> None:
        """Raise `BearerRefused` unless the token meets all requirements."""
        if not token.scopes.issuperset(self.scopes):
            raise BearerRefused(403, "insufficient_scope", scope=" ".join(self.scopes))
        if not token.roles.issuperset(self.roles) or (self.person and token.is_application):
            raise BearerRefused(403, "insufficient_scope")
        if not self.is_met_by_sign_in(token):
            raise BearerRefused(401, "insufficient_user_authentication", **self.wanted_sign_in())

    def is_met_by_sign_in(self, token: AccessToken) -> bool:
        """Whether the person signed in strongly and recently enough; missing claims do not count."""
        if self.acr_values and token.claims.get("acr") not in self.acr_values:
            return False
        signed_in_at = auth_time_of(token.claims)
        if self.max_age is None:
            return True
        now = time.time()
        return signed_in_at is not None and now - self.max_age - LEEWAY <= signed_in_at <= now + LEEWAY

    def wanted_sign_in(self) -> dict[str, Any]:
        """Return the parameters for the new sign-in that the client has to start (RFC 9470 3)."""
        acr_values = {"acr_values": " ".join(self.acr_values)} if self.acr_values else {}
        return {**acr_values, **({} if self.max_age is None else {"max_age": self.max_age})}


def as_texts(value: str | Collection[str]) -> tuple[str, ...]:
    """Return a list of names from a string with spaces or a list of strings."""
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def demand(
    scopes: str | Collection[str] = (),
    roles: str | Collection[str] = (),
    *,
    person: bool = False,
    acr_values: str | Collection[str] = (),
    max_age: int | None = None,
) -> Demand:
    """Return the requirements of a view, from the arguments of a decorator."""
    return Demand(
        scopes=as_texts(scopes),
        roles=(roles,) if isinstance(roles, str) else tuple(roles),  # names of roles may contain spaces
        person=person,
        acr_values=as_texts(acr_values),
        max_age=max_age,
    )
