"""Identities that come without a browser, by every rule of a sign-in and without a session.

A program has sent an access token that may sign its person up, or the site's own code has asked the provider itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, router
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import OAuthError, RefusedBySite, translated
from oidc_login.flow.pending import Flow
from oidc_login.models import LinkReason
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.signin.admission import admit_user
from oidc_login.signin.constraints import refusal
from oidc_login.signin.sign_in import find_and_write
from oidc_login.signin.transaction import SignInTransaction
from oidc_login.signin.values import Backend, SignedIn, Verified


@sensitive_variables()
def sign_up_by_token(
    backend: Backend,
    request: HttpRequest,
    *,
    provider: OAuthProvider,
    claims: Mapping[str, Any],
    access_token: str,
    may_ask_userinfo: bool,
) -> SignedIn:
    """Return the account of the person whom an access token is about: found by the linking rules, or new.

    `claims` are those of the token, after all checks. Nobody is signed in, and the token is not stored.
    """
    flow = Flow(
        provider_key=provider.key, purpose="token", issuer=provider.get_identity_issuer(claims), redirect_uri=""
    )
    verified = Verified(
        request=request,
        flow=flow,
        provider=provider,
        token=OAuthToken(access_token),
        id_claims=claims,
        unsigned_names={},
        link_reason=LinkReason.TOKEN,
        may_ask_userinfo=may_ask_userinfo,
    )
    return written(backend, verified)


@sensitive_variables()
def take_identity(
    backend: Backend,
    *,
    provider: OAuthProvider,
    token: OAuthToken,
    claims: Mapping[str, Any],
    purpose: Literal["connect", "site"],
    user: AbstractBaseUser | None,
) -> SignedIn:
    """Return the account and connection of an identity that the site's own code has from the provider.

    "connect" connects it to `user`. For "site" the linking rules find the account, or a new one is made. Nobody is
    signed in, and the tokens are stored as after a sign-in.
    """
    request = HttpRequest()
    request.user = AnonymousUser()
    if user is not None:
        # Read again: the caller's instance may be older than the decision to close the account.
        users = get_user_model()._base_manager.using(router.db_for_write(get_user_model()))
        request.user = users.filter(pk=user.pk).first() or request.user
    if request.user.is_authenticated:
        admit_user(request.user, can_authenticate=backend.user_can_authenticate)
    flow = Flow(
        provider_key=provider.key, purpose=purpose, issuer="", redirect_uri="", user_key=str(request.user.pk or "")
    )
    verified = Verified(
        request=request,
        flow=flow,
        provider=provider,
        token=token,
        id_claims=claims,
        unsigned_names={},
        link_reason=LinkReason.HOOK if purpose == "connect" else "",
        may_ask_userinfo=False,
    )
    return written(backend, verified)


@sensitive_variables()
def written(backend: Backend, verified: Verified) -> SignedIn:
    """Return the sign-in without a browser as it was written, or raise `OAuthError` with nothing written."""
    backend.request, backend.flow, backend.provider = verified.request, verified.flow, verified.provider
    backend.oauth_token, backend.verified = verified.token, verified
    try:
        with translated(), SignInTransaction() as backend.transaction:
            return find_and_write(backend)
    except OAuthError:
        raise
    except (PermissionDenied, SuspiciousOperation) as error:  # ways for a hook to say no
        raise RefusedBySite from error
    except IntegrityError as error:  # at the very end of the transaction
        raise refusal(error, getattr(backend, "identity", None), verified.provider) from None
