"""`OAuth`: the clients of a site by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.client.base import Client
from oidc_login.client.options import CODE_OPTIONS, OPTIONS, is_further_metadata, problems_of, refuse
from oidc_login.client.registration import Registration


class OAuth:
    """Clients that a site registers, one per provider; `oauth.<name>` returns a client.

    `fetch_token(name, request)` returns a stored token, and `update_token(name, token, refresh_token, access_token)`
    stores a new one. `cache` is accepted but not used, because the browser keeps the flow.
    """

    def __init__(
        self,
        cache: object = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
    ) -> None:
        self._clients: dict[str, Any] = {}
        self.cache = cache
        self.fetch_token = fetch_token
        self.update_token = update_token

    def register(self, name: str, overwrite: bool = False, **options: Any) -> Any:
        """Register a client and return it; with `overwrite` the settings take precedence."""
        client_class = options.pop("client_cls", None)
        if client_class is not None and not (isinstance(client_class, type) and issubclass(client_class, Client)):
            raise ImproperlyConfigured(f"oauth.register({name!r}): client_cls is no subclass of DjangoOAuth2App.")
        options = {**(getattr(client_class, "OAUTH_APP_CONFIG", None) or {}), **options}
        further = {each: options.pop(each) for each in list(options) if is_further_metadata(each)}
        refuse(f"oauth.register({name!r})", problems_of(options, {**OPTIONS, **CODE_OPTIONS}))
        fetch_token = options.pop("fetch_token", None) or bound(self.fetch_token, name)
        update_token = options.pop("update_token", None) or bound(self.update_token, name)
        registration = Registration(name, options, overwrite=overwrite, further=further)
        client_class = client_class or class_for(registration)
        self._clients[name] = client_class(registration, fetch_token=fetch_token, update_token=update_token)
        return self._clients[name]

    def create_client(self, name: str) -> Any:
        """Return the client with this name, or `None`."""
        return self._clients.get(name)

    def __getattr__(self, name: str) -> Any:
        client = vars(self).get("_clients", {}).get(name)
        if client is None:
            raise AttributeError(f"No such client: {name}")
        return client


def class_for(registration: Registration) -> type[Client]:
    """Return the client class for the provider's protocol."""
    if not registration.is_oauth1():
        return DjangoOAuth2App
    try:
        from oidc_login.client.oauth1 import DjangoOAuth1App
    except ImportError as error:
        where = f"oauth.register({registration.name!r})"
        raise ImproperlyConfigured(f"{where}: OAuth 1.0 needs oauthlib. Install django-oidc-login[oauth1].") from error
    return DjangoOAuth1App


def bound(function: Callable[..., Any] | None, name: str) -> Callable[..., Any] | None:
    return partial(function, name) if function is not None else None
