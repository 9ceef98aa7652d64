"""Translates all protocol errors into the errors that people see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oidc_login.exceptions.base import OAuthError
from oidc_login.exceptions.faults import (
    ClientRefused,
    IDTokenInvalid,
    MetadataInvalid,
    ProviderUnavailable,
    TokenResponseInvalid,
    UserInfoInvalid,
)
from oidc_login.exceptions.sign_in import (
    AccessTokenInvalid,
    Cancelled,
    CodeRefused,
    IssuerMismatch,
    ParameterInvalid,
    ProviderError,
)
from oidc_login.protocol import errors as protocol

CANCELLING_ERRORS = ("access_denied", "login_required", "interaction_required", "consent_required")
UNAVAILABLE_ERRORS = ("temporarily_unavailable", "server_error")
CODE_ERRORS = ("invalid_grant", "bad_verification_code")
REFRESH_ERRORS = ("invalid_grant", "bad_refresh_token")  # the latter is GitHub's
CLIENT_ERRORS = ("invalid_client", "unauthorized_client", "incorrect_client_credentials")


@contextmanager
def translated() -> Iterator[None]:
    """Translate protocol errors in this block into the errors that people see."""
    try:
        yield
    except protocol.ProtocolError as error:
        raise as_oauth_error(error) from error


def as_oauth_error(error: OAuthError | protocol.ProtocolError) -> OAuthError:
    """Return the error that people see for a protocol error, with its evidence."""
    if isinstance(error, OAuthError):
        return error
    seen = _seen_as(error)
    seen.evidence = error.evidence
    return seen


def _seen_as(error: protocol.ProtocolError) -> OAuthError:
    if isinstance(error, protocol.AuthorizationErrorResponse):
        return _from_authorization_error(error.reason)
    if isinstance(error, protocol.TokenErrorResponse):
        return _from_token_error(error.reason)
    if isinstance(error, protocol.ProviderUnavailable):
        return ProviderUnavailable(error.reason, retry_after=error.retry_after)
    for kind, seen_as in _SEEN_AS.items():
        if isinstance(error, kind):
            return seen_as(error.reason)
    return TokenResponseInvalid(error.reason)


def _from_authorization_error(code: str) -> OAuthError:
    if code in CANCELLING_ERRORS:
        return Cancelled(code)
    if code in UNAVAILABLE_ERRORS:
        return ProviderUnavailable(code)
    return ProviderError(code)


def _from_token_error(code: str) -> OAuthError:
    if code in CODE_ERRORS:
        return CodeRefused(code)
    if code in CLIENT_ERRORS:
        return ClientRefused(code)
    if code in UNAVAILABLE_ERRORS:
        return ProviderUnavailable(code)
    return TokenResponseInvalid(code)


_SEEN_AS: dict[type[protocol.ProtocolError], type[OAuthError]] = {
    protocol.InvalidIDToken: IDTokenInvalid,
    protocol.InvalidAccessToken: AccessTokenInvalid,
    protocol.UserInfoInvalid: UserInfoInvalid,
    protocol.ClientMisconfigured: ClientRefused,
    protocol.MetadataInvalid: MetadataInvalid,
    protocol.AuthorizationResponseInvalid: ParameterInvalid,
    protocol.IssuerMismatch: IssuerMismatch,
}
