"""What an OpenID provider says besides sign-ins: access tokens that programs show us, and who has signed out."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.access_token import introspection_request, read_introspection, verify_access_token
from oidc_login.protocol.authorization import authorization_url
from oidc_login.protocol.errors import InvalidAccessToken, MetadataInvalid, ProviderUnavailable, UnknownKey
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.logout_token import LogoutToken, verify_logout_token
from oidc_login.providers.base import OAuthToken
from oidc_login.providers.documented import DocumentedProvider

MAX_HINT_LENGTH = 2048  # a URL that is much longer does not arrive everywhere
PAUSE = 5  # seconds


class BackChannelProvider(DocumentedProvider):
    """A provider that issues access tokens for APIs, and that people sign out at."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._spared_until = 0.0

    # Access tokens that others send.

    @sensitive_variables()
    def verify_access_token(self, raw: str, *, audiences: Collection[str]) -> dict[str, Any]:
        """Return the claims of a JWT access token of this provider for one of the audiences (RFC 9068 4)."""
        issuers = self.get_accepted_issuers()

        def verify(keys: KeySet) -> dict[str, Any]:
            return verify_access_token(
                raw,
                keys=keys,
                algorithms=self.get_signing_algorithms(),
                issuers=issuers,
                audiences=audiences,
                now=time.time(),
                leeway=self.leeway,
            )

        try:
            return self._with_keys(verify)
        except UnknownKey as error:
            raise InvalidAccessToken(error.reason) from error

    @sensitive_variables()
    def introspect_token(self, raw: str) -> dict[str, Any]:
        """Return what the provider says of a token (RFC 7662 2.2), which is still to be judged."""
        if not self.metadata.introspection_endpoint:
            raise InvalidAccessToken("introspection_endpoint")
        now = time.time()
        request = introspection_request(
            self.metadata.introspection_endpoint,
            raw,
            authentication=self.authenticate_client(self.get_client_secrets()[self._first_secret], now=now),
        )
        return read_introspection(self.transport.send(request), now=now)

    # Signing out.

    def get_end_session_url(self, *, id_token_hint: str, post_logout_redirect_uri: str, state: str) -> str:
        """Return where the browser ends the session at the provider (RP-Initiated Logout 2); "" where it cannot."""
        endpoint = self.metadata.end_session_endpoint
        parameters = {
            "id_token_hint": id_token_hint,
            "client_id": self.client_id,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
        }
        return authorization_url(endpoint, parameters) if endpoint else ""

    @sensitive_variables()
    def get_id_token_hint(self, oauth_token: OAuthToken) -> str:
        """Return the ID token, decrypted as it has to be for this; "" where it is of no use or too long for a URL."""
        if not self.metadata.end_session_endpoint:
            return ""
        hint = self._decrypted(oauth_token.id_token)
        return hint if len(hint) <= MAX_HINT_LENGTH else ""

    @sensitive_variables()
    def verify_logout_token(self, raw: str) -> LogoutToken:
        """Return the logout token after all rules of Back-Channel Logout 2.6, but for its use before."""

        def verify(keys: KeySet) -> LogoutToken:
            return verify_logout_token(
                signed,
                keys=keys,
                algorithms=self.get_signing_algorithms(),
                issuers=self.get_logout_issuers(),
                client_id=self.client_id,
                now=time.time(),
                leeway=self.leeway,
            )

        signed = self._decrypted(raw)
        with self._spared():
            return self._with_keys(verify)

    def get_logout_issuers(self) -> tuple[str, ...]:
        with self._spared():
            return self.get_accepted_issuers()

    def get_page_origins(self) -> tuple[str, ...]:
        metadata = self.metadata
        pages = (metadata.issuer, metadata.authorization_endpoint, metadata.end_session_endpoint)
        return tuple(dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in pages if url))

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """Ask the provider no more for a while whose documents could not be had: anybody may post a logout token."""
        if time.time() < self._spared_until:
            raise ProviderUnavailable("documents")
        try:
            yield
        except (ProviderUnavailable, MetadataInvalid):
            self._spared_until = time.time() + PAUSE
            raise
