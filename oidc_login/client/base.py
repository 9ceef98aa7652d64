"""The parts that all clients share: name, registration and flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from oidc_login.client.registration import Registration
from oidc_login.flow.pending import Flow, Purpose
from oidc_login.providers.base import OAuthProvider


class Client:
    """A registered client. A subclass can set options in `OAUTH_APP_CONFIG`."""

    OAUTH_APP_CONFIG: ClassVar[Mapping[str, Any] | None] = None

    def __init__(
        self,
        registration: Registration,
        *,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
    ) -> None:
        self.name = registration.name
        self._registration = registration
        self._fetch_token = fetch_token
        self._update_token = update_token

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _option(self, name: str, default: Any = None) -> Any:
        return self._registration.options().get(name, default)

    def _provider(self, *, leeway: float | None = None) -> OAuthProvider:
        return self._registration.provider(leeway=leeway)

    @property
    def _key(self) -> str:
        """The key of this client's flows, which cannot be the key of a sign-in provider."""
        return f"client:{self.name}"

    def _flow(self, *, purpose: Purpose = "client", **values: Any) -> Flow:
        return Flow(provider_key=self._key, purpose=purpose, issuer=self._provider().get_issuer(), **values)
