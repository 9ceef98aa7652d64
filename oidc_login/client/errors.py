"""The errors of a client, with Authlib's attributes `error` and `description`; both are safe to show and to log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from oidc_login import exceptions
from oidc_login.exceptions import as_oauth_error
from oidc_login.flow.memory import discard_flow
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.redaction import hide_parameters, hide_variables

# Attributes for a site's own error page; neither code nor state.
HARMLESS_PARAMETERS = ("error", "error_description", "error_uri")

# Reasons for rejecting an ID token that have a name in this API; all others become "invalid_token".
CLAIM_ERRORS = {
    "exp": "expired_token",
    **dict.fromkeys(("iss", "sub", "aud", "azp", "nonce", "at_hash", "auth_time"), "invalid_claim"),
}

STATE_ERRORS = (
    exceptions.StateMissing,
    exceptions.StateUnknown,
    exceptions.StateExpired,
    exceptions.StateUsed,
    exceptions.ProviderMismatch,
)


class OAuthError(exceptions.OAuthError):
    """A flow, a token or a call that cannot continue.

    If nothing catches it, Django responds with status 400, as to any suspicious request. If it stands for another error
    of the package, it has that error's `code`, `reason`, `status_code` and `retry_after`.
    """

    error: str = "oauth_error"
    description: str = ""

    def __init__(
        self,
        error: str | None = None,
        description: str | None = None,
        uri: str | None = None,
        *,
        seen: exceptions.OAuthError | None = None,
    ) -> None:
        self.error = error or self.error
        self.description = self.description if description is None else description
        self.uri = uri
        super().__init__(self.error)
        if seen is not None:
            self.reason, self.retry_after = seen.reason or seen.code, seen.retry_after
            vars(self).update(code=seen.code, status_code=seen.status_code)

    def __str__(self) -> str:
        return f"{self.error}: {self.description}"


class MismatchingStateError(OAuthError):
    error = "mismatching_state"
    description = "CSRF Warning! State not equal in request and response."


class MissingRequestTokenError(OAuthError):
    error = "missing_request_token"


class MissingTokenError(OAuthError):
    error = "missing_token"


class InvalidTokenError(OAuthError):
    error = "token_invalid"


class UnsupportedTokenTypeError(OAuthError):
    error = "unsupported_token_type"


@contextmanager
def translate_errors(request: HttpRequest | None = None) -> Iterator[None]:
    """Translate errors inside into those of this API, within one time budget.

    Afterwards, error reports about `request` contain no secrets.
    """
    try:
        with time_budget(MAX_TIMEOUT):
            yield
    except (exceptions.OAuthError, protocol.ProtocolError) as error:
        if request is not None:
            django_request = getattr(request, "_request", request)  # Django REST framework wraps the request
            discard_flow(django_request)
            hide_variables(django_request)
            hide_parameters(django_request, keep=HARMLESS_PARAMETERS)
        if isinstance(error, OAuthError):
            raise
        raise as_client_error(error) from error


def as_client_error(error: exceptions.OAuthError | protocol.ProtocolError) -> OAuthError:
    """Return the error of this API for one of the package, without the provider's own text."""
    seen = as_oauth_error(error)
    if isinstance(error, STATE_ERRORS):
        return MismatchingStateError(seen=seen)
    if isinstance(error, protocol.InvalidIDToken):
        name = CLAIM_ERRORS.get(error.reason, "invalid_token")
        return OAuthError(name, f'Invalid "{error.reason}" in the ID token', seen=seen)
    if isinstance(error, (protocol.AuthorizationErrorResponse, protocol.TokenErrorResponse)):
        return OAuthError(error.reason, str(seen.message), seen=seen)
    if isinstance(seen, exceptions.ProviderUnavailable):
        return OAuthError("temporarily_unavailable", str(seen.message), seen=seen)
    return OAuthError(seen.code, str(seen.message), seen=seen)
