"""The system checks: one row that a rule refuses and one that it accepts."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.checks import CheckMessage, run_checks
from django.db import connection, connections
from django.urls import include, path
from django.utils.translation import gettext_lazy

from oidc_login import checks
from oidc_login.backends import OIDCLoginBackend
from oidc_login.checks.arguments import ARGUMENT_RULES
from oidc_login.checks.reports import find_reports
from oidc_login.conf import DEFAULTS
from oidc_login.models import OAuthConnection
from oidc_login.providers import (
    GitHubProvider,
    OAuth2Provider,
    OAuthProvider,
    OAuthToken,
    OAuthUser,
    OIDCProvider,
)

if TYPE_CHECKING:
    from pytest_django import Settings

SECRET = "a secret of thirty-two bytes or more"
ISSUER = "https://op.example"
OP = {"issuer": ISSUER, "client_id": "client", "client_secret": SECRET}
GITHUB = {"class": "oidc_login.providers.GitHubProvider", "client_id": "client", "client_secret": SECRET}
ENDPOINTS = {
    "authorization_endpoint": "https://op.example/authorize",
    "token_endpoint": "https://op.example/token",
    "jwks_uri": "https://op.example/keys",
}
COMPLETE = {"issuer": ISSUER, **ENDPOINTS}
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
ASSERTION_FILE = str(Path(__file__).with_name("assertion.txt"))
CERTIFICATES = Path(pytest.__file__).parents[1] / "certifi" / "cacert.pem"


# Classes of a site's own.


class ForgeProvider(OAuthProvider):
    """The least that a class has to offer, with an argument of its own."""

    authorization_url = "https://forge.example/authorize"

    def __init__(self, *, custom_arg: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.custom_arg = custom_arg

    def get_oauth_token(self, **kwargs: Any) -> OAuthToken:
        return OAuthToken(access_token="token")

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        return OAuthUser(id=1)


class RealmProvider(OIDCProvider):
    """Works out its issuer by itself."""

    def __init__(self, *, realm: str, **kwargs: Any) -> None:
        super().__init__(issuer=f"https://op.example/realms/{realm}", **kwargs)


class ChoosyProvider(ForgeProvider):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        raise ValueError("custom_arg is never right")


class BrokenProvider(ForgeProvider):
    def __init__(self, **kwargs: Any) -> None:
        raise KeyError(kwargs["client_secret"])


class HalfProvider(OAuth2Provider):
    authorization_endpoint = "https://half.example/authorize"
    token_endpoint = "https://half.example/token"
    userinfo_endpoint = "https://half.example/user"


class PlainProvider(HalfProvider):
    token_endpoint = "http://half.example/token"

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        return OAuthUser(id=1)


class PublicProvider(PlainProvider):
    token_endpoint = "https://half.example/token"


class SigningProvider(GitHubProvider):
    """Makes its credentials itself."""

    def authenticate_client(self, client_secret: str, *, now: float) -> Any: ...


class OwnBackend(OIDCLoginBackend):
    pass


class OwnMiddleware(AuthenticationMiddleware):
    pass


class MappedProvider(PublicProvider):
    """Says in its own way who somebody is, whatever the mapping holds."""

    mapping = {"name": "title"}


class NamedProvider(HalfProvider):
    mapping = {"user_id": "login"}


def path_of(thing: type) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def messages(*, deploy: bool = False) -> list[CheckMessage]:
    return run_checks(tags=["oidc_login"], databases=[], include_deployment_checks=deploy)


def numbers(found: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("oidc_login.") for message in found]


def op(**arguments: Any) -> dict[str, Any]:
    """Return settings with one OpenID provider; `...` leaves an argument out."""
    entry = {**OP, **arguments}
    return {"op": {name: value for name, value in entry.items() if value is not ...}}


SETTINGS_ALONE = {
    "class": "oidc_login.providers.OAuth2Provider",
    "authorization_endpoint": "https://forge.example/authorize",
    "token_endpoint": "https://forge.example/token",
    "userinfo_endpoint": "https://forge.example/api/user",
    "mapping": {"user_id": "data.0.id", "email": "email", "email_verified": "verified"},
    "client_id": "client",
    "client_secret": SECRET,
}


def forge(**changes: Any) -> dict[str, Any]:
    """A provider from settings only with changes; `...` takes an argument away."""
    entry = {**SETTINGS_ALONE, **changes}
    return {"forge": {name: value for name, value in entry.items() if value is not ...}}


GOOD = {
    "issuer": op(),
    "discovery_url": op(issuer=..., discovery_url=ISSUER + "/.well-known/openid-configuration"),
    "discovery_url elsewhere, with issuer": op(discovery_url="https://op.example/document?policy=b2c"),
    "metadata instead of discovery": op(issuer=..., metadata=COMPLETE),
    "metadata without userinfo": op(metadata={"userinfo_endpoint": None}),
    "localhost over http": op(issuer="http://localhost:8000"),
    "public client": op(client_secret=...),
    "assertion of a file": op(client_secret=..., client_assertion_file=ASSERTION_FILE),
    "assertion of a file by its method": op(
        client_secret=..., client_assertion_file=ASSERTION_FILE, token_endpoint_auth_method="private_key_jwt"
    ),
    "assertion of a file, and a key for decrypting": op(
        client_secret=..., client_assertion_file=ASSERTION_FILE, client_key=KEY
    ),
    "assertion of a file, and a secret for MACs": op(
        client_assertion_file=ASSERTION_FILE, id_token_signing_algs=["HS256"]
    ),
    "assertion for the token endpoint": op(client_key=KEY, client_assertion_audience="token_endpoint"),
    "assertion for an audience of its own": op(client_key=KEY, client_assertion_audience="api://TokenExchange"),
    "assertion for a word": op(client_key=KEY, client_assertion_audience="company"),
    "empty secret": op(client_secret=""),
    "secret being replaced": op(client_secret=["new", "old"]),
    "scope without openid": op(scope=["email"]),
    "a button of its own": op(icon="oidc_login/error.html", brand_color="#abc", monogram="ID"),
    "no icon": op(icon="", brand_color=None, monogram=None),
    "static files that nobody can look for": op(icon="nowhere/at-all.svg"),
    "translated label": op(label=gettext_lazy("Company")),
    "prompt among the parameters": op(authorization_params={"prompt": "login", "hd": "example.com"}),
    "domains": op(allowed_email_domains=["example.com", ".corp.example"]),
    "ca_bundle": op(ca_bundle=CERTIFICATES),
    "ca_bundle is a folder": op(ca_bundle=str(CERTIFICATES.parent)),
    "bounds": op(timeout=20, leeway=0, max_age=0),
    "HS256": op(id_token_signing_algs=["HS256"]),
    "algorithms": op(id_token_signing_algs=("RS256", "EdDSA")),
    "client_secret_jwt": op(token_endpoint_auth_method="client_secret_jwt"),
    "private_key_jwt": op(client_secret=..., token_endpoint_auth_method="private_key_jwt", client_key=KEY),
    "every other argument": op(
        label="OP",
        allow_signup=False,
        link_by_email="never",
        trust_email=True,
        store_tokens=False,
        userinfo="always",
        prompt="login",
        acr_values="a b",
        ui_locales="de en",
        claims={"id_token": {"email": None}},
        response_mode="form_post",
        third_party_initiated_login=True,
    ),
    "None is left out": op(
        label=None,
        scope=None,
        authorization_params=None,
        metadata=None,
        token_endpoint_auth_method=None,
        client_key=None,
        id_token_signing_algs=None,
        response_mode=None,
        max_age=None,
    ),
    "Apple, whose secret is made": {
        "apple": {
            "class": "oidc_login.providers.AppleProvider",
            "client_id": "client",
            "team_id": "T",
            "key_id": "K",
            "client_key": KEY,
        }
    },
    "Microsoft": {"ms": {**GITHUB, "class": "oidc_login.providers.MicrosoftProvider", "tenant": "contoso.example"}},
    "Google": {"google": {**OP, "class": "oidc_login.providers.GoogleProvider", "hosted_domain": "example.com"}},
    "GitHub": {"github": GITHUB},
    "GitHub Enterprise": {"git_hub-2": {**GITHUB, "base_url": "https://github.example"}},
    "own class": {"forge": {**GITHUB, "class": path_of(ForgeProvider), "custom_arg": 3}},
    "own class, not its name": {"forge": {**GITHUB, "class": ForgeProvider, "custom_arg": 3}},
    "own class with its own issuer": {"op": {"class": path_of(RealmProvider), "realm": "r", "client_id": "c"}},
    "own class of a public client": {"half": {"class": path_of(PublicProvider), "client_id": "c"}},
    "own class with its own credentials": {"git": {"class": path_of(SigningProvider), "client_id": "c"}},
    "settings only": forge(),
    "settings only, with all of it": forge(
        revocation_endpoint="https://forge.example/revoke",
        api_base_url="https://forge.example/api",
        mapping={"user_id": "id", "email": "a.b", "username": "login", "name": "n", "picture": "urls.0"},
    ),
    "a shipped class at another address": {
        "discord": {
            **GITHUB,
            "class": "oidc_login.providers.DiscordProvider",
            "token_endpoint": "https://discord.example/token",
        }
    },
    "own class that needs no mapping": {"mapped": {"class": path_of(MappedProvider), "client_id": "c"}},
    "tokens of sixty days": {
        "facebook": {**GITHUB, "class": "oidc_login.providers.FacebookProvider", "long_lived_tokens": True}
    },
    "two clients": {"op": OP, "op2": {**OP, "client_id": "other"}},
    "none": {},
}

# What is written, the numbers of the messages, and what the first one names.
BAD: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "no dictionary": ([OP], "E001", ("list",)),
    "key with capitals": ({"My OP": OP}, "E002", ("'My OP'", "'my-op'")),
    "key too long": ({"k" * 101: OP}, "E002", ("kkk",)),
    "key is no string": ({7: OP}, "E002", ("7",)),
    "entry is no dictionary": ({"op": ISSUER}, "E003", ("'op'", "str")),
    "class of no module": (op(**{"class": "shop.oauth.ForgeProvider"}), "E004", ("'op'", "shop.oauth")),
    "class misspelt": (
        op(**{"class": "oidc_login.providers.GithubProvider"}),
        "E004",
        ("'op'", "did you mean 'oidc_login.providers.GitHubProvider'"),
    ),
    "class of another kind": (op(**{"class": "datetime.date"}), "E004", ("'op'", "not a subclass")),
    "class is no path": (op(**{"class": 5}), "E004", ("'op'", "5")),
    "unknown argument": (
        op(client_secret=..., clientsecret=SECRET),
        "E005",
        ("'op'", "'clientsecret'", "did you mean 'client_secret'"),
    ),
    "unknown argument of no likeness": (op(zzz=1), "E005", ("'op'", "'zzz'", "'client_id'")),
    "argument is no string": ({"op": {"client_id": "client", "issuer": ISSUER, str: 1}}, "E005", ("class 'str'",)),
    "missing argument": (op(client_id=...), "E006", ("'op'", "'client_id'")),
    "missing argument of an own class": (
        {"forge": {**GITHUB, "class": path_of(ForgeProvider)}},
        "E006",
        ("'forge'", "'custom_arg'"),
    ),
    "client_id is None": (op(client_id=None), "E008", ("'op'", "client_id is None", "OP_CLIENT_ID")),
    "client_id is empty": (op(client_id=""), "E008", ("'op'", "client_id is empty")),
    "client_id is a number": (op(client_id=12), "E007", ("'op'", "client_id must be a string, not int")),
    "secret is None": (op(client_secret=None), "E008", ("'op'", "client_secret is None", "OP_CLIENT_SECRET")),
    "secret is None, and needed": (
        op(client_secret=None, token_endpoint_auth_method="client_secret_basic"),
        "E008",
        ("'op'", "client_secret"),
    ),
    "one of the secrets is None": (op(client_secret=["new", None]), "E008", ("'op'", "client_secret")),
    "secret is bytes": (op(client_secret=b"secret"), "E007", ("'op'", "client_secret", "bytes")),
    "scope": (op(scope=5), "E007", ("'op'", "scope")),
    "label": (op(label=5), "E007", ("'op'", "label")),
    "icon": (op(icon=None), "E007", ("'op'", "icon")),
    "icon of no template": (op(icon="nowhere/icon.html"), "E070", ("'op'", "icon", "TemplateDoesNotExist")),
    "colour by name": (op(brand_color="red"), "E010", ("'op'", "brand_color", "#1a56c4")),
    "colour with more behind it": (op(brand_color='#fff" onload="'), "E010", ("'op'", "brand_color")),
    "letters": (op(monogram="ABC"), "E010", ("'op'", "monogram")),
    "no letters": (op(monogram=""), "E010", ("'op'", "monogram")),
    "truth as text": (op(trust_email="false"), "E007", ("'op'", "trust_email", "True or False", "str")),
    "store_tokens": (op(store_tokens=1), "E007", ("'op'", "store_tokens")),
    "allow_signup": (op(allow_signup="no"), "E007", ("'op'", "allow_signup")),
    "third_party_initiated_login": (op(third_party_initiated_login="yes"), "E007", ("'op'", "third_party")),
    "prompt": (op(prompt=["login"]), "E007", ("'op'", "prompt")),
    "claims": (op(claims=["email"]), "E007", ("'op'", "claims")),
    "issuer is None": (op(issuer=None), "E007", ("'op'", "issuer")),
    "timeout as text": (op(timeout="10"), "E007", ("'op'", "timeout")),
    "timeout of zero": (op(timeout=0), "E010", ("'op'", "timeout")),
    "timeout too long": (op(timeout=21), "E010", ("'op'", "timeout", "20")),
    "timeout of True": (op(timeout=True), "E007", ("'op'", "timeout", "bool")),
    "leeway below zero": (op(leeway=-1), "E010", ("'op'", "leeway")),
    "leeway too long": (op(leeway=301), "E010", ("'op'", "leeway", "300")),
    "leeway of no number": (op(leeway=float("nan")), "E010", ("'op'", "leeway")),
    "max_age": (op(max_age=-1), "E010", ("'op'", "max_age")),
    "ca_bundle missing": (op(ca_bundle="/no/such/file.pem"), "E013", ("'op'", "ca_bundle")),
    "ca_bundle without certificates": (op(ca_bundle=__file__), "E013", ("'op'", "ca_bundle")),
    "ca_bundle is False": (op(ca_bundle=False), "E007", ("'op'", "ca_bundle", "bool")),
    "proxy over TLS": (op(proxy="https://user:canary@proxy.example"), "E170", ("'op'", "proxy", "http://")),
    "proxy without scheme": (op(proxy="proxy.example:3128"), "E170", ("'op'", "proxy")),
    "proxies": (op(proxy={"https": "http://proxy.example"}), "E007", ("'op'", "proxy", "dict")),
    "auth method": (
        op(token_endpoint_auth_method="client_secret_bsic"),
        "E009",
        ("'op'", "token_endpoint_auth_method", "did you mean 'client_secret_basic'"),
    ),
    "auth method is a list": (
        op(token_endpoint_auth_method=["none"]),
        "E009",
        ("'op'", "token_endpoint_auth_method"),
    ),
    "response_mode": (op(response_mode="fragment"), "E009", ("'op'", "response_mode", "'form_post'")),
    "userinfo": (op(userinfo="alway"), "E009", ("'op'", "userinfo", "did you mean 'always'")),
    "userinfo is None": (op(userinfo=None), "E009", ("'op'", "userinfo")),
    "link_by_email": (op(link_by_email=True), "E009", ("'op'", "link_by_email", "'verified'")),
    "client_assertion_audience": (
        op(client_assertion_audience="token-endpoint"),
        "E009",
        ("'op'", "client_assertion_audience", "did you mean 'token_endpoint'"),
    ),
    "client_assertion_audience is empty": (
        op(client_assertion_audience=""),
        "E009",
        ("'op'", "client_assertion_audience"),
    ),
    "client_assertion_audience is None": (
        op(client_assertion_audience=None),
        "E007",
        ("'op'", "client_assertion_audience"),
    ),
    "client_assertion_file of no file": (
        op(client_secret=..., client_assertion_file="/no/such/assertion"),
        "W160",
        ("'op'", "client_assertion_file"),
    ),
    "client_assertion_file of something else": (
        op(client_secret=..., client_assertion_file=__file__),
        "W160",
        ("'op'", "client_assertion_file"),
    ),
    "client_assertion_file is no path": (
        op(client_secret=..., client_assertion_file=5),
        "E007",
        ("'op'", "client_assertion_file"),
    ),
    "client_assertion_file beside a secret": (
        op(client_assertion_file=ASSERTION_FILE),
        "E161",
        ("'op'", "client_assertion_file", "client_secret"),
    ),
    "client_assertion_file beside another method": (
        op(client_secret=..., client_assertion_file=ASSERTION_FILE, token_endpoint_auth_method="none"),
        "E161",
        ("'op'", "client_assertion_file", "token_endpoint_auth_method"),
    ),
    "client_assertion_file beside an audience": (
        op(client_secret=..., client_assertion_file=ASSERTION_FILE, client_assertion_audience="token_endpoint"),
        "E161",
        ("'op'", "client_assertion_file", "client_assertion_audience"),
    ),
    "client_key without a private part": (
        op(client_key={name: value for name, value in KEY.items() if name != "d"}),
        "E014",
        ("'op'", "client_key"),
    ),
    "client_key without members": (op(client_key={}), "E014", ("'op'", "client_key")),
    "client_key of no file": (op(client_key="/no/such/key.pem"), "E014", ("'op'", "client_key")),
    "client_key is no key": (op(client_key=5), "E007", ("'op'", "client_key")),
    "alg none": (op(id_token_signing_algs=["none"]), "E015", ("'op'", "id_token_signing_algs", "'none'")),
    "alg None": (op(id_token_signing_algs=["RS256", "None"]), "E015", ("'op'", "'None'", "signature")),
    "alg unknown": (op(id_token_signing_algs=["ES256K"]), "E015", ("'op'", "'ES256K'", "did you mean 'ES256'")),
    "alg in small letters": (op(id_token_signing_algs=["hs256"]), "E015", ("'op'", "'hs256'")),
    "algs of one string": (op(id_token_signing_algs="RS256"), "E007", ("'op'", "id_token_signing_algs")),
    "no algs": (op(id_token_signing_algs=[]), "E010", ("'op'", "id_token_signing_algs")),
    "parameter of the flow": (
        op(authorization_params={"state": "fixed"}),
        "E016",
        ("'op'", "authorization_params", "'state'"),
    ),
    "parameter with an argument": (
        op(authorization_params={"scope": "openid"}),
        "E016",
        ("'op'", "authorization_params", "'scope'"),
    ),
    "request object": (op(authorization_params={"request_uri": "urn:x"}), "E016", ("'op'", "'request_uri'")),
    "parameters of a list": (op(authorization_params=[("hd", "x")]), "E007", ("'op'", "authorization_params")),
    "domains of one string": (op(allowed_email_domains="a.example"), "E007", ("'op'", "allowed_email_domains")),
    "domains of None": (op(allowed_email_domains=None), "E007", ("'op'", "allowed_email_domains")),
    "domain with @": (op(allowed_email_domains=["@a.example"]), "E017", ("'op'", "'@a.example'")),
    "domain with *": (op(allowed_email_domains=["*.a.example"]), "E017", ("'op'", "'*.a.example'")),
    "empty domain": (op(allowed_email_domains=[""]), "E017", ("'op'", "allowed_email_domains")),
    "class refuses": (
        {"forge": {**GITHUB, "class": path_of(ChoosyProvider), "custom_arg": 1}},
        "E018",
        ("'forge'", "ChoosyProvider", "custom_arg is never right"),
    ),
    "class fails": (
        {"forge": {**GITHUB, "class": path_of(BrokenProvider), "custom_arg": 1}},
        "E018",
        ("'forge'", "BrokenProvider", "KeyError"),
    ),
    "all tenants": (
        {"ms": {**GITHUB, "class": "oidc_login.providers.MicrosoftProvider", "tenant": "common"}},
        "E018",
        ("'ms'", "allowed_tenants"),
    ),
    "no tenant": (
        {"ms": {**GITHUB, "class": "oidc_login.providers.MicrosoftProvider"}},
        "E006",
        ("'ms'", "'tenant'"),
    ),
    "a pool without a name": (
        {"pool": {**GITHUB, "class": "oidc_login.providers.CognitoProvider"}},
        "E020",
        ("'pool'", "issuer"),
    ),
    "LinkedIn without a secret": (
        {"li": {**GITHUB, "class": "oidc_login.providers.LinkedInProvider", "client_secret": ""}},
        "E023",
        ("'li'", "client_secret_post"),
    ),
    "class without a method": (
        {"half": {**GITHUB, "class": path_of(HalfProvider)}},
        "E019",
        ("'half'", "user_from_userinfo"),
    ),
    "class is the base": (
        {"base": {**GITHUB, "class": "oidc_login.providers.OAuthProvider"}},
        "E019 E019 E019",
        ("'base'", "authorization_url"),
    ),
    "settings only without an address": (
        forge(token_endpoint=...),
        "E075",
        ("'forge'", "token_endpoint is not given"),
    ),
    "settings only with an empty address": (forge(userinfo_endpoint=""), "E075", ("'forge'", "userinfo_endpoint")),
    "settings only without a mapping": (forge(mapping=...), "E075", ("'forge'", "mapping is not given")),
    "settings only without anything": (
        {"forge": {"class": "oidc_login.providers.OAuth2Provider", "client_id": "c"}},
        "E075 E075 E075 E075",
        ("'forge'", "authorization_endpoint"),
    ),
    "settings only over http": (
        forge(token_endpoint="http://forge.example/token"),
        "E011",
        ("'forge'", "token_endpoint"),
    ),
    "address is no text": (forge(userinfo_endpoint=5), "E007", ("'forge'", "userinfo_endpoint")),
    "address of the API": (forge(api_base_url="forge.example/api"), "E011", ("'forge'", "api_base_url")),
    "mapping without an identity": (forge(mapping={"email": "mail"}), "E076", ("'forge'", "user_id")),
    "mapping is a list": (forge(mapping=["id"]), "E007", ("'forge'", "mapping")),
    "mapping to a number": (forge(mapping={"user_id": 0}), "E007", ("'forge'", "mapping", "int")),
    "mapping of an unknown name": (
        forge(mapping={"user_id": "id", "emial": "mail"}),
        "E077",
        ("'forge'", "'emial'", "did you mean 'email'"),
    ),
    "mapping to no path": (forge(mapping={"user_id": "data..id"}), "E078", ("'forge'", "user_id", "'data..id'")),
    "mapping to nothing": (forge(mapping={"user_id": ""}), "E078", ("'forge'", "user_id")),
    "mapping with an expression": (forge(mapping={"user_id": "$.data [0]"}), "E078", ("'forge'", "'$.data [0]'")),
    "identity that can be changed": (forge(mapping={"user_id": "user.login"}), "W075", ("'forge'", "'user.login'")),
    "address as the identity": (forge(mapping={"user_id": "Email"}), "W075", ("'forge'", "'Email'")),
    "class with an identity that can be changed": (
        {"named": {"class": path_of(NamedProvider), "client_id": "c"}},
        "W075",
        ("'named'", "'login'"),
    ),
    "mapping of an OpenID provider": (op(mapping={"user_id": "sub"}), "E005", ("'op'", "'mapping'")),
    "address of an OpenID provider": (
        op(token_endpoint="https://op.example/token"),
        "E005",
        ("'op'", "'token_endpoint'"),
    ),
    "mapping of a class that has its own way": (
        {"github": {**GITHUB, "mapping": {"user_id": "id"}}},
        "E005",
        ("'github'", "'mapping'"),
    ),
    "long_lived_tokens": (
        {"facebook": {**GITHUB, "class": "oidc_login.providers.FacebookProvider", "long_lived_tokens": "no"}},
        "E007",
        ("'facebook'", "long_lived_tokens"),
    ),
    "endpoint over http": (
        {"plain": {**GITHUB, "class": path_of(PlainProvider)}},
        "E011",
        ("'plain'", "token_endpoint"),
    ),
    "base_url over http": (
        {"github": {**GITHUB, "base_url": "http://github.example"}},
        "E011 E011 E011",
        ("'github'", "authorization_endpoint"),
    ),
    "no address": (op(issuer=...), "E020", ("'op'", "discovery_url", "issuer")),
    "metadata not complete": (op(issuer=..., metadata=ENDPOINTS), "E020", ("'op'",)),
    "discovery_url elsewhere": (op(issuer=..., discovery_url=ISSUER + "/document"), "E021", ("'op'", "issuer")),
    "discovery_url over http": (
        op(issuer=..., discovery_url="http://op.example/.well-known/openid-configuration"),
        "E011",
        ("'op'", "discovery_url", "https://"),
    ),
    "discovery_url malformed": (
        op(issuer=..., discovery_url="https:op.example/.well-known/openid-configuration"),
        "E011",
        ("'op'", "discovery_url"),
    ),
    "issuer over http": (op(issuer="http://op.example"), "E012", ("'op'", "issuer", "https://")),
    "issuer without a scheme": (op(issuer="op.example"), "E012", ("'op'", "issuer")),
    "issuer with a query": (op(issuer=ISSUER + "/?a=b"), "E012", ("'op'", "issuer")),
    "issuer is a template": (op(issuer=ISSUER + "/{tenantid}"), "E012", ("'op'", "issuer")),
    "issuer of metadata over http": (
        op(issuer=..., metadata={**COMPLETE, "issuer": "http://op.example"}),
        "E012",
        ("'op'", "metadata['issuer']"),
    ),
    "two issuers": (op(metadata={"issuer": "https://other.example"}), "E022", ("'op'", "issuer")),
    "metadata is a list": (op(metadata=[]), "E007", ("'op'", "metadata")),
    "endpoint of metadata over http": (
        op(metadata={"token_endpoint": "http://op.example/token"}),
        "E011",
        ("'op'", "metadata['token_endpoint']"),
    ),
    "required endpoint is None": (op(metadata={"jwks_uri": None}), "E011", ("'op'", "metadata['jwks_uri']")),
    "list of metadata": (
        op(metadata={"response_modes_supported": "query"}),
        "E007",
        ("'op'", "metadata['response_modes_supported']"),
    ),
    "flag of metadata": (
        op(metadata={"frontchannel_logout_supported": "true"}),
        "E007",
        ("'op'", "metadata['frontchannel_logout_supported']"),
    ),
    "basic without a secret": (
        op(client_secret="", token_endpoint_auth_method="client_secret_basic"),
        "E023",
        ("'op'", "token_endpoint_auth_method", "client_secret", "OP_CLIENT_SECRET"),
    ),
    "jwt without a secret": (
        op(client_secret=..., token_endpoint_auth_method="client_secret_jwt"),
        "E023",
        ("'op'", "token_endpoint_auth_method", "client_secret"),
    ),
    "GitHub without a secret": ({"github": {**GITHUB, "client_secret": ""}}, "E023", ("'github'", "client_secret")),
    "metadata that asks for a secret": (
        op(client_secret="", metadata={"token_endpoint_auth_methods_supported": ["client_secret_post"]}),
        "E023",
        ("'op'", "client_secret_post"),
    ),
    "HS256 without a secret": (
        op(client_secret="", id_token_signing_algs=["HS256"]),
        "E023",
        ("'op'", "HS256", "client_secret"),
    ),
    "HS256 with a short secret": (
        op(client_secret="short", id_token_signing_algs=["RS256", "HS256"]),
        "E024",
        ("'op'", "HS256", "32"),
    ),
    "jwt with a short secret": (
        op(client_secret=[SECRET, "short"], token_endpoint_auth_method="client_secret_jwt"),
        "E024",
        ("'op'", "token_endpoint_auth_method", "32"),
    ),
    "private_key_jwt without a key": (
        op(token_endpoint_auth_method="private_key_jwt"),
        "E025",
        ("'op'", "token_endpoint_auth_method", "client_key"),
    ),
    "one client twice": (
        {"a": OP, "b": {**op(issuer=..., discovery_url=ISSUER + "/.well-known/openid-configuration")["op"]}},
        "W001",
        ("'a'", "'b'"),
    ),
    "one GitHub client twice": ({"a": GITHUB, "b": GITHUB}, "W001", ("'a'", "'b'")),
    "several mistakes": (
        {"op": {"client_id": "client", "clientsecret": SECRET, "timeout": -1}, "OP": OP},
        "E005 E010 E020 E002",
        ("'op'", "'clientsecret'"),
    ),
}


@pytest.mark.parametrize("providers", GOOD.values(), ids=GOOD)
def test_good_providers_give_no_message(providers: Any, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = providers

    assert messages() == []


@pytest.mark.parametrize(("providers", "expected", "names"), BAD.values(), ids=BAD)
def test_a_mistake_is_named(providers: Any, expected: str, names: tuple[str, ...], settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = providers

    found = messages()

    assert numbers(found) == expected.split()
    assert [name for name in names if name not in f"{found[0].msg} {found[0].hint}"] == []


STATIC = "django.contrib.staticfiles"


@pytest.mark.parametrize(
    ("icon", "expected"),
    [
        ("admin/img/icon-yes.svg", []),
        ("icons/nowhere.svg", ["W070"]),
        ("/etc/passwd", ["W070"]),
        ("../../secret.svg", ["W070"]),
        ("https://cdn.example/icon.svg", ["W070"]),
        ("\0", ["W070"]),
    ],
)
def test_an_icon_is_a_static_file_that_is_found(icon: str, expected: list[str], settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, STATIC]
    settings.OIDC_LOGIN_PROVIDERS = op(icon=icon)

    assert numbers(messages()) == expected


def test_the_checks_run_among_those_of_django(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = op(issuer=...)

    assert numbers(run_checks(databases=[])) == ["E020"]


@pytest.mark.parametrize("providers", [row[0] for row in BAD.values()], ids=BAD)
def test_no_message_shows_a_secret(providers: Any, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = providers

    assert [found for found in messages() if SECRET in str(found) or KEY["d"] in str(found)] == []


def test_no_check_makes_a_request(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings.OIDC_LOGIN_PROVIDERS = {
            "op": {**OP, "issuer": address},
            "github": {**GITHUB, "base_url": address},
        }
        listener.settimeout(0)

        assert messages(deploy=True) != []  # the cache
        with pytest.raises(BlockingIOError):
            listener.accept()


# What nobody means to write, and a slip of the pen or a template may.
ODD: list[Any] = [None, "", 0, True, float("nan"), 10**400, b"x", [], [[]], (), {}, {5: 5}, object(), "\ud800", "\0"]


@pytest.mark.parametrize("name", ["class", *ARGUMENT_RULES])
@pytest.mark.parametrize("provider_class", ["OIDCProvider", "GitHubProvider", "OAuthProvider"])
def test_no_argument_makes_a_check_raise(provider_class: str, name: str, settings: Settings) -> None:
    for value in ODD:
        settings.OIDC_LOGIN_PROVIDERS = op(**{"class": f"oidc_login.providers.{provider_class}", name: value})

        assert all(str(found) for found in messages())


@pytest.mark.parametrize("name", DEFAULTS)
def test_no_setting_makes_a_check_raise(name: str, settings: Settings) -> None:
    for value in ODD:
        setattr(settings, f"OIDC_LOGIN_{name}", value)

        assert all(str(found) for found in messages(deploy=True))


def test_every_text_has_a_hint() -> None:
    assert [found.number for found in find_reports(checks) if not (found.text.endswith(".") and found.hint)] == []


# The global settings.

GOOD_SETTINGS = [
    {"OIDC_LOGIN_EMAIL_LINKING": "never"},
    {"OIDC_LOGIN_ALLOW_SIGNUP": False},
    {"OIDC_LOGIN_FLOW_LIFETIME": 3600},
    {"OIDC_LOGIN_MAX_EXCHANGES": 500, "OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER": 250},
    {"OIDC_LOGIN_TOKEN_KEYS": None},
    {"OIDC_LOGIN_TOKEN_KEYS": ["k" * 32, "o" * 40]},
    {"OIDC_LOGIN_BASE_URL": "https://your.site"},
    {"OIDC_LOGIN_BASE_URL": "https://your.site:8443/"},
    {"OIDC_LOGIN_BASE_URL": "http://127.0.0.1:8000"},
    {"OIDC_LOGIN_BASE_URL": ""},
    {"OIDC_LOGIN_CLAIMS": ["groups"]},
    {"OIDC_LOGIN_NOTIFY": True},
    {"OIDC_LOGIN_REDIRECT_BY_PAGE": True},
    {"OIDC_LOGIN_REAUTHENTICATION_AGE": 300},
    {"OIDC_LOGIN_LOCAL_EMAIL_VERIFIED": "django.contrib.auth.get_user_model"},
    {"OIDC_LOGIN_PROVIDER_LOADER": "django.contrib.auth.get_user_model"},
]
BAD_SETTINGS = [
    ({"OIDC_LOGIN_EMAIL_LINKING": "verifed"}, "E009", "did you mean 'verified'"),
    ({"OIDC_LOGIN_EMAIL_LINKING": True}, "E009", "'never'"),
    ({"OIDC_LOGIN_ALLOW_SIGNUP": "False"}, "E007", "OIDC_LOGIN_ALLOW_SIGNUP = True"),
    ({"OIDC_LOGIN_FLOW_LIFETIME": "600"}, "E007", "OIDC_LOGIN_FLOW_LIFETIME"),
    ({"OIDC_LOGIN_FLOW_LIFETIME": 0}, "E010", "3600"),
    ({"OIDC_LOGIN_FLOW_LIFETIME": 3601}, "E010", "3600"),
    ({"OIDC_LOGIN_FLOW_LIFETIME": True}, "E007", "bool"),
    ({"OIDC_LOGIN_REDIRECT_BY_PAGE": "True"}, "E007", "OIDC_LOGIN_REDIRECT_BY_PAGE = True"),
    ({"OIDC_LOGIN_MAX_EXCHANGES": 0}, "E010", "OIDC_LOGIN_MAX_EXCHANGES"),
    ({"OIDC_LOGIN_MAX_EXCHANGES": "12"}, "E007", "OIDC_LOGIN_MAX_EXCHANGES"),
    ({"OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER": 0}, "E010", "OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER"),
    ({"OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER": None}, "E007", "OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER"),
    ({"OIDC_LOGIN_CACHE": "defalt"}, "E031", "did you mean 'default'"),
    ({"OIDC_LOGIN_CACHE": None}, "E031", "None"),
    ({"OIDC_LOGIN_BASE_URL": "http://your.site"}, "E032", "https://your.site"),
    ({"OIDC_LOGIN_BASE_URL": "your.site"}, "E032", "OIDC_LOGIN_BASE_URL"),
    ({"OIDC_LOGIN_BASE_URL": "https://your.site/app"}, "E032", "OIDC_LOGIN_BASE_URL"),
    ({"OIDC_LOGIN_BASE_URL": "https://your.site?a=b"}, "E032", "OIDC_LOGIN_BASE_URL"),
    ({"OIDC_LOGIN_TOKEN_KEYS": []}, "E033", "32"),
    ({"OIDC_LOGIN_TOKEN_KEYS": "k" * 40}, "E033", "list"),
    ({"OIDC_LOGIN_TOKEN_KEYS": ["k" * 40, "short"]}, "E033", "32"),
    ({"OIDC_LOGIN_TOKEN_KEYS": [None]}, "E033", "os.environ"),
    ({"OIDC_LOGIN_CLAIMS": "groups"}, "E007", "a list of strings"),
    ({"OIDC_LOGIN_CLAIMS": ["groups", 5]}, "E007", "int"),
    ({"OIDC_LOGIN_ALLOW_SIGNUPS": False}, "E030", "did you mean 'OIDC_LOGIN_ALLOW_SIGNUP'"),
    ({"OIDC_LOGIN_PROVIDER": {}}, "E030", "OIDC_LOGIN_PROVIDER"),
]


@pytest.mark.parametrize("written", GOOD_SETTINGS, ids=str)
def test_good_settings_give_no_message(written: dict[str, Any], settings: Settings) -> None:
    for name, value in written.items():
        setattr(settings, name, value)

    assert messages() == []


@pytest.mark.parametrize(("written", "expected", "name"), BAD_SETTINGS, ids=str)
def test_a_wrong_setting_is_named(written: dict[str, Any], expected: str, name: str, settings: Settings) -> None:
    for setting, value in written.items():
        setattr(settings, setting, value)

    found = messages()

    assert numbers(found) == [expected]
    assert next(iter(written)) in found[0].msg and name in f"{found[0].msg} {found[0].hint}"


# The project.


def test_misses_the_backend(settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "no.such.Backend"]

    assert numbers(messages()) == ["E040"]


def test_accepts_a_backend_of_the_site(settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [path_of(OwnBackend)]

    assert messages() == []


def test_misses_the_urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    settings.LOGIN_REDIRECT_URL = "login"

    found = messages()

    assert numbers(found) == ["E041"]
    assert "django.contrib.auth.urls" in str(found[0].hint)


urlpatterns = i18n_patterns(path("oauth/", include("oidc_login.urls")))


def test_redirect_uri_that_depends_on_the_language(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    settings.LOGIN_REDIRECT_URL = "oidc_login:connections"

    (found,) = messages()
    assert found.id == "oidc_login.W141"
    assert "/oauth/provider/callback/" in found.msg and "i18n_patterns()" in str(found.hint)

    settings.LANGUAGES = [("en", "English")]
    assert messages() == []
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    settings.USE_I18N = False
    assert messages() == []


def test_misses_the_sessions_application(settings: Settings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "django.contrib.sessions"]

    assert numbers(messages()) == ["E042"]


def test_sessions_without_a_table_need_no_application(settings: Settings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "django.contrib.sessions"]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oidc_login.middleware.SessionLogout"]

    assert messages() == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("django.contrib.sessions.middleware.SessionMiddleware", "E043"),
        ("django.contrib.auth.middleware.AuthenticationMiddleware", "E044"),
    ],
)
def test_misses_middleware(path: str, expected: str, settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != path]

    found = messages()

    assert numbers(found) == [expected]
    assert path in str(found[0].hint)


def test_accepts_middleware_of_the_site(settings: Settings) -> None:
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", path_of(OwnMiddleware)]

    assert messages() == []


# The deployment.

SHARED = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://localhost"}}


def test_a_good_deployment_gives_no_message(settings: Settings) -> None:
    settings.CACHES = SHARED

    assert messages(deploy=True) == []


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "filebased.FileBasedCache"])
def test_deployment_needs_a_shared_cache(backend: str, settings: Settings) -> None:
    settings.CACHES = {**SHARED, "own": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "x"}}
    settings.OIDC_LOGIN_CACHE = "own"

    found = messages(deploy=True)

    assert numbers(found) == ["W010"]
    assert "'own'" in found[0].msg
    assert messages() == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"ALLOWED_HOSTS": ["*"]}, ["W011"]),
        ({"ALLOWED_HOSTS": ["*"], "OIDC_LOGIN_BASE_URL": "https://your.site"}, []),
        ({"SECURE_SSL_REDIRECT": True}, ["W012"]),
        ({"SECURE_SSL_REDIRECT": True, "OIDC_LOGIN_BASE_URL": "https://your.site"}, []),
        ({"SECURE_SSL_REDIRECT": True, "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, []),
    ],
    ids=str,
)
def test_deployment_needs_the_public_address(written: dict[str, Any], expected: list[str], settings: Settings) -> None:
    settings.CACHES = SHARED
    for name, value in written.items():
        setattr(settings, name, value)

    assert numbers(messages(deploy=True)) == expected


# The database.


def connect(username: str, provider_key: str) -> None:
    user = get_user_model().objects.create_user(username)
    row = {"provider_key": provider_key, "issuer": ISSUER, "provider_user_id": username}
    OAuthConnection.objects.create(user=user, **row)


def stored(provider_key: str, issuer: str, *, count: int = 1) -> list[OAuthConnection]:
    """Connections of a provider under an issuer."""
    made = []
    for _ in range(count):
        number = OAuthConnection.objects.count()
        user = get_user_model().objects.create_user(f"person{number}")
        row = {"provider_key": provider_key, "issuer": issuer, "provider_user_id": str(number)}
        made.append(OAuthConnection.objects.create(user=user, **row))
    return made


def database_messages() -> list[CheckMessage]:
    return run_checks(tags=["oidc_login"], databases=["default"])


@pytest.mark.django_db
def test_connections_of_a_provider_that_is_gone(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = op()
    for username, provider_key in (("alice", "op"), ("bob", "gone"), ("carol", "gone")):
        connect(username, provider_key)

    found = database_messages()

    assert numbers(found) == ["W002"]
    assert found[0].msg.startswith("2 connections") and "'gone'" in found[0].msg


@pytest.mark.django_db
def test_connections_of_configured_providers(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = op()
    connect("alice", "op")

    assert database_messages() == []


GOOD_ISSUERS: dict[str, tuple[dict[str, Any], str]] = {
    "issuer": (OP, ISSUER),
    "discovery URL": (
        {"discovery_url": f"{ISSUER}/.well-known/openid-configuration", "client_id": "x"},
        f"{ISSUER}/",
    ),
    "home": (GITHUB, ""),
    "own server": ({**GITHUB, "base_url": "https://git.example"}, "https://git.example"),
    "own endpoints": (forge()["forge"], "https://forge.example"),
    "a tenant": (
        {
            "class": "oidc_login.providers.MicrosoftProvider",
            "tenant": "common",
            "allowed_tenants": "*",
            "client_id": "x",
        },
        "https://login.microsoftonline.com/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/v2.0",
    ),
    "a workspace": ({"class": "oidc_login.providers.SlackProvider", "client_id": "x"}, "https://slack.com/T0XYZ"),
    "an alias": ({"class": "oidc_login.providers.GoogleProvider", "client_id": "x"}, "https://accounts.google.com"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("entry", "issuer"), GOOD_ISSUERS.values(), ids=GOOD_ISSUERS)
def test_connections_of_the_issuer_of_today(entry: dict[str, Any], issuer: str, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"it": entry}
    stored("it", issuer)

    assert [message for message in database_messages() if message.id in ("oidc_login.W181", "oidc_login.W182")] == []


@pytest.mark.django_db
@pytest.mark.parametrize("entry", [entry for entry, _ in GOOD_ISSUERS.values()], ids=GOOD_ISSUERS)
def test_connections_of_another_issuer(entry: dict[str, Any], settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"it": entry}
    stored("it", "https://before.example/realm", count=2)

    (found,) = [message for message in database_messages() if message.id == "oidc_login.W182"]

    assert "'it'" in found.msg and "2 to 'https://before.example/realm'" in found.msg
    assert "oidc_login_move_issuer it https://before.example/realm" in str(found.hint)


@pytest.mark.django_db
def test_connections_that_name_no_server(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"it": {**GITHUB, "base_url": "https://git.example"}}
    keys = [str(row.pk) for row in stored("it", "", count=12)]

    (found,) = database_messages()

    assert found.id == "oidc_login.W181"
    assert found.msg.startswith("12 connections") and f"(rows {', '.join(keys[:10])}, ...)" in found.msg
    assert "oidc_login_move_issuer it '' https://git.example --apply" in str(found.hint)


@pytest.mark.django_db
def test_many_other_issuers_are_one_message(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = op()
    for number in range(7):
        stored("op", f"https://before.example/{number}", count=1 + (number == 6))

    (found,) = database_messages()

    assert "2 to 'https://before.example/6'" in found.msg
    assert "others to 2 more issuers" in found.msg


@pytest.mark.django_db
def test_connections_of_a_loaders_provider_that_another_tenant_took_over(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.tenants"
    stored("tenant", "https://before.example")

    (found,) = database_messages()

    assert found.id == "oidc_login.W182" and "'tenant'" in found.msg


def tenants() -> dict[str, Any]:
    return {"tenant": {**ENDPOINTS_OF_TENANT, "client_id": "x", "client_secret": SECRET}, "broken": {"isuer": 5}}


ENDPOINTS_OF_TENANT = {"class": "oidc_login.providers.GitLabRESTProvider", "base_url": "https://git.tenant.example"}


@pytest.mark.django_db
def test_loader_that_fails_is_no_message_about_its_connections(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.failing"
    stored("tenant", "https://before.example")

    assert database_messages() == []


def failing() -> Any:
    raise RuntimeError("the database is away")


@pytest.mark.django_db(transaction=True)
def test_connections_before_the_first_migration() -> None:
    with connection.schema_editor() as editor:
        editor.delete_model(OAuthConnection)
    try:
        assert database_messages() == []
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(OAuthConnection)


def test_a_site_without_a_database_gives_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {**connection.settings_dict, "ENGINE": "django.db.backends.dummy"}
    monkeypatch.setitem(connections.settings, "nowhere", without)
    try:
        assert run_checks(tags=["oidc_login"], databases=["nowhere"]) == messages()
    finally:
        del connections["nowhere"]


def test_connections_are_not_asked_for_without_a_database() -> None:
    assert run_checks(tags=["oidc_login"], databases=[]) == []
