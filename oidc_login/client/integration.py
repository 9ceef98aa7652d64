"""Two names of Authlib that sites use beside the client: its integration with Django, and the session of one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.client.registration import configured
from oidc_login.client.tokens import token_update

if TYPE_CHECKING:
    from oidc_login.client.apps import DjangoOAuth2App


class DjangoIntegration:
    """Reads the settings of a client, and tells the site of a new token."""

    def __init__(self, name: str, cache: object = None) -> None:
        self.name = name
        self.cache = cache

    @sensitive_variables()
    def update_token(self, token: Any, refresh_token: str | None = None, access_token: str | None = None) -> None:
        """Send `token_update`."""
        named = {"refresh_token": refresh_token, "access_token": access_token}
        token_update.send(sender=type(self), name=self.name, token=token, **named)

    @staticmethod
    def load_config(oauth: object, name: str, params: object = ()) -> dict[str, Any]:
        """Return the options that the settings have for a client."""
        return configured(name)


class ClientSession:
    """What `_get_oauth_client()` returns: calls with the token that is assigned to `token`."""

    def __init__(self, client: DjangoOAuth2App) -> None:
        self._client = client
        self.token: Any = None

    def __enter__(self) -> ClientSession:
        return self

    def __exit__(self, *error: object) -> None:
        self.token = None

    @sensitive_variables()
    def request(self, method: str, url: str, **options: Any) -> Any:
        return self._client.request(method, url, token=self.token, **options)

    def get(self, url: str, **options: Any) -> Any:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        return self.request("POST", url, **options)

    @sensitive_variables()
    def refresh_token(self, url: str | None = None, refresh_token: str | None = None) -> Any:
        """Return a new token (RFC 6749 6); the client knows the token endpoint."""
        old = {"refresh_token": refresh_token} if refresh_token else dict(self.token or {})
        self.token = self._client.renew({"access_token": "", **old})
        return self.token

    @sensitive_variables()
    def fetch_token(self, url: str | None = None, **parameters: Any) -> Any:
        """Return the token of a grant; the client knows the token endpoint."""
        self.token = self._client.fetch_access_token(**parameters)
        return self.token
