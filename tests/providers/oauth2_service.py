"""A site and one provider of the table: the class with its addresses on loopback, and what answers there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from oidc_login.models import OAuthConnection
from oidc_login.providers import OAuth2Provider
from oidc_login.testing import OAuth2StyleProvider, Resource, User, serve
from tests.providers.oauth2_rows import Change, Row, answers_of, resources_of
from tests.support.browser import Browser
from tests.support.served import CLIENT_SECRET, Recording

if TYPE_CHECKING:
    from pytest_django import Settings

HTTPS = "https://"


def on_loopback(provider_class: type[OAuth2Provider], base_url: str) -> type[OAuth2Provider]:
    """The same class with each of its addresses below one of this machine, the host in front of the path."""

    def init(self: OAuth2Provider, **kwargs: Any) -> None:
        provider_class.__init__(self, **kwargs)
        for name in [name for name in dir(self) if name.endswith("_endpoint") or name == "api_base_url"]:
            address = getattr(self, name)
            if isinstance(address, str) and address.startswith(HTTPS):
                setattr(self, name, f"{base_url}/{address.removeprefix(HTTPS)}")

    # Of the same module: what a class of the package raises is not taken for a mistake of the site.
    return type(provider_class.__name__, (provider_class,), {"__init__": init, "__module__": provider_class.__module__})


def things_of(row: Row) -> Resource:
    """A call of the provider's API that a site may make."""
    provider = row.provider_class(provider_key="it", client_id="client", **row.arguments)
    path = provider.api_base_url.removeprefix(HTTPS)
    return Resource(path=f"/{path}/things", answer=lambda person, grant: {"things": []})


class OAuth2Service:
    """The provider of a row, and the site that knows it as "it"."""

    def __init__(self, row: Row, op: Any, provider_class: type[OAuth2Provider], settings: Settings) -> None:
        self.row, self.op, self.settings = row, op, settings
        self.provider_class = on_loopback(provider_class, op.base_url)
        self.current: dict[str, Any] = op.current
        self.change({})
        self.configure()

    def configure(self, **arguments: Any) -> None:
        """Tell the site what its settings say of the provider."""
        entry = {"class": self.provider_class, "client_id": "client", "client_secret": CLIENT_SECRET}
        scope = {} if self.row.scope is None else {"scope": self.row.scope}
        self.settings.OIDC_LOGIN_PROVIDERS = {"it": {**entry, **scope, **self.row.arguments, **arguments}}

    def change(self, change: Change) -> None:
        """Let the account be another one than in the table."""
        self.current.update(answers_of(self.row, change))

    def sign_in(self, browser: Browser, *, user: str | None = "ada") -> Any:
        return browser.sign_in(self.op, "it", user=user)

    def signed_in(self) -> OAuthConnection:
        """The connection of somebody who has just signed in."""
        response = self.sign_in(Browser())
        assert response.status_code == 302, response.content.decode()
        return OAuthConnection.objects.select_related("user").get()

    def refusing(self, fault: Any) -> Any:
        """The provider, whose token endpoint finds something wrong."""
        return self.op.bend("token", lambda good: self.row.shape.error(fault))


@contextmanager
def oauth2_service(
    row: Row, settings: Settings, provider_class: type[OAuth2Provider] | None = None
) -> Iterator[OAuth2Service]:
    """Serve the provider of a row, to the class of the row or to another one."""
    current: dict[str, Any] = {}
    server_class: type[OAuth2StyleProvider] = type("Recorded", (Recording, row.server_class), {})
    resources = {**resources_of(row, current), "things": things_of(row)}
    op: Any = server_class(shape=row.shape, users=[User("ada")], resources=resources)
    op.current = current
    with serve(op):
        yield OAuth2Service(row, op, provider_class or row.provider_class, settings)
