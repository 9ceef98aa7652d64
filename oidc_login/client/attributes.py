"""What a client says of itself: the values that it was registered with, and the provider's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.client.base import Client
from oidc_login.client.options import METADATA
from oidc_login.client.registration import ALIASES, ENDPOINTS


class Attributes(Client):
    """The attributes of a client. Reading one sends no request."""

    @property
    def client_id(self) -> str | None:
        """What the provider calls the site, `None` where nobody has written it yet."""
        found: str | None = self._registration.credentials().get("client_id")
        return found

    @property
    def client_secret(self) -> Any:
        return self._registration.credentials().get("client_secret")

    @property
    def client_kwargs(self) -> dict[str, Any]:
        return dict(self._option("client_kwargs") or {})

    @property
    def api_base_url(self) -> str | None:
        return self._text("api_base_url")

    @property
    def authorize_url(self) -> str | None:
        return self._text("authorize_url")

    @property
    def authorize_params(self) -> Mapping[str, Any] | None:
        return self._parameters("authorize_params")

    @property
    def access_token_url(self) -> str | None:
        return self._text("access_token_url")

    @property
    def access_token_params(self) -> Mapping[str, Any] | None:
        return self._parameters("access_token_params")

    @property
    def request_token_url(self) -> str | None:
        return self._text("request_token_url")

    @property
    def request_token_params(self) -> Mapping[str, Any] | None:
        return self._parameters("request_token_params")

    @property
    def refresh_token_url(self) -> str | None:
        return self._text("refresh_token_url")

    @property
    def refresh_token_params(self) -> Mapping[str, Any] | None:
        return self._parameters("refresh_token_params")

    def _text(self, name: str) -> str | None:
        found: str | None = self._option(name)
        return found

    def _parameters(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._option(name)
        return found

    @property
    def server_metadata(self) -> dict[str, Any]:
        """The registered metadata; after `load_server_metadata()` or a flow also what the provider publishes."""
        options = self._registration.options()
        registered = {name: options[name] for name in METADATA if name in options}
        aliases = {ALIASES[name]: options[name] for name in ALIASES if name in options}
        return {**self._published(), **self._registration.further, **aliases, **registered}

    def _published(self) -> dict[str, Any]:
        """Return all members of the provider's document, if it has been read."""
        provider = self._registration.made_provider()
        if provider is None:
            return {}
        if provider.has_id_token:
            return published_members(provider)
        found = {name: getattr(provider, name, "") for name in ENDPOINTS}
        return {name: value for name, value in found.items() if value}


def published_members(provider: Any) -> dict[str, Any]:
    """Return all members of the document that a provider's metadata was read from, without a request."""
    return dict(provider.documents.members())
