"""What is registered, where its options come from, and which of them are refused."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured

from oidc_login.client import OAuth, OAuthError
from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.providers import GitHubProvider, GoogleProvider, OAuthProvider, OIDCProvider
from tests.client.conftest import CALLBACK, Register
from tests.client.trip import Trip
from tests.support.served import CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

DOCUMENT = "https://op.example/.well-known/openid-configuration"
OPENID: dict[str, Any] = {"client_id": "client", "server_metadata_url": DOCUMENT}
PLAIN: dict[str, Any] = {"client_id": "client", "access_token_url": "https://op.example/token"}


def provider_of(client: DjangoOAuth2App) -> Any:
    return client._registration.provider()


# Names.


def test_client_by_its_name() -> None:
    oauth = OAuth()
    client = oauth.register("company", **OPENID)

    assert oauth.company is client
    assert oauth.create_client("company") is client
    assert repr(client) == "<DjangoOAuth2App company>"


def test_client_that_is_not_there() -> None:
    oauth = OAuth()

    assert oauth.create_client("company") is None
    with pytest.raises(AttributeError, match="^No such client: company$"):
        _ = oauth.company


def test_name_that_is_registered_again() -> None:
    oauth = OAuth()
    oauth.register("company", **OPENID)
    client = oauth.register("company", **{**OPENID, "client_id": "another"})

    assert oauth.company is client
    assert provider_of(client).client_id == "another"


def test_cache_of_the_original_is_taken_and_left_alone() -> None:
    oauth = OAuth(cache=object())
    client = oauth.register("company", **OPENID)

    assert oauth.company is client


# The options of the settings.


def test_settings_fill_the_gaps(settings: Settings) -> None:
    settings.AUTHLIB_OAUTH_CLIENTS = {"company": {**OPENID, "client_secret": "of the settings"}}

    client = OAuth().register("company", client_id="of the code", client_secret=None)

    assert provider_of(client).client_id == "of the code"
    assert provider_of(client).get_client_secret() == "of the settings"


def test_settings_come_first_with_overwrite(settings: Settings) -> None:
    settings.AUTHLIB_OAUTH_CLIENTS = {
        "company": {"client_id": "of the settings", "client_secret": "", "client_kwargs": {"scope": "openid phone"}}
    }
    own: dict[str, Any] = {"client_secret": "of the code", "client_kwargs": {"scope": "openid", "default_timeout": 3}}

    provider = provider_of(OAuth().register("company", overwrite=True, **{**OPENID, **own}))

    assert provider.client_id == "of the settings"
    assert provider.get_client_secret() == "of the code"
    assert (provider.scope, provider.transport.timeout) == ("openid phone", 3)


def test_settings_that_change(settings: Settings) -> None:
    client = OAuth().register("company")
    settings.AUTHLIB_OAUTH_CLIENTS = {"company": OPENID}
    before = provider_of(client)
    assert provider_of(client) is before

    settings.AUTHLIB_OAUTH_CLIENTS = {"company": {**OPENID, "client_id": "another"}}

    assert client.client_id == "another"


def test_options_of_the_caller_are_not_changed() -> None:
    class Company(DjangoOAuth2App):
        OAUTH_APP_CONFIG: ClassVar[Mapping[str, Any]] = dict(OPENID)

    oauth = OAuth()
    first = oauth.register("first", client_cls=Company)
    second = oauth.register("second", client_cls=Company, client_id="another")

    assert (provider_of(first).client_id, provider_of(second).client_id) == ("client", "another")
    assert Company.OAUTH_APP_CONFIG == OPENID
    assert isinstance(first, Company)


@pytest.mark.parametrize("client_class", [dict, "dotted.path"], ids=str)
def test_class_that_is_no_clients(client_class: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="no subclass of DjangoOAuth2App"):
        OAuth().register("company", client_cls=client_class)


# The providers of OIDC_LOGIN_PROVIDERS.


def test_provider_of_the_settings(settings: Settings) -> None:
    configure(settings, "github", **{"class": "oidc_login.providers.GitHubProvider", "client_id": "c", "scope": "repo"})

    client = OAuth().register("github", api_base_url="https://api.github.com/")

    assert type(provider_of(client)) is GitHubProvider
    assert (provider_of(client).key, provider_of(client).scope) == ("github", "repo")


def test_options_beside_a_provider_of_the_settings(settings: Settings) -> None:
    entry = {"class": "oidc_login.providers.GoogleProvider", "client_id": "c", "hosted_domain": "corp.example"}
    configure(settings, "google", **entry)

    client = OAuth().register("google", client_kwargs={"scope": "openid", "default_timeout": 5})

    provider = provider_of(client)
    assert type(provider) is GoogleProvider
    assert (provider.hosted_domain, provider.scope, provider.transport.timeout) == ("corp.example", "openid", 5)


def test_option_that_the_class_does_not_take(settings: Settings) -> None:
    configure(settings, "github", **{"class": "oidc_login.providers.GitHubProvider", "client_id": "c"})
    client = OAuth().register("github", user_agent="shop/1.0")

    with pytest.raises(ImproperlyConfigured, match=r"OIDC_LOGIN_PROVIDERS\['github'\]: unknown argument 'user_agent'"):
        provider_of(client)


def test_credentials_of_the_settings_for_an_address_of_the_code(settings: Settings) -> None:
    configure(settings, "google", issuer="https://accounts.google.com", client_id="c", client_secret="s")

    provider = provider_of(OAuth().register("google", server_metadata_url=DOCUMENT))

    assert (provider.client_id, provider.get_client_secret()) == ("c", "s")
    assert provider.discovery_url == DOCUMENT


def test_authlibs_settings_come_before_ours(settings: Settings) -> None:
    configure(settings, "google", issuer="https://accounts.google.com", client_id="ours")
    settings.AUTHLIB_OAUTH_CLIENTS = {"google": OPENID}

    assert provider_of(OAuth().register("google")).client_id == "client"


def test_whole_flow_with_a_provider_of_the_settings(op: RecordingOpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", issuer=op.issuer, client_id="client", client_secret=CLIENT_SECRET)

    token = Trip(OAuth().register("op")).whole(op)

    assert token["userinfo"]["sub"]


def test_loader_is_asked_when_the_provider_is_needed(settings: Settings) -> None:
    """Not when the module of the client is imported."""
    asked.clear()
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.customers"
    client = OAuth().register("customer")
    assert asked == []

    assert provider_of(client).discovery_url == DOCUMENT
    assert provider_of(client).link_by_email == "never"


asked: list[str] = []


def customers() -> dict[str, Any]:
    asked.append("customers")
    return {"customer": {"discovery_url": DOCUMENT, "client_id": "c"}}


def test_name_that_no_setting_knows() -> None:
    client = OAuth().register("company")

    with pytest.raises(ImproperlyConfigured, match="the client 'company': client_id is missing"):
        provider_of(client)


# What makes which provider.


def test_document_makes_an_openid_provider() -> None:
    provider = provider_of(OAuth().register("company", **OPENID))

    assert isinstance(provider, OIDCProvider)
    assert (provider.discovery_url, provider.get_scope()) == (DOCUMENT, "openid email profile")
    assert provider.leeway == 120


def test_metadata_alone_makes_an_openid_provider(op: RecordingOpenIDProvider) -> None:
    """No document is asked for."""
    options: dict[str, Any] = {
        "issuer": op.issuer,
        "authorize_url": op.authorization_endpoint,
        "access_token_url": op.token_endpoint,
        "jwks_uri": op.url("/jwks"),
        "userinfo_endpoint": op.url("/userinfo"),
    }
    client = OAuth().register("own", client_id="client", client_secret=CLIENT_SECRET, **options)

    token = Trip(client).whole(op)

    assert client.userinfo(token=token)["email"]
    assert op.asked() == ["token", "jwks", "userinfo"]


def test_options_replace_what_the_document_says(op: RecordingOpenIDProvider) -> None:
    client = OAuth().register(
        "own",
        client_id="client",
        server_metadata_url=op.discovery_url,
        authorize_url="https://op.example/authorize",
        userinfo_endpoint="https://op.example/userinfo",
    )

    metadata = client.load_server_metadata()

    assert metadata["authorization_endpoint"] == "https://op.example/authorize"
    assert metadata["userinfo_endpoint"] == "https://op.example/userinfo"
    assert metadata["token_endpoint"] == op.token_endpoint


def test_issuer_is_held_against_the_document(op: RecordingOpenIDProvider) -> None:
    options: dict[str, Any] = {"issuer": "https://another.example", "server_metadata_url": op.discovery_url}
    client = OAuth().register("own", client_id="client", **options)

    with pytest.raises(OAuthError) as caught:
        client.load_server_metadata()
    assert (caught.value.code, caught.value.reason) == ("metadata_invalid", "issuer_mismatch")


def test_endpoints_make_an_oauth2_provider() -> None:
    provider: OAuthProvider = provider_of(OAuth().register("forge", **PLAIN, client_kwargs={"scope": "repo user"}))

    assert not isinstance(provider, OIDCProvider)
    assert provider.get_scope() == "repo user"
    assert provider.sends_code_challenge()


def test_client_kwargs_reach_the_provider(tmp_path: Any) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    kwargs = {
        "scope": ["openid", "phone"],
        "token_endpoint_auth_method": "client_secret_post",
        "default_timeout": 7,
        "verify": str(bundle),
        "prompt": "consent",
        "login_hint": "alice",
        "response_mode": "form_post",
    }
    client = OAuth().register("company", **OPENID, client_kwargs=kwargs, authorize_params={"access_type": "offline"})

    provider = provider_of(client)

    assert provider.scope == "openid phone"
    assert provider.token_endpoint_auth_method == "client_secret_post"
    assert (provider.transport.timeout, provider.transport.ca_bundle) == (7, str(bundle))
    assert provider.authorization_params == {"prompt": "consent", "login_hint": "alice", "access_type": "offline"}
    assert provider.response_mode == "form_post"


def test_parameters_and_name_of_token_requests(register: Register, op: RecordingOpenIDProvider) -> None:
    client = register(access_token_params={"resource": "https://api.example", "code": "x"}, user_agent="shop/1.0")

    Trip(client).whole(op)

    request = next(each for each in op.requests if each.endpoint == "token")
    assert request.form["resource"] == "https://api.example"
    assert request.form["code"] != "x"
    assert request.headers["user-agent"] == "shop/1.0"


def test_other_members_of_the_answer_are_passed_on(github: RecordingGitHub) -> None:
    """But not what only the package may say."""

    def more(answer: Any) -> Any:
        answer.json |= {"team": {"id": 7}, "userinfo": {"sub": "admin"}}
        return answer

    github.bend("token", more)

    token = Trip(OAuth().register("forge")).whole(github, "bob")

    assert token["team"] == {"id": 7}
    assert "userinfo" not in token
    assert set(token) == {"access_token", "scope", "team", "token_type"}


# What is refused.

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"client_kwargs": {"verify": False}}, "client_kwargs['verify'] would switch TLS off", "Remove it"),
    ({"client_kwargs": {"verify": None}}, "", ""),
    ({"client_kwargs": {"verify": 0}}, "client_kwargs['verify'] would switch TLS off", "Remove it"),
    ({"client_kwargs": {"verify": "/no/such/file"}}, "names no file of certificates", "Write"),
    ({"client_kwargs": {"code_challenge_method": "plain"}}, "client_kwargs['code_challenge_method']", "S256"),
    ({"client_kwargs": {"code_challenge_method": "s256"}}, "client_kwargs['code_challenge_method']", "S256"),
    ({"client_kwargs": {"code_challenge_method": ""}}, "client_kwargs['code_challenge_method']", "S256"),
    ({"client_kwargs": {"response_type": "token"}}, "client_kwargs['response_type']", '"code"'),
    ({"client_kwargs": {"response_mode": "fragment"}}, "client_kwargs['response_mode']", "'form_post'"),
    ({"client_kwargs": {"token_placement": "uri"}}, "client_kwargs['token_placement']", '"header"'),
    ({"client_kwargs": {"token_placement": "body"}}, "client_kwargs['token_placement']", '"header"'),
    ({"client_kwargs": {"trust_env": True}}, "client_kwargs['trust_env']", "Remove it"),
    ({"client_kwargs": {"proxies": {}}}, "client_kwargs['proxies'] is not supported", "proxy"),
    ({"client_kwargs": {"cert": "client.pem"}}, "client_kwargs['cert'] is not supported", "private_key_jwt"),
    ({"client_kwargs": {"leeway": 301}}, "client_kwargs['leeway'] must be", "from 0 to 300. Write 60"),
    ({"client_kwargs": {"leeway": -1}}, "client_kwargs['leeway'] must be", "from 0 to 300. Write 60"),
    ({"client_kwargs": {"leeway": "60"}}, "client_kwargs['leeway'] must be", "from 0 to 300. Write 60"),
    ({"client_kwargs": {"default_timeout": 0}}, "client_kwargs['default_timeout'] must be", "from 0 to 20. Write 10"),
    ({"client_kwargs": {"default_timeout": 21}}, "client_kwargs['default_timeout'] must be", "from 0 to 20. Write 10"),
    ({"client_kwargs": {"default_timeout": True}}, "client_kwargs['default_timeout'] must be", "Write 10"),
    ({"client_kwargs": {"grant_type": "password"}}, "client_kwargs['grant_type']", "'client_credentials'"),
    ({"client_kwargs": {"token_endpoint_auth_method": ["none"]}}, "token_endpoint_auth_method", "'private_key_jwt'"),
    ({"client_kwargs": {"scope": 7}}, "client_kwargs['scope'] must be", '["..."]'),
    ({"client_kwargs": {"scop": "openid"}}, "client_kwargs['scop'] is not known", "Did you mean 'scope'?"),
    ({"client_kwargs": "openid"}, "client_kwargs must be a dictionary", "scope"),
    ({"clientid": "x"}, "clientid is not known", "Did you mean 'client_id'?"),
    ({"verify": False}, "verify would switch TLS off", "path"),
    ({"scope": "openid"}, "scope belongs into client_kwargs", 'client_kwargs={"scope": ...}'),
    ({"client_id": 7}, "client_id must be a string", '"..."'),
    ({"client_secret": [None]}, "client_secret must be", '["..."]'),
    ({"server_metadata_url": "http://op.example/.well-known/openid-configuration"}, "server_metadata_url", "https://"),
    ({"server_metadata_url": 7}, "server_metadata_url is not a valid URL", "https://"),
    ({"authorize_url": "//op.example/authorize"}, "authorize_url is not a valid URL", "https://"),
    ({"access_token_url": "https://user:pass@op.example/token"}, "access_token_url is not a valid URL", "https://"),
    ({"api_base_url": "api/"}, "api_base_url is not a valid URL", "https://"),
    ({"userinfo_endpoint": "user"}, "userinfo_endpoint is not a valid URL", "https://"),
    ({"authorize_params": {"state": "fixed"}}, "authorize_params sets 'state'", "Remove 'state'"),
    ({"authorize_params": {"request_uri": "https://evil.example"}}, "authorize_params sets 'request_uri'", "Remove"),
    ({"authorize_params": {"scope": "email"}}, "authorize_params sets 'scope'", "Remove 'scope'"),
    ({"authorize_params": {"max_age": 60}}, "authorize_params sets 'max_age'", "Remove 'max_age'"),
    ({"authorize_params": {"code_verifier": "x"}}, "authorize_params sets 'code_verifier'", "Remove 'code_verifier'"),
    ({"authorize_params": {"claims": {}}}, "authorize_params must be", "dictionary"),
    ({"access_token_params": {"method": "GET"}}, "access_token_params sets 'method'", "Remove 'method'"),
    ({"id_token_signing_alg_values_supported": ["none"]}, "id_token_signing_alg_values_supported", "'RS256'"),
    ({"id_token_signing_alg_values_supported": ["HS256"]}, "id_token_signing_alg_values_supported", "'RS256'"),
    ({"id_token_signing_alg_values_supported": []}, "id_token_signing_alg_values_supported", "'RS256'"),
    ({"scopes_supported": "openid"}, "scopes_supported must be a list", '["..."]'),
    ({"authorization_response_iss_parameter_supported": "no"}, "iss_parameter_supported must be", "True"),
    ({"jwks": {"keys": []}}, "jwks would outlive the keys", "jwks_uri"),
    ({"client_key": {"kty": "oct"}}, "client_key must be a private key", "PEM"),
    ({"client_key": 7}, "client_key must be a private key", "PEM"),
    ({"compliance_fix": print}, "compliance_fix is not supported", "OIDC_LOGIN_PROVIDERS"),
    ({"client_auth_methods": []}, "client_auth_methods is not supported", "private_key_jwt"),
    ({"fetch_token": "dotted.path"}, "fetch_token must be a function", "itself"),
]


@pytest.mark.parametrize(("options", "finding", "advice"), [row for row in REFUSED if row[1]], ids=str)
def test_option_that_is_refused(options: dict[str, Any], finding: str, advice: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        OAuth().register("company", **{**OPENID, **options})

    message = str(caught.value)
    assert message.startswith("oauth.register('company'): ")
    assert finding in message
    assert advice in message


@pytest.mark.parametrize(
    "options", [row[0] for row in REFUSED if not {"fetch_token"} & set(row[0]) and row[1]], ids=str
)
def test_option_of_the_settings_that_is_refused(options: dict[str, Any], settings: Settings) -> None:
    """Where the provider is needed: until then the system checks have the word."""
    settings.AUTHLIB_OAUTH_CLIENTS = {"company": {**OPENID, **options}}
    client = OAuth().register("company")

    with pytest.raises(ImproperlyConfigured, match=r"AUTHLIB_OAUTH_CLIENTS\['company'\]: "):
        client.authorize_redirect(Trip(client).request("/login"), CALLBACK)


@pytest.mark.parametrize("name", ["fetch_token", "update_token", "client_cls"])
def test_setting_that_only_code_can_give(name: str, settings: Settings) -> None:
    settings.AUTHLIB_OAUTH_CLIENTS = {"company": {**OPENID, name: "dotted.path"}}

    with pytest.raises(ImproperlyConfigured, match=f"{name} can only be set in code"):
        provider_of(OAuth().register("company"))


ACCEPTED: list[dict[str, Any]] = [
    {"client_kwargs": {"verify": True, "trust_env": False, "code_challenge_method": "S256", "response_type": "code"}},
    {"client_kwargs": {"token_placement": "header", "leeway": 0, "default_timeout": 0.5, "cert": None}},
    {"client_kwargs": None, "compliance_fix": None},
    {"refresh_token_url": "https://op.example/token", "refresh_token_params": {}},
    {"client_secret": ["new", "old"], "scopes_supported": ["openid"]},
]


@pytest.mark.parametrize("options", ACCEPTED, ids=str)
def test_option_that_is_fine(options: dict[str, Any]) -> None:
    assert provider_of(OAuth().register("company", **{**OPENID, **options}))


INCOMPLETE: list[tuple[dict[str, Any], str]] = [
    ({"server_metadata_url": DOCUMENT}, "client_id is missing"),
    ({"client_id": "", "server_metadata_url": DOCUMENT}, "client_id is missing"),
    ({**PLAIN, "client_kwargs": {"scope": "openid"}}, "server_metadata_url is missing"),
    ({**PLAIN, "client_kwargs": {"scope": ["profile", "openid"]}}, "server_metadata_url is missing"),
    ({"client_id": "c", "server_metadata_url": "https://op.example/.well-known/other"}, "issuer is missing"),
    ({"client_id": "c", "authorize_url": "https://op.example/authorize"}, "access_token_url is missing"),
]


@pytest.mark.parametrize(("options", "finding"), INCOMPLETE, ids=str)
def test_client_that_cannot_work(options: dict[str, Any], finding: str) -> None:
    client = OAuth().register("company", **options)

    with pytest.raises(ImproperlyConfigured, match=f"the client 'company': {finding}. .*Write"):
        provider_of(client)


def test_secret_is_in_no_message() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        OAuth().register("company", **{**OPENID, "client_secret": {"CANARY": 1}, "client_key": "CANARY"})

    assert "CANARY" not in str(caught.value)


# Importing.

WITHOUT_THE_APPLICATION = """
import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], SECRET_KEY="x" * 50)
django.setup()

from oidc_login.client import OAuth
from django.apps import apps
from django.test import RequestFactory

options = {"client_id": "c", "authorize_url": "https://op.example/a", "access_token_url": "https://op.example/t"}
client = OAuth().register("forge", **options)
response = client.authorize_redirect(RequestFactory().get("/"), "https://site.example/callback")
print([response.status_code, apps.is_installed("oidc_login"), "oidc_login.models" in __import__("sys").modules])
"""


def test_site_that_has_not_installed_the_application() -> None:
    """Changing the import is enough."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_APPLICATION], capture_output=True, text=True, check=True, timeout=60
    )

    assert ast.literal_eval(done.stdout) == [302, False, False]
