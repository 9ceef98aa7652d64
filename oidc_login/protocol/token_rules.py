"""Pure rules that tell access tokens from a service's other tokens, and clients from people."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from oidc_login.protocol.errors import InvalidAccessToken

Claims = Mapping[str, Any]

# Claims with the client that a token was issued to: RFC 9068, Core, then those of Okta and Entra.
CLIENT_CLAIMS = ("client_id", "azp", "cid", "appid")
# Claims that only ID tokens have (Core 2, 3.3.2.11), and those of logout tokens (Back-Channel Logout 2.4).
ID_TOKEN_MARKS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
# Claims that only describe people. A client whose ID equals a person's subject must not be taken for that person.
PERSONAL_CLAIMS = ("email", "username", "amr")

GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ENTRA_ISSUER = re.compile(rf"https?://[^/]+/(\{{tenantid\}}|{GUID})/v2\.0")
ENTRA_TENANT = re.compile(f"/({GUID})/")


def no_further_rule(claims: Claims) -> None:
    """Check nothing more: the type, or the provider's response, states that it is an access token."""


def check_marks(claims: Claims, marks: Collection[str] = ID_TOKEN_MARKS) -> None:
    """Reject claims that only ID tokens or logout tokens have."""
    for name in marks:
        if name in claims:
            raise InvalidAccessToken(name)


def check_client(claims: Claims, names: Collection[str] = CLIENT_CLAIMS) -> None:
    """Require the client that the token was issued to."""
    if not any(isinstance(claims.get(name), str) and claims[name] for name in names):
        raise InvalidAccessToken("client")


def check_auth0(claims: Claims) -> None:
    check_marks(claims)
    check_client(claims, ("azp", "client_id"))


def check_cognito(claims: Claims) -> None:
    """`token_use` is "id" in an ID token."""
    check_marks(claims)
    if claims.get("token_use") != "access":
        raise InvalidAccessToken("token_use")


def check_entra(claims: Claims) -> None:
    """A person's token has `scp`. `roles` proves nothing, because ID tokens have it too."""
    check_marks(claims)
    if not has_text(claims, "scp") and not is_entra_application(claims):
        raise InvalidAccessToken("scp")
    check_client(claims, ("azp", "appid"))
    check_entra_tenant(claims)


def check_entra_tenant(claims: Claims) -> None:
    """The tenant in the claims must be the tenant of the issuer."""
    tenant, named = claims.get("tid"), ENTRA_TENANT.search(str(claims["iss"]))
    if named and tenant is not None and tenant != named[1]:
        raise InvalidAccessToken("tid")


def check_keycloak(claims: Claims) -> None:
    """Keycloak states the type in the claims: "ID", "Refresh", "Offline" or "Logout" for other tokens."""
    check_marks(claims, ("at_hash", "c_hash", "s_hash", "events"))  # Keycloak 23 still added `nonce` to all tokens
    if claims.get("typ") != "Bearer":
        raise InvalidAccessToken("typ")
    check_client(claims, ("azp", "client_id"))


def check_okta(claims: Claims) -> None:
    """ID tokens have neither `cid` nor `scp`, and a `jti` that starts with "ID."."""
    check_marks(claims)
    check_client(claims, ("cid",))
    if not isinstance(claims.get("scp"), list):
        raise InvalidAccessToken("scp")
    if str(claims.get("jti", "")).startswith("ID."):
        raise InvalidAccessToken("jti")


def check_untyped(claims: Claims) -> None:
    """No claim states the type, so no claim may indicate another type."""
    check_marks(claims)
    if claims.get("typ", "Bearer") != "Bearer":
        raise InvalidAccessToken("typ")
    if claims.get("token_use", "access") not in ("access", "access_token"):
        raise InvalidAccessToken("token_use")


def has_text(claims: Claims, name: str) -> bool:
    return isinstance(claims.get(name), str) and bool(claims[name].strip())


# Whether a person or a client acts. If this is not certain, the token is rejected.


def is_application(claims: Claims) -> bool:
    """A client that acts for itself is also the subject (RFC 9068 2.2); Auth0 and Entra state it explicitly."""
    says_so = claims.get("gty") == "client-credentials" or claims.get("idtyp") == "app"
    if not says_so:
        return is_application_by_subject(claims)
    check_nobody(claims)
    return True


def is_application_by_subject(claims: Claims) -> bool:
    """Whether the client that the token was issued to is also its subject."""
    if claims.get("sub") not in clients_of(claims):
        return False
    check_nobody(claims)
    return True


def check_nobody(claims: Claims) -> None:
    """The token of a client must not describe a person."""
    if any(name in claims for name in PERSONAL_CLAIMS):
        raise InvalidAccessToken("client")


def is_entra_application(claims: Claims) -> bool:
    """https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"""
    kind, scope = claims.get("idtyp"), claims.get("scp")
    if kind == "app":
        if scope is not None:
            raise InvalidAccessToken("idtyp")
        return True
    subject = claims.get("sub")
    is_own = isinstance(subject, str) and claims.get("oid") == subject
    return kind is None and scope is None and is_own and bool(clients_of(claims, ("azp", "appid")))


def is_keycloak_application(claims: Claims) -> bool:
    """A service account has this user name, and its token contains the client's address or ID."""
    if is_application_by_subject(claims):
        return True
    name, client = str(claims.get("preferred_username", "")), claims.get("azp")
    has_address = "clientHost" in claims or "clientAddress" in claims
    if not name.startswith("service-account-") and not has_address:
        return False
    says_so = has_address or client in (claims.get("client_id"), claims.get("clientId"))
    if name != f"service-account-{client}" or not says_so:
        raise InvalidAccessToken("client")
    return True


def clients_of(claims: Claims, names: Collection[str] = CLIENT_CLAIMS) -> list[str]:
    """Return the client in a token, under each name that services use for it."""
    return [claims[name] for name in names if isinstance(claims.get(name), str) and claims[name]]


def entra_v1_issuers(issuer: str) -> tuple[str, ...]:
    """Return the issuers of a tenant's version 1 tokens; the API's app registration chooses the version."""
    tenant = ENTRA_ISSUER.fullmatch(issuer)
    return (f"https://sts.windows.net/{tenant[1]}/",) if tenant else ()
