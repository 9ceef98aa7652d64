"""Translates errors of a site's own provider class or hook into protocol errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oidc_login.protocol.errors import ProviderUnavailable, TokenResponseInvalid
from oidc_login.protocol.http.client import HTTPClientError
from oidc_login.providers.base import OAuthProvider


@contextmanager
def http_answers() -> Iterator[None]:
    """Translate HTTP errors of requests that a site's own provider class or hook makes."""
    try:
        yield
    except HTTPClientError as error:
        response = getattr(error, "response", None)
        if response is None or response.status_code == 429 or response.status_code >= 500:
            raise ProviderUnavailable(type(error).__name__) from None
        raise TokenResponseInvalid(type(error).__name__) from None


@contextmanager
def answers_of(provider: OAuthProvider) -> Iterator[None]:
    """Translate errors of a site's own provider class, so that its bad responses look like those of shipped providers.

    Only the type of the exception is kept, because its message may quote the response.
    """
    try:
        with http_answers():
            yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if type(provider).__module__.startswith("oidc_login."):
            raise
        raise TokenResponseInvalid(type(error).__name__) from None
