"""An OpenID provider on loopback, with its own document, key set and manner of answering, and a site that uses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oidc_login.adding.facts import FOLDER
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, OpenIDProvider, UnsignedToken, User, serve
from oidc_login.testing.documents import moved_url
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

FIXTURES = Path(__file__).resolve().parents[2] / "discovery_fixtures"
CLIENT_SECRET = "the client secret, of 32 bytes or more"
Claims = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with an account, as the provider knows them at the moment; `verified`: whether it vouches for them."""

    email: str = "ada@example.org"
    verified: bool = True
    username: str = "ada"
    name: str = "Ada Byron"

    @property
    def names(self) -> Claims:
        """The names as most providers tell them."""
        given, _, family = self.name.partition(" ")
        return {"name": self.name, "given_name": given, "family_name": family}

    def address(self, verified: Callable[[bool], Any] = bool, *, claim: str = "email_verified") -> Claims:
        """The address and what the provider says of it; nothing where there is none."""
        return {"email": self.email, claim: verified(self.verified)} if self.email else {}


def nothing(person: Person) -> Claims:
    return {}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one provider does in its own way.

    `folder` is that of its document and keys, or else `document` is all of the document. `entry` is what a site
    writes, at the addresses of `base_url`; without it the settings beside the document are proved. `id_token` and
    `userinfo` are the claims beyond those that every provider sends, `tokens` changes the answer of the token
    endpoint, `refused` and `refused_client` are its errors.
    """

    subject: str
    folder: str = ""
    entry: Callable[[str], Mapping[str, Any]] | None = None
    provider: type[OpenIDProvider] = OpenIDProvider
    options: Mapping[str, Any] = field(default_factory=dict)
    id_token: Callable[[Person], Claims] = nothing
    userinfo: Callable[[Person], Claims] | None = None
    tokens: Callable[[Claims], Claims] = dict
    refreshed: Callable[[Claims], Claims] = dict
    refused: Answer = field(default_factory=lambda: Answer.of_json({"error": "invalid_grant"}, status=400))
    refused_client: Answer = field(default_factory=lambda: Answer.of_json({"error": "invalid_client"}, status=401))
    cancelled: str = "access_denied"
    vouches: bool = True  # whether its word about an address ever counts
    refreshes: bool = True
    issuer: str | None = None  # under which identities are kept, where it is not the document's
    document: Mapping[str, Any] = field(default_factory=dict)  # what the class knows better than the document
    placeholders: Mapping[str, str] = field(default_factory=dict)  # of the settings, and what stands for them here
    bends: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    name: str = ""

    @property
    def id(self) -> str:
        return self.name or self.folder


def document_of(folder: str) -> Claims:
    document: Claims = json.loads((FIXTURES / folder / "openid-configuration.json").read_text())
    return document


def settings_of(folder: str) -> Claims:
    """The entry that the documentation shows for a provider that needs no class."""
    settings: Claims = json.loads((FOLDER / f"{folder}.json").read_text())["settings"]
    return settings


def on_loopback(value: Any, base_url: str) -> Any:
    """Return a value of the settings with its addresses on loopback."""
    if isinstance(value, Mapping):
        return {name: on_loopback(member, base_url) for name, member in value.items()}
    if isinstance(value, list):
        return [on_loopback(member, base_url) for member in value]
    return moved_url(value, base_url) if isinstance(value, str) and value.startswith("https://") else value


class OpenIDService:
    """A served provider and a person's browser; `person` may change between two sign-ins."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.person = Person()
        self.browser = Browser(https=True)
        self.op = row.provider(
            client_secret=CLIENT_SECRET,
            users=[User(row.subject, preferred_username="alice")],
            document={**(document_of(row.folder) if row.folder else {}), **row.document},
            always_refresh_token=row.refreshes,
            **row.options,
        )
        self.put_right()

    def put_right(self) -> None:
        """Let the provider answer in its own manner, and well."""
        self.op.mend()
        self.op.bend("id_token", self._id_token)
        self.op.bend("token", self._tokens)
        self.op.bend("jwks", self._key_set)
        if "userinfo_endpoint" in self.op.paths and self.row.userinfo is not None:
            self.op.bend("userinfo", self._userinfo)
        for name, change in self.row.bends.items():
            self.op.bend(name, change)

    def _id_token(self, token: UnsignedToken) -> UnsignedToken:
        """The claims that the provider adds; `None` takes one of the usual ones away."""
        added = on_loopback(self.row.id_token(self.person), self.op.base_url)
        token.claims = without_none({**token.claims, **added})
        return token

    def _tokens(self, good: Answer) -> Answer:
        if good.status != 200:
            return good
        again = self.op.requests[-1].form.get("grant_type") == "refresh_token"
        change = self.row.refreshed if again else self.row.tokens
        return replace(good, json=without_none(change(good.json)))

    def _userinfo(self, good: Answer) -> Answer:
        assert self.row.userinfo is not None
        if good.status != 200:
            return good
        return replace(good, json=without_none({"sub": self.row.subject, **self.row.userinfo(self.person)}))

    def _key_set(self, good: Answer) -> Answer:
        """The provider's keys with all their oddities, and our own in the shape of those."""
        path = FIXTURES / self.row.folder / "jwks.json"
        if not self.row.folder or not path.exists():
            return good
        theirs = on_loopback(json.loads(path.read_text())["keys"], self.op.base_url)
        ours = [in_the_shape_of(theirs, key) for key in good.json["keys"]]
        return replace(good, json={"keys": [*theirs, *ours]})

    # The site.

    def entry(self) -> Claims:
        """What the site's settings hold for this provider."""
        if self.row.entry is not None:
            written = dict(self.row.entry(self.op.base_url))
        else:
            written = on_loopback(settings_of(self.row.folder), self.op.base_url)
            for placeholder, value in self.row.placeholders.items():
                written = json.loads(json.dumps(written).replace(placeholder, value))
        return {
            **written,
            "client_id": "client",
            **({} if "client_key" in written else {"client_secret": CLIENT_SECRET}),
        }

    def sign_in(self, *, user: str | None = "alice") -> Any:
        """From the button to where the person arrives; an answer by form_post makes one more step."""
        response = self.browser.sign_in(self.op, "op", user=user)
        return self.browser.get(response["Location"], cross_site=True) if response.status_code == 303 else response

    @property
    def connection(self) -> OAuthConnection:
        return OAuthConnection.objects.get()

    @property
    def issuer(self) -> str:
        """Under which identities are kept."""
        return self.op.issuer if self.row.issuer is None else str(on_loopback(self.row.issuer, self.op.base_url))


def without_none(members: Claims) -> Claims:
    return {name: value for name, value in members.items() if value is not None}


def in_the_shape_of(theirs: list[Claims], ours: Claims) -> Claims:
    """Return our key with the members that the provider's first one of its kind has; not its name and its numbers."""
    first = next((key for key in theirs if (key["kty"], key.get("crv")) == (ours["kty"], ours.get("crv"))), None)
    if first is None:
        return ours
    shape = ("alg", "use", "issuer", "cloud_instance_name", "status")
    described: Claims = {name: first[name] for name in shape if name in first}
    numbers = {name: value for name, value in ours.items() if name not in ("alg", "use")}
    return {**numbers, **described}


@contextmanager
def openid_service(row: Row, settings: Settings) -> Iterator[OpenIDService]:
    """Serve the provider of a row; the site knows it as "op"."""
    service = OpenIDService(row)
    with serve(service.op):
        settings.OIDC_LOGIN_PROVIDERS = {"op": service.entry()}
        yield service
