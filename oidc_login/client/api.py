"""Calls to a provider's API with a person's token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.client.base import Client
from oidc_login.client.errors import MissingTokenError, OAuthError, translate_errors
from oidc_login.protocol.http.api_session import TokenSession, TokenSource

TokenLike = Mapping[str, Any]


class ApiCalls(Client):
    """API calls. The caller stores the tokens; this class does not."""

    def get(self, url: str, **kwargs: Any) -> Any:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> Any:
        return self.request("POST", url, **kwargs)

    def put(self, url: str, **kwargs: Any) -> Any:
        return self.request("PUT", url, **kwargs)

    def patch(self, url: str, **kwargs: Any) -> Any:
        return self.request("PATCH", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> Any:
        return self.request("DELETE", url, **kwargs)

    @sensitive_variables()
    def request(
        self,
        method: str,
        url: str,
        token: TokenLike | None = None,
        *,
        request: HttpRequest | None = None,
        withhold_token: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Send a request with the access token and return a `requests.Response`.

        The token is `token`, or the result of `fetch_token` for `request`. A token that expires within a minute is
        refreshed first.
        """
        if kwargs.get("verify") is not None and not kwargs["verify"]:
            raise ImproperlyConfigured("verify would switch TLS off. Write the path of a private authority's file.")
        if withhold_token:
            kwargs["auth"] = unsigned
        if kwargs.get("auth") is None:
            token = self._token_for(token, request)
        with self._session(token or {}) as session:
            return session.request(method, self._absolute(url), **kwargs)

    @translate_errors()
    @sensitive_variables()
    def _session(self, token: TokenLike) -> TokenSession:
        session = self._provider().open_session(self._source(token), hosts=None)
        user_agent = self._option("user_agent")
        if user_agent:
            session.headers["User-Agent"] = user_agent
        return session

    def _source(self, token: TokenLike) -> TokenSource:
        """Return the token source for the session of one call."""
        raise NotImplementedError

    def _check_token(self, token: TokenLike) -> None:
        """Raise `OAuthError` if the token cannot be sent."""
        raise NotImplementedError

    def _token_for(self, token: TokenLike | None, request: HttpRequest | None) -> TokenLike:
        if token is None and request is not None and self._fetch_token is not None:
            token = self._fetch_token(request)
        if token is None:
            raise MissingTokenError(description="There is no token: give token=, or request= and a fetch_token")
        self._check_token(token)
        return token

    def _absolute(self, url: str) -> str:
        """Return the URL of a call: a path is relative to `api_base_url`."""
        base: str | None = self._option("api_base_url")
        if not base or url.startswith(("https://", "http://")):
            return url
        joined = urljoin(base, url)
        if urlsplit(joined)[:2] != urlsplit(base)[:2]:  # browsers treat "//elsewhere/" as an absolute URL
            raise OAuthError("invalid_request", "A relative URL leads away from api_base_url")
        return joined


def unsigned(prepared: Any) -> Any:
    """Send a request without a signature."""
    return prepared
