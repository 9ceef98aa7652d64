"""The access tokens of the identity services, in the shapes that they have, signed by the test provider's keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache

from oidc_login.models import OAuthConnection
from tests.support.served import RecordingOpenIDProvider

API = "https://api.example.org"
CLIENT, SPA, ROBOT = "web-client", "spa-client", "robot-client"
PERSON = "a3f1c9d2-person"
TENANT, OTHER_TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"
OID, ROBOT_OID = "99999999-8888-7777-6666-555555555555", "99999999-8888-7777-6666-000000000000"
ENTRA_CLIENT = "11111111-2222-3333-4444-555555555555"
ENTRA = f"https://login.microsoftonline.com/{TENANT}/v2.0"

Claims = dict[str, Any]


def metadata(op: RecordingOpenIDProvider, issuer: str) -> dict[str, str]:
    """Metadata of a service whose keys are the test provider's."""
    return {
        "issuer": issuer,
        "authorization_endpoint": op.authorization_endpoint,
        "token_endpoint": op.token_endpoint,
        "jwks_uri": f"{op.base_url}/jwks",
        "introspection_endpoint": f"{op.base_url}/introspect",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: its issuer, the entries of the settings, and its tokens for a person, a client and signing in."""

    issuer: str
    profile: str
    person: Claims
    application: Claims
    id_token: Claims
    header: Claims = field(default_factory=lambda: {"typ": "JWT"})
    id_header: Claims = field(default_factory=lambda: {"typ": "JWT"})
    audience: str = API
    client_id: str = CLIENT
    metadata_issuer: str = ""
    arguments: Claims = field(default_factory=dict)

    def provider_entry(self, op: RecordingOpenIDProvider) -> Claims:
        return {
            "client_id": self.client_id,
            "metadata": metadata(op, self.metadata_issuer or self.issuer),
            **self.arguments,
        }

    def bearer_entry(self, **members: Any) -> Claims:
        return {"audience": self.audience, "token_profile": self.profile, **members}

    def token(self, op: RecordingOpenIDProvider, claims: Claims, header: Claims | None = None) -> str:
        """Return a signed token; a claim that is `None` is left out."""
        now = int(time.time())
        stated = {"iss": self.issuer, "iat": now, "exp": now + 600, **claims}
        token = op.unsigned_token({name: value for name, value in stated.items() if value is not None})
        merged = {**token.header, **self.header, **(header or {})}
        token.header = {name: value for name, value in merged.items() if value is not None}
        return token.signed()


_SERVICES: Mapping[str, Service] = {
    "rfc9068": Service(
        issuer="https://as.example",
        profile="rfc9068",
        header={"typ": "at+jwt"},
        person={"sub": PERSON, "aud": API, "client_id": SPA, "jti": "1", "scope": "openid orders.read"},
        application={"sub": ROBOT, "aud": API, "client_id": ROBOT, "jti": "1", "scope": "orders.read"},
        id_token={"sub": PERSON, "aud": CLIENT, "nonce": "n", "at_hash": "x"},
    ),
    # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    "entra v2": Service(
        issuer=ENTRA,
        profile="entra",
        client_id=ENTRA_CLIENT,
        audience=ENTRA_CLIENT,
        arguments={"class": "oidc_login.providers.MicrosoftProvider", "tenant": TENANT},
        person={
            "aud": ENTRA_CLIENT,
            "azp": SPA,
            "azpacr": "0",
            "name": "Ada",
            "oid": OID,
            "preferred_username": "ada@contoso.example",
            "rh": "0.A",
            "roles": ["Orders.Admin"],
            "scp": "orders.read",
            "sub": PERSON,
            "tid": TENANT,
            "uti": "u",
            "ver": "2.0",
        },
        application={
            "aud": ENTRA_CLIENT,
            "azp": ROBOT,
            "azpacr": "1",
            "oid": ROBOT_OID,
            "roles": ["Orders.Read.All"],
            "sub": ROBOT_OID,
            "tid": TENANT,
            "ver": "2.0",
        },
        id_token={
            "aud": ENTRA_CLIENT,
            "oid": OID,
            "sub": PERSON,
            "tid": TENANT,
            "roles": ["Orders.Admin"],
            "nonce": "n",
            "ver": "2.0",
        },
    ),
    "entra v1": Service(
        issuer=ENTRA,
        profile="entra",
        client_id=ENTRA_CLIENT,
        audience="api://shop",
        arguments={"class": "oidc_login.providers.MicrosoftProvider", "tenant": TENANT},
        person={
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": "api://shop",
            "appid": SPA,
            "appidacr": "0",
            "oid": OID,
            "scp": "orders.read",
            "sub": PERSON,
            "tid": TENANT,
            "unique_name": "ada@contoso.example",
            "upn": "ada@contoso.example",
            "ver": "1.0",
        },
        application={
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": "api://shop",
            "appid": ROBOT,
            "appidacr": "1",
            "idtyp": "app",
            "oid": ROBOT_OID,
            "roles": ["Orders.Read.All"],
            "sub": ROBOT_OID,
            "tid": TENANT,
            "ver": "1.0",
        },
        id_token={
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": ENTRA_CLIENT,
            "oid": OID,
            "sub": PERSON,
            "tid": TENANT,
            "upn": "ada@contoso.example",
            "ver": "1.0",
        },
    ),
    # https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
    "auth0": Service(
        issuer="https://shop.eu.auth0.com/",
        profile="auth0",
        person={
            "sub": PERSON,
            "aud": [API, "https://shop.eu.auth0.com/userinfo"],
            "azp": SPA,
            "scope": "openid orders.read",
            "permissions": ["orders:read"],
        },
        application={
            "sub": f"{ROBOT}@clients",
            "aud": API,
            "azp": ROBOT,
            "gty": "client-credentials",
            "scope": "orders.read",
        },
        id_token={"sub": PERSON, "aud": CLIENT, "nonce": "n", "sid": "s", "email": "ada@example.org"},
    ),
    # https://www.keycloak.org/docs/latest/server_admin/#_audience
    "keycloak": Service(
        issuer="https://id.example/realms/staff",
        profile="keycloak",
        person={
            "jti": "onrtac:1",
            "aud": [API, "account"],
            "sub": PERSON,
            "typ": "Bearer",
            "azp": SPA,
            "sid": "s",
            "acr": "1",
            "realm_access": {"roles": ["offline_access"]},
            "resource_access": {API: {"roles": ["clerk"]}, "account": {"roles": ["view-profile"]}},
            "scope": "openid email orders.read",
            "preferred_username": "ada",
        },
        application={
            "aud": [API, "account"],
            "sub": "6f1c-service",
            "typ": "Bearer",
            "azp": ROBOT,
            "client_id": ROBOT,
            "clientHost": "10.0.0.1",
            "clientAddress": "10.0.0.1",
            "preferred_username": f"service-account-{ROBOT}",
            "scope": "orders.read",
        },
        id_token={"sub": PERSON, "aud": CLIENT, "typ": "ID", "azp": CLIENT, "nonce": "n", "at_hash": "x"},
    ),
    # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    "cognito": Service(
        issuer="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE00",
        profile="cognito",
        header={"typ": None},
        id_header={"typ": None},
        audience=SPA,
        person={
            "sub": PERSON,
            "cognito:groups": ["clerks"],
            "version": 2,
            "client_id": SPA,
            "origin_jti": "o",
            "event_id": "e",
            "token_use": "access",
            "scope": "openid orders.read",
            "jti": "j",
            "username": PERSON,
        },
        application={
            "sub": SPA,
            "token_use": "access",
            "scope": "orders.read",
            "version": 2,
            "jti": "j",
            "client_id": SPA,
        },
        id_token={
            "sub": PERSON,
            "aud": SPA,
            "token_use": "id",
            "cognito:username": PERSON,
            "email": "ada@example.org",
            "email_verified": True,
        },
    ),
    # https://developer.okta.com/docs/reference/api/oidc/#access-token
    "okta": Service(
        issuer="https://shop.okta.com/oauth2/default",
        profile="okta",
        header={"typ": None},
        id_header={"typ": None},
        audience="api://default",
        person={
            "ver": 1,
            "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
            "aud": "api://default",
            "cid": SPA,
            "uid": PERSON,
            "scp": ["openid", "orders.read"],
            "sub": "ada@example.org",
        },
        application={
            "ver": 1,
            "jti": "AT.1",
            "aud": "api://default",
            "cid": ROBOT,
            "scp": ["orders.read"],
            "sub": ROBOT,
        },
        id_token={"sub": PERSON, "aud": CLIENT, "ver": 1, "jti": "ID.1", "amr": ["pwd"], "idp": "i", "nonce": "n"},
    ),
    # https://zitadel.com/docs/apis/openidoauth/claims
    "jwt": Service(
        issuer="https://shop.zitadel.cloud",
        profile="jwt",
        audience="project-1",
        person={"sub": PERSON, "aud": [SPA, CLIENT, "project-1"], "client_id": SPA, "jti": "j", "scope": "orders.read"},
        application={"sub": ROBOT, "aud": ["project-1"], "client_id": ROBOT, "jti": "j", "scope": "orders.read"},
        id_token={"sub": PERSON, "aud": [SPA, CLIENT, "project-1"], "azp": SPA, "at_hash": "x", "nonce": "n"},
    ),
}


def of_many_tenants(service: Service) -> Service:
    """The same at Entra's `common`, of which this site admits one tenant."""
    arguments = {**service.arguments, "tenant": "common", "allowed_tenants": [TENANT]}
    issuer = "https://login.microsoftonline.com/{tenantid}/v2.0"
    return replace(service, metadata_issuer=issuer, arguments=arguments)


SERVICES: Mapping[str, Service] = {
    **_SERVICES,
    "entra common v2": of_many_tenants(_SERVICES["entra v2"]),
    "entra common v1": of_many_tenants(_SERVICES["entra v1"]),
    "keycloak, another realm": replace(_SERVICES["keycloak"], issuer="https://id.example/realms/customers"),
}


def set_up(settings: Any, op: RecordingOpenIDProvider, name: str, **members: Any) -> Service:
    """Make one service the site's provider, with a person who has signed in and a user for the machine client."""
    service = SERVICES[name]
    settings.ROOT_URLCONF = "tests.drf.api_urls"
    settings.OIDC_LOGIN_PROVIDERS = {"op": service.provider_entry(op)}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": service.bearer_entry(**members)}
    cache.clear()
    return service


def connect(service: Service, username: str = "ada", **values: Any) -> Any:
    user = get_user_model().objects.create_user(username)
    columns = {"provider_key": "op", "issuer": service.issuer, "provider_user_id": PERSON, "link_reason": "signed_up"}
    OAuthConnection.objects.create(user=user, **{**columns, **values})
    return user


Make = Callable[[Service], tuple[Claims, Claims]]
