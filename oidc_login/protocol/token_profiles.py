"""The forms of access tokens of each identity service, as data. The rules are in `token_rules`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from oidc_login.protocol import token_rules as rules
from oidc_login.protocol.token_rules import CLIENT_CLAIMS, Claims

Way = Literal["jwt", "introspection", "tokeninfo"]

AT_JWT = ("AT+JWT", "APPLICATION/AT+JWT")
ANY_JWT = (None, "JWT", "APPLICATION/JWT", *AT_JWT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenProfile:
    """The form of one service's access tokens.

    `check` only accepts access tokens, and `is_application` says whether a client acts for itself.
    """

    name: str
    documentation: str
    way: Way = "jwt"
    types: Collection[str | None] = ANY_JWT  # values of the header `typ`, in upper case; `None` means no header
    check: Callable[[Claims], None]
    is_application: Callable[[Claims], bool]
    client_claims: tuple[str, ...] = CLIENT_CLAIMS
    audience_claims: tuple[str, ...] = ("aud",)  # the first of these claims that the token has contains its audience
    scope_claims: tuple[str, ...] = ("scope", "scp")
    role_claims: tuple[str, ...] = ("roles",)
    subject_claims: tuple[str, ...] = ("sub",)
    # Without this claim, the address is only what an administrator of the tenant entered.
    email_owner: str = ""
    # Tokens for a client look like its ID tokens, so a client cannot be the audience.
    excludes_clients: bool = False
    further_issuers: Callable[[str], tuple[str, ...]] = lambda issuer: ()


# The profiles.

RFC9068 = TokenProfile(
    name="rfc9068",
    documentation="https://www.rfc-editor.org/rfc/rfc9068",
    types=AT_JWT,
    check=rules.no_further_rule,
    is_application=rules.is_application,
    role_claims=("roles", "entitlements"),
)

_PROFILES = (
    RFC9068,
    TokenProfile(
        name="entra",
        documentation="https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference",
        types=("JWT",),
        check=rules.check_entra,
        is_application=rules.is_entra_application,
        client_claims=("azp", "appid"),
        scope_claims=("scp",),
        email_owner="xms_edov",
        further_issuers=rules.entra_v1_issuers,
    ),
    TokenProfile(
        name="auth0",
        documentation="https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles",
        types=("JWT", *AT_JWT),
        check=rules.check_auth0,
        is_application=rules.is_application,
        client_claims=("azp", "client_id"),
        scope_claims=("scope",),
        role_claims=("permissions",),
        excludes_clients=True,
    ),
    TokenProfile(
        name="keycloak",
        documentation="https://www.keycloak.org/docs/latest/server_admin/#_audience",
        types=("JWT", *AT_JWT),
        check=rules.check_keycloak,
        is_application=rules.is_keycloak_application,
        client_claims=("azp", "client_id"),
        scope_claims=("scope",),
        role_claims=("realm_access.roles", "resource_access.{audience}.roles"),
    ),
    TokenProfile(
        name="cognito",
        documentation="https://docs.aws.amazon.com/cognito/latest/developerguide/"
        "amazon-cognito-user-pools-using-the-access-token.html",
        types=(None, "JWT"),
        check=rules.check_cognito,
        is_application=rules.is_application_by_subject,
        client_claims=("client_id",),
        audience_claims=("aud", "client_id"),
        scope_claims=("scope",),
        role_claims=("cognito:groups",),
    ),
    TokenProfile(
        name="okta",
        documentation="https://developer.okta.com/docs/reference/api/oidc/#access-token",
        types=(None, "JWT", *AT_JWT),
        check=rules.check_okta,
        is_application=rules.is_application_by_subject,
        client_claims=("cid",),
        scope_claims=("scp",),
        role_claims=("groups",),
        # `sub` of an access token is the login name; `uid` is the `sub` of ID tokens.
        subject_claims=("uid", "sub"),
    ),
    TokenProfile(
        name="google",
        documentation="https://developers.google.com/identity/protocols/oauth2/scopes#tokeninfo",
        way="tokeninfo",
        types=(),
        check=rules.no_further_rule,
        is_application=rules.is_application_by_subject,
        client_claims=("azp", "aud"),
        scope_claims=("scope",),
        role_claims=(),
    ),
    TokenProfile(
        name="jwt",
        documentation="https://www.rfc-editor.org/rfc/rfc8725#section-3.11",
        check=rules.check_untyped,
        is_application=rules.is_application,
        excludes_clients=True,
    ),
    TokenProfile(
        name="opaque",
        documentation="https://www.rfc-editor.org/rfc/rfc7662",
        way="introspection",
        types=(),
        check=rules.no_further_rule,
        is_application=rules.is_application,
    ),
)
PROFILES: Mapping[str, TokenProfile] = {profile.name: profile for profile in _PROFILES}


# Reading a token by the claim names of its profile.


def first_text(claims: Claims, names: Collection[str]) -> str:
    """Return the first of these claims that contains text."""
    return next((claims[name] for name in names if isinstance(claims.get(name), str) and claims[name]), "")


def scopes_of(claims: Claims, names: Collection[str] = ("scope",)) -> str:
    """Return the scope of a token as one text (RFC 9068 2.2.3, RFC 7662 2.2); some services send a list."""
    scope = next((claims[name] for name in names if name in claims), None)
    if isinstance(scope, list):
        return " ".join(item for item in scope if isinstance(item, str))
    return scope if isinstance(scope, str) else ""


def roles_of(claims: Claims, profile: TokenProfile, audiences: Collection[str]) -> frozenset[str]:
    """Return the roles in a token; for services with roles per API, those of this API."""
    paths = [tuple(path.split(".")) for path in profile.role_claims]
    found: set[str] = set()
    for path in paths:
        for audience in audiences if "{audience}" in path else ("",):
            found |= names_at(claims, [audience if part == "{audience}" else part for part in path])
    return frozenset(found)


def names_at(claims: Any, path: Collection[str]) -> set[str]:
    """Return the texts of a list, or a single text, at a path of members."""
    for part in path:
        claims = claims.get(part) if isinstance(claims, Mapping) else None
    if isinstance(claims, str):
        return {claims}
    return {name for name in claims if isinstance(name, str)} if isinstance(claims, list) else set()
