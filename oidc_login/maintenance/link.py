"""Connects an identity to a user on behalf of an operator, if no sign-in can link the two.

The operator vouches for the identity. Two rules still apply: an identity belongs to one account, and an inactive
account gets none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, router, transaction

from oidc_login import signals
from oidc_login.events import log_decision
from oidc_login.exceptions import IdentityTaken, Inactive, OAuthError, ParameterInvalid
from oidc_login.exceptions.translation import as_oauth_error
from oidc_login.models import LinkReason, OAuthConnection
from oidc_login.plain_text import one_line
from oidc_login.protocol.errors import ProtocolError
from oidc_login.user_model import is_active

# The admin imports this module, and a site starts without loading what talks to providers.
if TYPE_CHECKING:
    from oidc_login.providers.base import OAuthProvider

REASON = "connected by an operator"
MAX_SUBJECT_LENGTH = 255  # the length of the column


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLink:
    """A connection that can be created, and what the operator should know about it."""

    user: Any
    provider: OAuthProvider
    issuer: str
    subject: str = field(repr=False)
    is_there: bool  # the user already has this identity
    others: int  # the user's other identities at this provider


def plan(user: Any, provider: OAuthProvider, subject: str, *, issuer: str = "") -> PlannedLink:
    """Return the planned link, or raise `OAuthError`. The issuer is looked up at the provider.

    `issuer` is needed if it depends on the person, as with tenants and workspaces.
    """
    if not subject or len(subject) > MAX_SUBJECT_LENGTH or one_line(subject) != subject:
        raise ParameterInvalid("subject")
    if not is_active(user):
        raise Inactive("refused: the account is not active")
    issuer = issuer or look_up_issuer(provider)
    if not provider.is_possible_issuer(issuer):
        raise ParameterInvalid("issuer")
    owners = owners_of(provider.key, issuer, subject)
    if any(owner != user.pk for owner in owners):
        raise IdentityTaken("refused: identity of another account")
    own = OAuthConnection.objects.filter(user=user, provider_key=provider.key)
    return PlannedLink(
        user=user,
        provider=provider,
        issuer=issuer,
        subject=subject,
        is_there=bool(owners),
        others=own.count() - len(owners),
    )


def look_up_issuer(provider: OAuthProvider) -> str:
    try:
        return provider.get_identity_issuer({})
    except ProtocolError as error:
        raise as_oauth_error(error) from error


def owners_of(provider_key: str, issuer: str, subject: str) -> list[Any]:
    """Return the owners of the identity; one that is stored without its server may be the same."""
    rows = OAuthConnection.objects.filter(provider_key=provider_key, issuer__in=[issuer, ""], provider_user_id=subject)
    return [row.user_id for row in rows if row.provider_user_id == subject]


def apply(planned: PlannedLink) -> OAuthConnection:
    """Create the connection and send its signal; raise `IdentityTaken` if another request was faster."""
    connection = OAuthConnection(
        user=planned.user,
        provider_key=planned.provider.key,
        issuer=planned.issuer,
        provider_user_id=planned.subject,
        link_reason=LinkReason.OPERATOR,
    )
    try:
        with transaction.atomic(using=router.db_for_write(OAuthConnection)):
            connection.save(force_insert=True)
    except IntegrityError as error:
        raise IdentityTaken("refused: identity of another account") from error
    log_decision(signals.connection_created, connection, request=None, reason=REASON)
    return connection


def explain(error: OAuthError) -> str:
    """Return the message for the operator."""
    return {
        "identity_taken": "This identity belongs to another account.",
        "inactive": "The account is not active.",
        "parameter_invalid": "The subject or the issuer is not valid for this provider.",
    }.get(error.code, f"The issuer could not be looked up ({error.reason or error.code}).")
