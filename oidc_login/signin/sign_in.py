"""One sign-in from the provider's response to its result: exchange, verify, admit, resolve, write."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import OAuthError, RefusedBySite, SignupClosed, translated
from oidc_login.flow.pending import Flow
from oidc_login.protocol.authorization import AuthorizationResponse
from oidc_login.signin.admission import admit, check_login_allowed
from oidc_login.signin.constraints import NOT_STORED, refusal
from oidc_login.signin.exchange import exchange_and_verify, identify, identify_person
from oidc_login.signin.transaction import drop_lost_connections
from oidc_login.signin.values import Backend, Person, SignedIn
from oidc_login.signin.write import hold_connection, write

logger = logging.getLogger(__name__)

SIGN_NOBODY_IN = ("connect", "scopes")  # purposes of a flow that prove nothing about who uses the browser


@sensitive_variables()
def sign_in(backend: Backend, request: HttpRequest, *, flow: Flow, response: AuthorizationResponse) -> SignedIn:
    """Return the sign-in that the response to a pending flow proves, completely written, or raise `OAuthError`."""
    try:
        with translated():
            backend.verified = exchange_and_verify(backend, request, flow=flow, response=response)
            return find_and_write(backend)
    except OAuthError:
        raise
    except SuspiciousOperation as error:  # how a hook of mozilla-django-oidc refuses
        raise RefusedBySite from error


@sensitive_variables()
def find_and_write(backend: Backend) -> SignedIn:
    """Call `get_or_create_user`; an override runs in a transaction, because its result may be refused."""
    verified = backend.verified
    id_claims = dict(verified.id_claims)
    if verified.flow.purpose == "connect" or not backend.overrides("get_or_create_user"):
        return admit_and_write(backend, id_claims)
    if id_claims:
        backend.identity = identify(verified, id_claims, id_claims)
    try:
        drop_lost_connections()  # what the hook does cannot be repeated
        with backend.transaction.attempt():
            if id_claims:
                hold_connection(backend)
            user = backend.get_or_create_user(verified.token.access_token, verified.token.id_token, id_claims)
            return check_hook_result(backend, user, id_claims)
    except NOT_STORED as error:
        raise refusal(error, getattr(backend, "identity", None), verified.provider) from None


@sensitive_variables()
def check_hook_result(backend: Backend, user: AbstractBaseUser | None, id_claims: dict[str, Any]) -> SignedIn:
    """Return the sign-in of the user that an overridden `get_or_create_user` returned, by the rules for hooks."""
    if user is None:
        raise RefusedBySite("get_or_create_user")
    if backend.signed_in is None:  # an override that does not use connections
        return write(backend, backend.verified, admitted(backend, id_claims), found_by_site=user)
    if backend.signed_in.user.pk != user.pk:
        raise RefusedBySite("get_or_create_user")
    return backend.signed_in


@sensitive_variables()
def admit_and_write(backend: Backend, id_claims: dict[str, Any]) -> SignedIn:
    """Return the sign-in of the person whom the claims describe, if every rule admits them."""
    person = admitted(backend, id_claims)
    try:
        backend.signed_in = write(backend, backend.verified, person)
    except SignupClosed:
        logger.debug("sign-up closed: %s", backend.describe_user_by_claims(person.claims))
        raise
    return backend.signed_in


@sensitive_variables()
def admitted(backend: Backend, id_claims: dict[str, Any]) -> Person:
    """Return the person whom the claims describe, if they may sign in at all."""
    if backend.verified.flow.purpose not in SIGN_NOBODY_IN:
        check_login_allowed(backend.verified.provider)
    person = identify_person(backend, backend.verified, id_claims)
    admit(person.identity, backend.verified.provider, verify_claims=backend.verify_claims)
    return person
