"""What each provider of OAuth 1.0 answers, in its own form; the values are made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from oidc_login.providers import DiscogsProvider, FlickrProvider, OAuth1Provider, TrelloProvider, TumblrProvider
from oidc_login.testing import Answer, OAuth1StyleProvider, User
from oidc_login.testing.application import ProviderRequest
from oidc_login.testing.oauth1 import Resource

ADA = User("ada", name="Ada Byron", preferred_username="adab", email="ada@example.org", github_id=1578108)
GRACE = User("grace", preferred_username="grace", github_id=1578109)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A provider as it is: its paths, what comes with its access tokens and from its API, and how it says no."""

    provider_class: type[OAuth1Provider]
    resource: Resource | None = None
    token_extras: Callable[[User], Mapping[str, str]] = lambda person: {}
    signature_methods: tuple[str, ...] = ("HMAC-SHA1",)
    identity: str
    name: str
    email: str = ""
    asks: Mapping[str, str] = field(default_factory=dict)
    refusal: Answer

    def provider(self) -> OAuth1StyleProvider:
        """Return a provider of this shape, to be served."""
        made = self.provider_class
        resources = {} if self.resource is None else {urlsplit(made.userinfo_endpoint).path: self.resource}
        return OAuth1StyleProvider(
            users=[ADA, GRACE],
            signature_methods=self.signature_methods,
            paths={
                "request_token": urlsplit(made.request_token_endpoint).path,
                "authorize": urlsplit(made.authorization_endpoint).path,
                "access_token": urlsplit(made.access_token_endpoint).path,
            },
            resources=resources,
            token_extras=self.token_extras,
        )

    def served_at(self, base_url: str) -> type[OAuth1Provider]:
        """Return the class with each of its addresses at another host."""
        addresses = {
            name: base_url + urlsplit(value).path
            for name in dir(self.provider_class)
            if name.endswith("_endpoint") and isinstance(value := getattr(self.provider_class, name), str) and value
        }
        return type(self.provider_class.__name__, (self.provider_class,), addresses)


def tumblr_user(person: User, request: ProviderRequest) -> Any:
    blog = {
        "name": person.username,
        "title": f"{person.name}'s notes",
        "url": f"https://{person.username}.tumblr.com/",
        "uuid": f"t:{person.github_id}",
        "primary": True,
        "followers": 33,
    }
    other = {**blog, "name": "shared", "title": "Shared", "uuid": "t:shared", "primary": False}
    user = {"name": person.username, "likes": 6, "following": 3, "default_post_format": "html", "blogs": [other, blog]}
    return {"meta": {"status": 200, "msg": "OK"}, "response": {"user": user}}


def trello_member(person: User, request: ProviderRequest) -> Any:
    return {
        "id": f"5abcdef01234567{person.github_id:09}",
        "username": person.username,
        "fullName": person.name,
        "avatarUrl": "https://trello-members.s3.amazonaws.com/x",
        "confirmed": True,
        "email": person.email or None,
    }


def discogs_identity(person: User, request: ProviderRequest) -> Any:
    return {
        "id": person.github_id,
        "username": person.username,
        "resource_url": f"https://api.discogs.com/users/{person.username}",
        "consumer_name": "Example",
    }


def flickr_extras(person: User) -> dict[str, str]:
    return {"fullname": person.name, "user_nsid": f"{person.github_id}@N00", "username": person.username}


SHAPES: dict[str, Shape] = {
    "tumblr": Shape(
        provider_class=TumblrProvider,
        resource=tumblr_user,
        identity="t:1578108",
        name="Ada Byron's notes",
        refusal=Answer.of_json(
            {"meta": {"status": 401, "msg": "Unauthorized"}, "response": [], "errors": [{"title": "Unauthorized"}]},
            status=401,
        ),
    ),
    "flickr": Shape(
        provider_class=FlickrProvider,
        token_extras=flickr_extras,
        identity="1578108@N00",
        name="Ada Byron",
        asks={"perms": "read"},
        refusal=Answer(status=401, body=b"oauth_problem=signature_invalid&debug_sbs=POST%26https%253A%252F%252Fcanary"),
    ),
    "trello": Shape(
        provider_class=TrelloProvider,
        resource=trello_member,
        identity="5abcdef01234567001578108",
        name="Ada Byron",
        email="ada@example.org",
        asks={"scope": "read", "expiration": "never"},
        refusal=Answer(status=401, body=b"invalid token"),
    ),
    "discogs": Shape(
        provider_class=DiscogsProvider,
        resource=discogs_identity,
        signature_methods=("HMAC-SHA1", "PLAINTEXT"),
        identity="1578108",
        name="",
        refusal=Answer.of_json(
            {"message": "Invalid consumer. Please register an app before making requests."}, status=401
        ),
    ),
}
