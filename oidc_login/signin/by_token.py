"""The first call of a person whose access token may sign them up: every rule of a first sign-in, and no session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import OAuthError, RefusedBySite, translated
from oidc_login.flow.pending import Flow
from oidc_login.models import LinkReason
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
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
    backend.request, backend.flow, backend.provider = request, flow, provider
    backend.oauth_token = OAuthToken(access_token)
    backend.verified = Verified(
        request=request,
        flow=flow,
        provider=provider,
        token=backend.oauth_token,
        id_claims=claims,
        unsigned_names={},
        link_reason=LinkReason.TOKEN,
        may_ask_userinfo=may_ask_userinfo,
    )
    try:
        with translated(), SignInTransaction() as backend.transaction:
            return find_and_write(backend)
    except OAuthError:
        raise
    except (PermissionDenied, SuspiciousOperation) as error:  # ways for a hook to say no
        raise RefusedBySite from error
    except IntegrityError as error:  # at the very end of the transaction
        raise refusal(error, getattr(backend, "identity", None), provider) from None
