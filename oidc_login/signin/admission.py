"""Who may sign in at all: the rules for every use of an identity, at every entrance.

`admit` judges what a provider says about a person, and `admit_user` judges the account. Both refuse with an
`OAuthError` that names the reason, and change nothing. The table in docs/security.md shows which rules each entrance
applies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied, SuspiciousOperation

from oidc_login.exceptions import DomainNotAllowed, Inactive, LoginNotAllowed, OAuthError, RefusedBySite
from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import Evidence
from oidc_login.protocol.userinfo import merge_claims
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.claim_paths import is_there
from oidc_login.signin import groups_claim
from oidc_login.signin.claims import Identity, clean_email, is_admitted
from oidc_login.signin.values import Backend
from oidc_login.user_model import is_active


def admit(identity: Identity, provider: OAuthProvider, *, verify_claims: Callable[[dict[str, Any]], Any]) -> None:
    """Admit a person whom the provider's settings and the site's `verify_claims` admit, or raise 403.

    The provider's settings are tenants, hosted domains and workspaces, `groups_missing`, and the list of email domains.
    """
    check_provider_rules(identity, provider)
    if not verify_claims(dict(identity.claims)):
        raise RefusedBySite("refused: the site's verify_claims says no")
    check_domain(identity, provider)


def check_login_allowed(provider: OAuthProvider) -> None:
    """The provider may say who is signed in; with `allow_login` off it can only be connected."""
    if not provider.allow_login:
        raise LoginNotAllowed("refused: the provider's allow_login is off")


def check_provider_rules(identity: Identity, provider: OAuthProvider) -> None:
    """The provider's own settings admit the claims: its tenants, hosted domain or workspace, and groups."""
    if not provider.check_claims(identity.claims):
        raise RefusedBySite("refused: the provider's settings do not admit these claims")
    groups_claim.check(identity.claims, provider)


def check_domain(identity: Identity, provider: OAuthProvider) -> None:
    """If domains are listed, the person needs a verified address in one of them."""
    domains = provider.allowed_email_domains
    if not is_admitted(identity.email, email_verified=identity.email_verified, domains=domains):
        error = DomainNotAllowed("refused: email not verified in an allowed domain")
        domain = identity.email.rpartition("@")[2] or "no email"
        seen = domain if identity.email_verified else f"{domain} (not verified)"
        error.evidence = Evidence.of(expected=domains, seen=seen)
        raise error


def admit_user(user: Any, *, can_authenticate: Callable[[Any], bool], about: OAuthConnection | None = None) -> None:
    """Admit an account that is active and that the backend's `user_can_authenticate` accepts, or raise 403."""
    if not is_active(user):
        raise naming(Inactive("refused: the account of this identity is not active"), about)
    if not can_authenticate(user):
        raise naming(RefusedBySite("refused: the site's user_can_authenticate says no"), about)


def naming(error: OAuthError, connection: OAuthConnection | None) -> OAuthError:
    """Return the error, with the connection that its log record names."""
    error.connection_id = None if connection is None else connection.pk
    return error


# A known identity that is used again without a sign-in: by a token, or by a renewed session.


def admit_known(
    connection: OAuthConnection, claims: Mapping[str, Any], *, provider: OAuthProvider, backend: Backend
) -> AbstractBaseUser:
    """Return the user of a connection that is used again, if every rule for who may sign in still holds.

    `claims` were verified just now. Those that are missing are taken from the connection.
    """
    identity = present_identity(connection, claims, provider)
    backend.provider, backend.identity = provider, identity
    try:
        check_login_allowed(provider)
        admit(identity, provider, verify_claims=backend.verify_claims)
        admit_user(connection.user, can_authenticate=backend.user_can_authenticate, about=connection)
    except OAuthError as error:
        raise naming(error, connection) from None
    except (PermissionDenied, SuspiciousOperation) as error:  # how hooks of Django and of mozilla-django-oidc refuse
        raise naming(RefusedBySite("refused: the site's hook says no"), connection) from error
    return connection.user


def admit_client(
    user: AbstractBaseUser, claims: Mapping[str, Any], *, provider: OAuthProvider, backend: Backend
) -> AbstractBaseUser:
    """Return the user whom the site has named for a client, if the rules that a client can meet let it in.

    A client has neither an address nor groups, so the rules about those are not asked.
    """
    backend.provider = provider
    try:
        check_login_allowed(provider)
        if not provider.check_claims(claims):
            raise RefusedBySite("refused: the provider's settings do not admit these claims")
        if not backend.verify_claims(dict(claims)):
            raise RefusedBySite("refused: the site's verify_claims says no")
        admit_user(user, can_authenticate=backend.user_can_authenticate)
    except OAuthError:
        raise
    except (PermissionDenied, SuspiciousOperation) as error:
        raise RefusedBySite("refused: the site's hook says no") from error
    return user


def present_identity(connection: OAuthConnection, claims: Mapping[str, Any], provider: OAuthProvider) -> Identity:
    """Return the present identity of a connection: the newest claims, completed by the stored ones."""
    email, email_verified = clean_email(claims.get("email")), provider.is_email_verified(claims)
    if not claims.get("email"):
        email, email_verified = connection.email, connection.email_verified
    # Groups are stored under their path, which takes precedence over the claims on that path.
    overtaken = [path for path in provider.groups_paths if is_there(claims, path)]
    stored = {name: value for name, value in connection.claims.items() if name not in overtaken}
    return Identity(
        provider_key=connection.provider_key,
        issuer=connection.issuer,
        subject=connection.provider_user_id,
        email=email,
        email_verified=bool(email) and email_verified,
        claims=merge_claims(claims, stored, email_claims=provider.email_claims),
    )
