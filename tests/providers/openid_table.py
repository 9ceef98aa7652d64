"""Every OpenID provider that the documentation names: one row each, with its answers in their real form.

All values are invented. What the members mean stands in `openid_service.Row`.
"""

from __future__ import annotations

from typing import Any

from oidc_login.providers.paypal import PayPalProvider
from oidc_login.testing import Answer
from oidc_login.testing.documents import moved_url
from tests.providers.apple_style import KEY_TEXT, AppleStyleProvider
from tests.providers.openid_service import Claims, Person, Row

TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


def words(value: bool) -> str:
    return str(value).lower()


def without_expiry(tokens: Claims) -> Claims:
    return {**tokens, "expires_in": None}


def same_refresh_token(tokens: Claims) -> Claims:
    """What a refresh brings where the token stays the same: an access token and nothing else to keep."""
    return {**tokens, "id_token": None, "refresh_token": None}


def of(path: str, **arguments: Any) -> dict[str, Any]:
    return {"class": f"oidc_login.providers.{path}", **arguments}


# Large public ones.

GOOGLE = Row(
    folder="google",
    subject="104223344556677889900",
    entry=lambda base: of("GoogleProvider", discovery_url=f"{base}/.well-known/openid-configuration", offline=True),
    id_token=lambda person: {
        **person.names,
        **person.address(),
        "azp": "client",
        "hd": "example.org",
        "picture": "https://lh3.googleusercontent.com/a/xyz",
    },
    userinfo=lambda person: {**person.names, **person.address(), "hd": "example.org"},
    tokens=lambda tokens: {
        **tokens,
        "expires_in": 3599,
        "scope": "https://www.googleapis.com/auth/userinfo.profile openid https://www.googleapis.com/auth/userinfo.email",
    },
    refreshed=lambda tokens: {**tokens, "refresh_token": None},
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "Malformed auth code."}, status=400),
)


def entra_id_token(person: Person) -> Claims:
    return {
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "tid": TENANT,
        "oid": "99999999-8888-7777-6666-555555555555",
        "preferred_username": f"{person.username}@contoso.example",
        "name": person.name,
        "ver": "2.0",
        "auth_time": None,
        "sid": None,
        **person.address(claim="xms_edov"),
    }


def entra_error(code: int, error: str, text: str) -> Answer:
    body = {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code], "trace_id": "0-0"}
    return Answer.of_json(body, status=401 if error == "invalid_client" else 400)


MICROSOFT = Row(
    folder="entra-common",
    subject="AbCd-pairwise",
    name="microsoft",
    entry=lambda base: of(
        "MicrosoftProvider", authority=base, tenant="common", allowed_tenants=[TENANT], scope="openid profile email"
    ),
    options={"discovery_path": "/common/v2.0/.well-known/openid-configuration"},
    id_token=entra_id_token,
    userinfo=lambda person: {"name": person.name, **({"email": person.email} if person.email else {})},
    tokens=lambda tokens: {**tokens, "ext_expires_in": 3599},
    issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0",
    refused=entra_error(70008, "invalid_grant", "The provided authorization code or refresh token has expired."),
    refused_client=entra_error(7000215, "invalid_client", "Invalid client secret provided."),
)

ORGANIZATIONS = Row(
    folder="entra-organizations",
    subject="AbCd-pairwise",
    name="microsoft-organizations",
    entry=lambda base: of("MicrosoftProvider", authority=base, tenant="organizations", allowed_tenants="*"),
    options={"discovery_path": "/organizations/v2.0/.well-known/openid-configuration"},
    id_token=entra_id_token,
    userinfo=MICROSOFT.userinfo,
    issuer=MICROSOFT.issuer,
    refused=MICROSOFT.refused,
    refused_client=MICROSOFT.refused_client,
)

ENTRA_TENANT = "a51dae83-9ea9-4d51-ae6b-52ae0337a7f9"
ONE_TENANT = Row(
    folder="entra-tenant",
    subject="AbCd-pairwise",
    name="microsoft-tenant",
    entry=lambda base: of("MicrosoftProvider", authority=base, tenant=ENTRA_TENANT),
    id_token=lambda person: {
        **entra_id_token(person),
        "iss": f"https://login.microsoftonline.com/{ENTRA_TENANT}/v2.0",
        "tid": ENTRA_TENANT,
    },
    userinfo=MICROSOFT.userinfo,
    refused=MICROSOFT.refused,
    refused_client=MICROSOFT.refused_client,
)

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
PERSONAL = Row(
    folder="entra-consumers",
    subject="AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    name="microsoft-consumers",
    entry=lambda base: of("MicrosoftProvider", authority=base, tenant="consumers"),
    options={"discovery_path": "/consumers/v2.0/.well-known/openid-configuration"},
    id_token=lambda person: {
        **entra_id_token(person),
        "iss": f"https://login.microsoftonline.com/{PERSONAL_TENANT}/v2.0",
        "tid": PERSONAL_TENANT,
        **person.address(lambda verified: "1" if verified else "0", claim="xms_edov"),
    },
    userinfo=MICROSOFT.userinfo,
    refused=MICROSOFT.refused,
    refused_client=MICROSOFT.refused_client,
)

APPLE = Row(
    folder="apple",
    subject="001234.0a1b2c3d4e5f.0421",
    entry=lambda base: of(
        "AppleProvider",
        discovery_url=f"{base}/.well-known/openid-configuration",
        team_id="TEAM",
        key_id="KEYID",
        client_key=KEY_TEXT,
    ),
    provider=AppleStyleProvider,
    id_token=lambda person: {
        **person.address(words),
        "is_private_email": "true",
        "nonce_supported": True,
        "sid": None,
    },
    refreshed=same_refresh_token,
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "The code has expired."}, status=400),
    refused_client=Answer.of_json({"error": "invalid_client"}, status=400),
    cancelled="user_cancelled_authorize",
)

LINKEDIN = Row(
    folder="linkedin",
    subject="782bbtaQ9z",
    entry=lambda base: of("LinkedInProvider", discovery_url=f"{base}/oauth/.well-known/openid-configuration"),
    options={"token_endpoint_auth_method": "client_secret_post", "returns_nonce": False, "require_pkce": False},
    id_token=lambda person: {
        **person.names,
        **person.address(words),
        "locale": "en_GB",
        "picture": "https://media.licdn.com/dms/image/x",
        "at_hash": None,
        "auth_time": None,
        "sid": None,
    },
    userinfo=lambda person: {**person.names, **person.address(), "locale": {"country": "GB", "language": "en"}},
    tokens=lambda tokens: {**tokens, "expires_in": 5183999, "scope": "email,openid,profile"},
    refreshes=False,
    refused=Answer.of_json(
        {
            "error": "invalid_request",
            "error_description": "Unable to retrieve access token: authorization code not found",
        },
        status=400,
    ),
    refused_client=Answer.of_json(
        {"error": "invalid_client", "error_description": "Client authentication failed"}, status=401
    ),
    cancelled="user_cancelled_login",
)

TEAM = {"https://slack.com/team_id": "T0XYZ", "https://slack.com/user_id": "U0ABCDEF"}
SLACK = Row(
    folder="slack",
    subject="U0ABCDEF",
    entry=lambda base: of("SlackProvider", discovery_url=f"{base}/.well-known/openid-configuration", team="T0XYZ"),
    options={"require_pkce": False},
    id_token=lambda person: {
        **TEAM,
        **person.names,
        **person.address(),
        "locale": "en-GB",
        "https://slack.com/team_name": "Acme",
    },
    userinfo=lambda person: {"ok": True, **TEAM, **person.names, **person.address()},
    tokens=lambda tokens: {"ok": True, **without_expiry(tokens)},
    refreshes=False,
    issuer="https://slack.com/T0XYZ",
    refused=Answer.of_json({"ok": False, "error": "invalid_code"}),
    refused_client=Answer.of_json({"ok": False, "error": "bad_client_secret"}),
)

TWITCH = Row(
    folder="twitch",
    subject="713936733",
    entry=lambda base: of("TwitchProvider", discovery_url=f"{base}/oauth2/.well-known/openid-configuration"),
    id_token=lambda person: {
        "azp": "client",
        "preferred_username": person.username,
        "picture": "https://static-cdn.jtvnw.net/x.png",
        "sid": None,
        **person.address(),
    },
    userinfo=lambda person: {"preferred_username": person.username, **person.address()},
    tokens=lambda tokens: {**tokens, "scope": ["openid", "user:read:email"], "token_type": "bearer"},
    refreshed=lambda tokens: {**tokens, "id_token": None, "scope": ["openid", "user:read:email"]},
    refused=Answer.of_json({"status": 400, "message": "Invalid authorization code"}, status=400),
    refused_client=Answer.of_json({"status": 403, "message": "invalid client secret"}, status=403),
)

YAHOO = Row(
    folder="yahoo",
    subject="FSVIDUW3D7AB",
    options={"signing_alg": "ES256"},
    userinfo=lambda person: {**person.names, **person.address(), "nickname": person.username, "locale": "en-GB"},
    tokens=lambda tokens: {**tokens, "xoauth_yahoo_guid": "FSVIDUW3D7AB"},
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "invalid authorization code"}, status=400),
    refused_client=Answer.of_json({"error": "invalid_client", "error_description": "unauthorized"}, status=401),
)

LINE = Row(
    folder="line",
    subject="U1234567890abcdef1234567890abcdef",
    options={"signing_alg": "HS256", "token_endpoint_auth_method": "client_secret_post"},
    id_token=lambda person: {
        "amr": ["linesso"],
        "name": person.name,
        "picture": "https://profile.line-scdn.net/x",
        "at_hash": None,
        "sid": None,
        **({"email": person.email} if person.email else {}),
    },
    tokens=lambda tokens: {**tokens, "expires_in": 2592000},
    refreshed=same_refresh_token,
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "invalid authorization code"}, status=400),
    refused_client=Answer.of_json({"error": "invalid_client", "error_description": "invalid client"}, status=400),
    vouches=False,
)


class LoopbackPayPal(PayPalProvider):
    """PayPal's class with the addresses of a provider on this machine."""

    def __init__(self, *, base_url: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.authorization_endpoint = moved_url(self.authorization_endpoint, base_url)
        self.token_endpoint = moved_url(self.token_endpoint, base_url)
        self.userinfo_endpoint = moved_url(self.userinfo_endpoint, base_url)


PAYPAL = Row(
    folder="paypal",
    subject="https://www.paypal.com/webapps/auth/identity/user/AbC123",
    entry=lambda base: {"class": f"{__name__}.LoopbackPayPal", "base_url": base},
    options={"require_nonce": False},
    document={"userinfo_endpoint": "https://api-m.paypal.com/v1/identity/oauth2/userinfo"},
    userinfo=lambda person: {
        "sub": None,
        "user_id": "https://www.paypal.com/webapps/auth/identity/user/AbC123",
        **person.names,
        "payer_id": "WDJJHEBZ4X2AA",
        "verified_account": True,
        "emails": [{"value": person.email, "primary": True}] if person.email else [],
    },
    tokens=lambda tokens: {**tokens, "id_token": None, "expires_in": 28800, "nonce": "2026-01-02T03:04:05Z"},
    refreshed=same_refresh_token,
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "Invalid authorization code"}, status=400),
    refused_client=Answer.of_json(
        {"error": "invalid_client", "error_description": "Client Authentication failed"}, status=401
    ),
    vouches=False,
)

# Software that an organisation runs, or has run.

GITLAB = Row(
    folder="gitlab",
    subject="4711",
    id_token=lambda person: {**person.address(), "sub_legacy": "0a1b2c", "groups_direct": ["acme"]},
    userinfo=lambda person: {
        "name": person.name,
        "nickname": person.username,
        "preferred_username": person.username,
        **person.address(),
    },
    tokens=lambda tokens: {**tokens, "expires_in": 7200, "created_at": 1760000000},
    refused=Answer.of_json(
        {"error": "invalid_grant", "error_description": "The provided authorization grant is invalid"}, status=400
    ),
)

AUTH0 = Row(
    folder="auth0",
    subject="auth0|64af01",
    placeholders={"your-tenant.eu": "common"},
    id_token=lambda person: {
        "nickname": person.username,
        "name": person.name,
        "updated_at": "2026-01-02T03:04:05.000Z",
        **person.address(),
    },
    userinfo=lambda person: {"nickname": person.username, "name": person.name, **person.address()},
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "Invalid authorization code"}, status=403),
    refused_client=Answer.of_json({"error": "access_denied", "error_description": "Unauthorized"}, status=401),
)

OKTA = Row(
    folder="okta",
    subject="00u1abcdEFGH2ijkl5x7",
    id_token=lambda person: {"ver": 1, "jti": "ID.x", "amr": ["pwd"], "idp": "00o1", "name": person.name},
    userinfo=lambda person: {**person.names, "preferred_username": person.username, **person.address()},
    refused=Answer.of_json(
        {"error": "invalid_grant", "error_description": "The authorization code is invalid or has expired."}, status=400
    ),
)

OKTA_CUSTOM = Row(
    folder="okta-custom-as",
    subject="00u1abcdEFGH2ijkl5x7",
    entry=lambda base: {"issuer": f"{base}/oauth2/default"},
    id_token=OKTA.id_token,
    userinfo=OKTA.userinfo,
)

KEYCLOAK = Row(
    folder="keycloak",
    subject="3f9c8d2e-1111-2222-3333-444455556666",
    entry=lambda base: of("KeycloakProvider", base_url=f"{base}/auth/", realm="simple_openid_test"),
    options={"signing_alg": "RS256"},
    id_token=lambda person: {
        "azp": "client",
        "typ": "ID",
        "session_state": "s",
        "preferred_username": person.username,
        **person.names,
        **person.address(),
    },
    userinfo=lambda person: {"preferred_username": person.username, **person.names, **person.address()},
    tokens=lambda tokens: {**tokens, "refresh_expires_in": 1800, "not-before-policy": 0, "session_state": "s"},
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "Code not valid"}, status=400),
    refused_client=Answer.of_json(
        {"error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials"},
        status=401,
    ),
)

COGNITO = Row(
    folder="aws-cognito",
    subject="aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb",
    name="cognito",
    entry=lambda base: of("CognitoProvider", issuer=f"{base}/us-east-1_0NMM172Uh"),
    # What the app client may not read of the pool is missing here, and the userInfo endpoint is asked.
    id_token=lambda person: {"cognito:username": person.username, "token_use": "id", "sid": None},
    userinfo=lambda person: {"username": person.username, **person.address(words)},
    refreshed=same_refresh_token,
    refused=Answer.of_json({"error": "invalid_grant"}, status=400),
    refused_client=Answer.of_json({"error": "invalid_client"}, status=400),
)

SALESFORCE = Row(
    folder="salesforce",
    subject="https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001Sv6AAAS",
    id_token=lambda person: {"sid": None, "auth_time": None},
    userinfo=lambda person: {
        **person.names,
        **person.address(),
        "user_id": "005xx000001Sv6AAAS",
        "organization_id": "00Dxx0000001gPLEAY",
        "preferred_username": f"{person.username}@acme.example",
        "nickname": person.username,
        "photos": {"picture": "https://c.documentforce.com/p/005/F"},
        "active": True,
    },
    tokens=lambda tokens: {
        **without_expiry(tokens),
        "instance_url": "https://acme.my.salesforce.com",
        "id": "https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001Sv6AAAS",
        "issued_at": "1760000000000",
        "signature": "c2ln",
    },
    refreshed=lambda tokens: same_refresh_token(without_expiry(tokens)),
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "expired authorization code"}, status=400),
    refused_client=Answer.of_json(
        {"error": "invalid_client", "error_description": "invalid client credentials"}, status=400
    ),
)

AUTHENTIK = Row(
    folder="authentik",
    subject="4f6c0b" + "e1" * 29,
    placeholders={"your-site": "git"},
    id_token=lambda person: {
        "name": person.name,
        "given_name": person.name,
        "preferred_username": person.username,
        "nickname": person.username,
        "groups": ["staff"],
        **person.address(),
    },
    userinfo=lambda person: {"name": person.name, "preferred_username": person.username, **person.address()},
    refused=Answer.of_json(
        {"error": "invalid_grant", "error_description": "The provided authorization grant or refresh token is invalid"},
        status=400,
    ),
)

ZITADEL = Row(
    folder="zitadel",
    subject="163840776835432705",
    entry=lambda base: of("ZitadelProvider", issuer=f"{base}/", scope="openid profile email offline_access"),
    id_token=lambda person: {
        "aud": ["client", "another-client", "163840776835432000"],
        "azp": "client",
        "client_id": "client",
        "amr": ["pwd"],
    },
    userinfo=lambda person: {
        **person.names,
        "preferred_username": f"{person.username}@acme.example",
        "locale": "en",
        **person.address(),
    },
    refused=Answer.of_json({"error": "invalid_grant", "error_description": "Errors.AuthRequest.NotFound"}, status=400),
)

ROWS = (
    APPLE,
    AUTH0,
    AUTHENTIK,
    COGNITO,
    GITLAB,
    GOOGLE,
    KEYCLOAK,
    LINE,
    LINKEDIN,
    MICROSOFT,
    ONE_TENANT,
    ORGANIZATIONS,
    PERSONAL,
    OKTA,
    OKTA_CUSTOM,
    PAYPAL,
    SALESFORCE,
    SLACK,
    TWITCH,
    YAHOO,
    ZITADEL,
)
