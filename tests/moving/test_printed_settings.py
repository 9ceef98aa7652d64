"""`--settings`: what is printed is Python that runs, and a site that the checks are content with."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from oidc_login.flow.redirects import old_callback
from oidc_login.moving.sources import allauth, oauth2_capture, social_auth
from oidc_login.moving.translations.values import OUR_BACKEND
from oidc_login.testing import OpenIDProvider
from oidc_login.testing.documents import PATHS
from tests.moving.conftest import run_import
from tests.moving.printed import complaints, executed, moved_site, printed
from tests.providers.apple_style import KEY_TEXT

pytestmark = pytest.mark.django_db

SECRET = "the-secret-of-the-old-settings-of-32-bytes"
OLD_PACKAGES = ("allauth", "social", "django_auth", "mozilla")
# What a check says of the printed settings: what a comment says too, and what is left of the old ones.
LEFT_TO_PEOPLE = {"mozilla": {"oidc_login.W101"}, "oauth_login": {"oidc_login.W150"}}
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every variable that an entry may read a value, as a deployment would."""
    values: dict[str, str] = {
        "APPLE_CLIENT_KEY": KEY_TEXT,
        "COGNITO_USER_POOL_ID": "eu-central-1_EXAMPLE00",
        "KEYCLOAK_BASE_URL": "https://id.example.org",
        "KEYCLOAK_REALM": "staff",
        "MICROSOFT_ALLOWED_TENANT": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    }

    class Deployment(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return values.get(name, "a secret of this deployment, of 32 bytes")

    monkeypatch.setattr("os.environ", Deployment(__import__("os").environ))


def allauth_settings() -> dict[str, Any]:
    """Return the settings of a site that uses every provider of allauth that is shipped here."""
    secrets = {"secret": SECRET, "key": SECRET}
    found: dict[str, Any] = {
        name: {"APP": {"client_id": f"client-of-{name}", **secrets}} for name in allauth.COUNTERPARTS
    }
    found["auth0"]["AUTH0_URL"] = "https://shop.eu.auth0.com"
    found["okta"]["OKTA_BASE_URL"] = "shop.okta.com"
    found["gitlab"]["GITLAB_URL"] = "https://git.example.org"
    found["google"] |= {"SCOPE": ["profile", "email"], "AUTH_PARAMS": {"access_type": "online"}}
    found["openid_connect"] = {
        "APPS": [
            {
                **secrets,
                "client_id": "client-of-my-company",
                "provider_id": "my-company",
                "name": 'My "Company"',
                "settings": {
                    "server_url": "https://id.example.org/realms/staff",
                    "token_auth_method": "client_secret_post",
                },
            }
        ]
    }
    return found


def social_settings() -> dict[str, Any]:
    """Return the settings of a site that uses every backend of Python Social Auth that is shipped here."""
    found: dict[str, Any] = {}
    for name in social_auth.COUNTERPARTS:
        prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
        found |= {f"{prefix}_KEY": f"client-of-{name}", f"{prefix}_SECRET": SECRET}
    return {
        **found,
        "SOCIAL_AUTH_APPLE_ID_CLIENT": "org.example.shop",
        "SOCIAL_AUTH_APPLE_ID_TEAM": "TEAM000000",
        "SOCIAL_AUTH_AUTH0_DOMAIN": "shop.eu.auth0.com",
        "SOCIAL_AUTH_AUTH0_OPENIDCONNECT_DOMAIN": "shop.eu.auth0.com",
        "SOCIAL_AUTH_OKTA_OAUTH2_API_URL": "https://shop.okta.com/oauth2",
        "SOCIAL_AUTH_OKTA_OPENIDCONNECT_API_URL": "https://shop.okta.com/oauth2",
        "SOCIAL_AUTH_KEYCLOAK_AUTHORIZATION_URL": "https://id.example.org/realms/staff/protocol/openid-connect/auth",
        "SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS": ["example.org"],
        "SOCIAL_AUTH_GITHUB_ORG_NAME": "example",
        "SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_TENANT_ID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "AUTHENTICATION_BACKENDS": ["social_core.backends.google.GoogleOAuth2", MODEL_BACKEND],
    }


OLD: dict[str, dict[str, Any]] = {
    "allauth": {
        "SOCIALACCOUNT_PROVIDERS": allauth_settings(),
        "AUTHENTICATION_BACKENDS": [MODEL_BACKEND, "allauth.account.auth_backends.AuthenticationBackend"],
    },
    "social_auth": social_settings(),
    "adfs": {
        "AUTH_ADFS": {
            "TENANT_ID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "CLIENT_ID": "the-client",
            "CLIENT_SECRET": SECRET,
            "AUDIENCE": "the-client",
            "RELYING_PARTY_ID": "the-client",
            "MIRROR_GROUPS": True,
            "GROUP_TO_FLAG_MAPPING": {"is_staff": ["shop staff"]},
            "CREATE_NEW_USERS": False,
        },
        "AUTHENTICATION_BACKENDS": ["django_auth_adfs.backend.AdfsAuthCodeBackend", MODEL_BACKEND],
    },
    "pyoidc": {
        "DJANGO_PYOIDC": {
            "sso": {
                "provider_class": "KeycloakProvider",
                "keycloak_base_uri": "https://id.example.org",
                "keycloak_realm": "staff",
                "client_id": "the-client",
                "client_secret": SECRET,
                "oidc_paths_prefix": "keycloak",
            },
            "Partner": {
                "provider_discovery_uri": "https://partner.example/",
                "client_id": "another-client",
                "client_secret": SECRET,
            },
        },
    },
    "oauth_login": {
        "OAUTH_LOGIN_PROVIDERS": {
            "forge": {
                "class": "tests.moving.forge.ForgeProvider",
                "kwargs": {"client_id": "the-client", "client_secret": SECRET, "scope": "user", "page_size": 3},
            }
        },
    },
    "oauth2_capture": {
        "OAUTH2_CONFIG": {
            name: {"client_id": f"client-of-{name}", "client_secret": SECRET, "scope": "email"}
            for name in oauth2_capture.COUNTERPARTS
        },
    },
    "mozilla": {
        "OIDC_RP_CLIENT_ID": "the-client",
        "OIDC_RP_CLIENT_SECRET": SECRET,
        "OIDC_RP_SIGN_ALGO": "RS256",
        "OIDC_OP_AUTHORIZATION_ENDPOINT": "https://id.example.org/authorize",
        "OIDC_OP_TOKEN_ENDPOINT": "https://id.example.org/token",
        "OIDC_OP_USER_ENDPOINT": "https://id.example.org/userinfo",
        "OIDC_OP_JWKS_ENDPOINT": "https://id.example.org/keys",
        "AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
    },
}


@pytest.fixture(params=OLD)
def source(request: pytest.FixtureRequest, settings: Any) -> str:
    for name, value in OLD[request.param].items():
        setattr(settings, name, value)
    return str(request.param)


def test_printed_settings_pass_the_checks(source: str) -> None:
    with moved_site(printed(source)) as written:
        assert {message.id for message in complaints()} == LEFT_TO_PEOPLE.get(source, set())
        assert OUR_BACKEND in written["AUTHENTICATION_BACKENDS"]
        assert not any(path.startswith(OLD_PACKAGES) for path in written["AUTHENTICATION_BACKENDS"])


def test_no_secret_is_printed(source: str) -> None:
    assert SECRET not in printed(source)


@pytest.mark.parametrize(
    ("source", "old_names"),
    [
        ("allauth", [*allauth.COUNTERPARTS, "my-company"]),
        ("social_auth", list(social_auth.COUNTERPARTS)),
        ("oauth2_capture", list(oauth2_capture.COUNTERPARTS)),
    ],
)
def test_every_provider_that_is_shipped_has_an_entry(source: str, old_names: list[str], settings: Any) -> None:
    for name, value in OLD[source].items():
        setattr(settings, name, value)

    assert len(executed(printed(source))["OIDC_LOGIN_PROVIDERS"]) == len(old_names)


@pytest.mark.parametrize(
    ("source", "addresses"),
    [
        (
            "allauth",
            {
                "google": "/accounts/google/login/callback/",
                "my-company": "/accounts/oidc/my-company/login/callback/",
                "bitbucket": "/accounts/bitbucket_oauth2/login/callback/",
            },
        ),
        ("social_auth", {"google": "/complete/google-oauth2/", "microsoft": "/complete/azuread-oauth2/"}),
        ("adfs", {"microsoft": "/oauth2/callback"}),
        ("pyoidc", {"sso": "/keycloak-callback", "partner": "/Partner-callback"}),
        ("oauth_login", {"forge": "/oauth/forge/callback/"}),
    ],
)
def test_addresses_that_are_registered_stay(source: str, addresses: dict[str, str], settings: Any) -> None:
    for name, value in OLD[source].items():
        setattr(settings, name, value)

    with moved_site(printed(source)):
        for key, path in addresses.items():
            found = old_callback(key)
            assert found is not None
            assert reverse(found[0], args=found[1]) == path


def written_by(source: str, settings: Any, **changed: Any) -> dict[str, Any]:
    for name, value in {**OLD[source], **changed}.items():
        setattr(settings, name, value)
    return executed(printed(source))


def test_restrictions_come_along(settings: Any) -> None:
    entries = written_by("social_auth", settings)["OIDC_LOGIN_PROVIDERS"]

    assert entries["google"]["allowed_email_domains"] == ["example.org"]
    assert entries["github-org"]["allow_login"] is False  # nobody, until a person wrote who
    assert "allow_login" not in entries["github"]


def test_pipeline_without_new_users_closes_sign_up(settings: Any) -> None:
    steps = ["social_core.pipeline.social_auth.social_user", "shop.steps.greet"]

    written = written_by("social_auth", settings, SOCIAL_AUTH_PIPELINE=steps)

    assert written["OIDC_LOGIN_ALLOW_SIGNUP"] is False
    assert written["OIDC_LOGIN_EMAIL_LINKING"] == "never"
    assert "shop.steps.greet" in printed("social_auth")


def test_groups_of_adfs_come_along(settings: Any) -> None:
    entry = written_by("adfs", settings)["OIDC_LOGIN_PROVIDERS"]["microsoft"]

    assert (entry["groups_claim"], entry["group_map"], entry["create_groups"]) == ("groups", {"*": "*"}, True)
    assert (entry["staff_groups"], entry["allow_signup"], entry["link_by_email"]) == (["shop staff"], False, "never")


def test_server_of_adfs_is_named_by_its_issuer(settings: Any) -> None:
    old = {"SERVER": "adfs.example.org", "CLIENT_ID": "c", "RELYING_PARTY_ID": "shop", "AUDIENCE": "shop"}

    entry = written_by("adfs", settings, AUTH_ADFS=old)["OIDC_LOGIN_PROVIDERS"]["microsoft"]

    assert (entry["issuer"], entry["authorization_params"]) == ("https://adfs.example.org/adfs", {"resource": "shop"})


def test_connecting_providers_sign_nobody_in(settings: Any) -> None:
    entries = written_by("oauth2_capture", settings)["OIDC_LOGIN_PROVIDERS"]

    assert {entry["allow_login"] for entry in entries.values()} == {False}


def test_provider_that_is_not_shipped_is_named(settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"vk": {"APP": {"client_id": "c", "secret": SECRET}}}

    assert "The package has no class for 'vk'." in printed("allauth")


def test_values_cannot_leave_their_place(settings: Any) -> None:
    name = 'x"\n}; raise SystemExit #'
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {"client_id": name, "provider_id": "a", "name": name, "settings": {"server_url": "https://a.example"}}
            ]
        },
        name: {"APP": {"client_id": "c"}},
    }
    assert executed(printed("allauth"))["OIDC_LOGIN_PROVIDERS"]["a"]["client_id"] == name


def test_settings_are_only_printed() -> None:
    assert "--settings only prints" in run_import("allauth", "--settings", "--apply")[1]


def test_issuer_is_looked_up(directory: OpenIDProvider, settings: Any) -> None:
    for name, value in OLD["mozilla"].items():
        setattr(settings, name, value)
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = directory.issuer + PATHS["authorization_endpoint"]
    settings.OIDC_OP_TOKEN_ENDPOINT = directory.issuer + PATHS["token_endpoint"]
    settings.OIDC_OP_JWKS_ENDPOINT = directory.issuer + PATHS["jwks_uri"]

    assert executed(printed("mozilla"))["OIDC_LOGIN_PROVIDERS"]["oidc"]["issuer"] == directory.issuer
