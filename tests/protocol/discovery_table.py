"""What each document and key set in discovery_fixtures must come to, one row a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RS256 = ("RS256",)
RSA_PKCS1 = ("RS256", "RS384", "RS512")
RSA_PSS = ("PS256", "PS384", "PS512")
EC = ("ES256", "ES384", "ES512")


@dataclass(frozen=True, kw_only=True)
class Document:
    """The verdict on one discovery document.

    `refused` is the reason of the refusal, `asked` the issuer that a site would configure where it is not the
    document's own, `algorithms` what may sign ID tokens once `none` and the MACs are taken out.
    """

    why: str
    refused: str = ""
    asked: str = ""
    algorithms: tuple[str, ...] = RS256
    without: tuple[str, ...] = ()


def accepted(
    why: str, *, algorithms: tuple[str, ...] = RS256, without: tuple[str, ...] = (), asked: str = ""
) -> Document:
    """A document that a site can sign people in with; `without` are the optional members it lacks."""
    return Document(why=why, algorithms=algorithms, without=without, asked=asked)


def refused(reason: str, why: str, *, asked: str = "") -> Document:
    """A document that the generic provider must not use as it stands."""
    return Document(why=why, refused=reason, asked=asked)


NO_USERINFO = ("userinfo_endpoint", "end_session_endpoint")
NO_LOGOUT = ("end_session_endpoint",)
NO_LOGOUT_NO_PKCE = ("end_session_endpoint", "code_challenge_methods_supported")

DOCUMENTS: dict[str, Document] = {
    "academiccloud-keycloak": accepted(
        "EdDSA; promises `iss` in the answer, an object among the members",
        algorithms=("PS384", "RS384", "EdDSA", "ES384", "ES256", "RS256", "ES512", "PS256", "PS512", "RS512"),
    ),
    "adfs": accepted("a second issuer for access tokens, with scheme http, is no concern of a sign-in"),
    "adfs-uppercase-host": accepted("capitals in the issuer's host are kept as they are"),
    "apple": accepted("no userinfo, no PKCE list", without=(*NO_USERINFO, "code_challenge_methods_supported")),
    "atlassian": accepted("HS256 before RS256", without=NO_LOGOUT),
    "auth0": accepted("issuer ends in a slash; HS256 first", asked="https://common.auth0.com", without=NO_LOGOUT),
    "authentik": accepted("issuer of one application, endpoints common to all, slashes at their ends"),
    "aws-cognito": accepted(
        "endpoints on another host; no list of claims", without=(*NO_LOGOUT_NO_PKCE, "claims_supported")
    ),
    "battle-net": accepted(
        "no list of scopes, claims or client authentication",
        without=("scopes_supported", "claims_supported", "token_endpoint_auth_methods_supported"),
    ),
    "discord": accepted(
        "seven members in all",
        without=(
            *NO_USERINFO,
            "scopes_supported",
            "claims_supported",
            "token_endpoint_auth_methods_supported",
        ),
    ),
    "dropbox": accepted("no userinfo; `sub` not among the claims", without=NO_USERINFO),
    "elixir": accepted(
        "`none` and HS256 advertised; the list of scopes is empty",
        algorithms=(*RSA_PKCS1, *EC, *RSA_PSS),
        without=("scopes_supported",),
    ),
    "entra-china-common": refused("issuer", "a template; the endpoints are on another host than the issuer"),
    "entra-common": refused("issuer", "a template: `{tenantid}` stands for the tenant"),
    "entra-consumers": refused(
        "issuer_mismatch",
        "asked as `consumers`, names the tenant of personal accounts",
        asked="https://login.microsoftonline.com/consumers/v2.0",
    ),
    "entra-organizations": refused("issuer", "a template"),
    "entra-tenant": accepted(
        "a null member; no PKCE list", without=("code_challenge_methods_supported", "revocation_endpoint")
    ),
    "entra-v1-common": refused("issuer", "a template, on another host than every endpoint"),
    "facebook": refused("token_endpoint", "offers the implicit flow alone"),
    "facebook-legacy": refused("token_endpoint", "the same, and a string where a list belongs"),
    "fedora": accepted(
        "two names for introspection; a response mode `none`",
        without=(*NO_LOGOUT_NO_PKCE, "revocation_endpoint"),
    ),
    "github-actions": refused("authorization_endpoint", "issues tokens to workflows, signs nobody in"),
    "gitlab": accepted("`plain` before S256", without=NO_LOGOUT),
    "globus": accepted("RS512 alone", algorithms=("RS512",), without=NO_LOGOUT_NO_PKCE),
    "google": accepted("keys, tokens and userinfo on three other hosts", without=NO_LOGOUT),
    "google-legacy": refused("issuer", "no scheme"),
    "helmholtz": accepted(
        "no list of client authentication or claims",
        algorithms=("RS256", "ES256"),
        without=("claims_supported", "token_endpoint_auth_methods_supported", *NO_LOGOUT),
    ),
    "identityserver-demo": accepted("everything in its place"),
    "intuit": accepted("four hosts", without=NO_LOGOUT_NO_PKCE),
    "kakao": accepted("no list of scopes", without=(*NO_LOGOUT, "scopes_supported")),
    "keycloak": accepted(
        "an issuer with a path",
        algorithms=("PS384", "ES384", "RS384", "ES256", "RS256", "ES512", "PS256", "PS512", "RS512"),
    ),
    "keycloak-http": refused("issuer", "http off loopback"),
    "keycloak-localhost": accepted(
        "http on loopback",
        algorithms=("PS384", "ES384", "RS384", "ES256", "RS256", "ES512", "PS256", "PS512", "RS512"),
    ),
    "klarna": accepted("`none` among the client authentication methods"),
    "lego": accepted("promises `iss` in the authorization response"),
    "lifescience-ri": accepted(
        "`none` as an algorithm, as client authentication and as a PKCE method",
        algorithms=(*RSA_PKCS1, *EC, *RSA_PSS),
    ),
    "line": accepted(
        "tokens and keys on another host; six lists missing",
        without=(*NO_USERINFO, "claims_supported", "token_endpoint_auth_methods_supported"),
    ),
    "linkedin": accepted(
        "no list of client authentication", without=("token_endpoint_auth_methods_supported", *NO_LOGOUT)
    ),
    "linkedin-legacy": refused(
        "issuer_mismatch", "the issuer that LinkedIn gave up", asked="https://www.linkedin.com/oauth"
    ),
    "login-gov": accepted("private_key_jwt alone; issuer ends in a slash"),
    "mojeid": accepted(
        "more than a hundred claims; `none` last; false flags",
        algorithms=(*RSA_PKCS1, *EC, *RSA_PSS),
        without=NO_LOGOUT_NO_PKCE,
    ),
    "notion-mcp": refused("jwks_uri", "an OAuth 2.0 server without keys"),
    "okta": accepted("`none` as client authentication; a response mode of its own"),
    "okta-custom-as": accepted("an authorization server of its own, with a path"),
    "onelogin": accepted("HS256 first; `none` as client authentication", algorithms=("RS256", "PS256")),
    "orcid-qa": refused(
        "issuer_mismatch", "a test host that names the production issuer", asked="https://qa.orcid.org"
    ),
    "ory-hydra": refused("issuer", "http off loopback; a relative userinfo endpoint behind it"),
    "paypal": accepted("signature algorithms in the PKCE list; two other hosts", without=NO_LOGOUT),
    "pingfederate": accepted(
        "`none` first; logout under a private name", algorithms=(*RSA_PKCS1, *EC), without=NO_LOGOUT_NO_PKCE
    ),
    "salesforce": accepted("no basic authentication", without=NO_LOGOUT_NO_PKCE),
    "slack": accepted("three claims listed, others sent", without=NO_LOGOUT_NO_PKCE),
    "spotify": accepted("`none` as a response type", without=NO_LOGOUT),
    "twitch": accepted("`email` is no scope here but a claim", without=NO_LOGOUT_NO_PKCE),
    "vault": refused("issuer", "http, and 0.0.0.0 is not loopback"),
    "verimi": accepted("more than fifty scopes"),
    "xero": accepted(
        "people are sent to another host; no scopes, no claims",
        without=("scopes_supported", "claims_supported"),
    ),
    "yahoo": accepted(
        "ES256 before RS256; revocation under a name of its own",
        algorithms=("ES256", "RS256"),
        without=(*NO_LOGOUT_NO_PKCE, "revocation_endpoint"),
    ),
    "zitadel": accepted("https on loopback, with a port"),
}


@dataclass(frozen=True, kw_only=True)
class Keys:
    """How many keys of a set can verify signatures; the others by position, with the reason."""

    usable: int
    why: str
    skipped: Mapping[int, str] = field(default_factory=dict)


def keys(usable: int, why: str, skipped: Mapping[int, str] | None = None) -> Keys:
    """A row of the table below."""
    return Keys(usable=usable, why=why, skipped=skipped or {})


KEY_SETS: dict[str, Keys] = {
    "adfs": keys(1, "a certificate past its end says nothing about the key"),
    "apple": keys(3, "several keys at once"),
    "auth0": keys(2, "old and new style of `kid`"),
    "authentik": keys(1, "4096 bits and both hashes of the certificate"),
    "battle-net": keys(2, "`n` in ordinary base64, with a leading zero byte"),
    "certification-suite": keys(
        5, "RSA, EC and OKP together, encryption keys last", {4: "unsupported", 6: "use", 7: "use"}
    ),
    "discord": keys(1, "4096 bits"),
    "dropbox": keys(1, "a `kid` that ends in `=`"),
    "entra-common": keys(7, "no `alg`; keys of two issuers in one set"),
    "entra-organizations": keys(6, "five of them are in entra-common too"),
    "entra-tenant": keys(2, "each bound to this tenant's issuer"),
    "entra-v1-common": keys(5, "the keys of entra-common, bound to no issuer"),
    "facebook": keys(2, "nothing odd"),
    "gitlab": keys(2, "2048 and 4096 bits"),
    "google": keys(2, "nothing odd"),
    "google-legacy": keys(3, "no key in common with google: all were rotated away"),
    "identityserver-demo": keys(1, "no `alg`; a certificate that ended in 2020"),
    "keycloak": keys(1, "an encryption key last", {1: "use"}),
    "keycloak-http": keys(1, "an encryption key first", {0: "use"}),
    "klarna": keys(4, "one key under two names, twice; colons in the names"),
    "lego": keys(3, "certificates past their end"),
    "line": keys(4, "RSA with a leading zero byte, and EC"),
    "mojeid": keys(1, "neither `alg` nor `use`"),
    "okta": keys(2, "nothing odd"),
    "okta-custom-as": keys(1, "nothing odd"),
    "onelogin": keys(1, "a member `status`, no `alg`"),
    "paypal": keys(14, "one key of an unknown kind, padded, among fifteen", {7: "unsupported"}),
    "pingfederate": keys(3, "no `alg`, short names"),
    "slack": keys(1, "no `use`"),
    "spotify": keys(3, "names that hold a time"),
    "twitch": keys(1, "its name is `1`"),
    "vault": keys(2, "nothing odd"),
    "verimi": keys(2, "one without `alg`; a colon in the names"),
    "yahoo": keys(1, "1024 bits, one of them under two names", {0: "weak", 2: "weak", 3: "weak"}),
}
