"""What a site's own provider class makes of answers it did not expect, judged as those of the shipped ones are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oidc_login.protocol.errors import ProviderUnavailable, TokenResponseInvalid
from oidc_login.protocol.http.client import HTTPClientError
from oidc_login.providers.base import OAuthProvider


@contextmanager
def http_answers() -> Iterator[None]:
    """Judge what a site's own requests end in, by provider class or hook."""
    try:
        yield
    except HTTPClientError as error:
        response = getattr(error, "response", None)
        if response is None or response.status_code == 429 or response.status_code >= 500:
            raise ProviderUnavailable(type(error).__name__) from None
        raise TokenResponseInvalid(type(error).__name__) from None


@contextmanager
def answers_of(provider: OAuthProvider) -> Iterator[None]:
    """Judge what a site's own provider class makes of answers it did not expect, as those of ours are judged.

    Its exceptions may quote the answer, so their kind alone is told.
    """
    try:
        with http_answers():
            yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if type(provider).__module__.startswith("oidc_login."):
            raise
        raise TokenResponseInvalid(type(error).__name__) from None
