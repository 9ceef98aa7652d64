"""Native sign-in: an ID token from an SDK for phones, verified by all rules of a sign-in by redirect.

Its audience is one of the provider's `native_client_ids`, which only apply here. Its nonce comes from this site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.backends import get_backend_path, site_backend
from oidc_login.conf import django
from oidc_login.contrib.headless.body import text_member
from oidc_login.contrib.headless.errors import FieldInvalid, NativeTokenInvalid
from oidc_login.contrib.headless.nonces import check_nonce, expected_nonce, use_up_nonce
from oidc_login.exceptions import OAuthError, ProviderUnknown, RefusedBySite, as_oauth_error
from oidc_login.flow.pending import Flow, Purpose, attach_flow
from oidc_login.models import LinkReason
from oidc_login.protocol.errors import InvalidIDToken, ProtocolError
from oidc_login.protocol.jose import parse_claims, parse_jws
from oidc_login.providers import OAuthProvider, OAuthToken, openid_id_token
from oidc_login.registry import get_provider
from oidc_login.signin.admission import check_login_allowed
from oidc_login.signin.constraints import refusal
from oidc_login.signin.exchange import UNSIGNED_CLAIMS, check_authentication_context
from oidc_login.signin.sign_in import find_and_write
from oidc_login.signin.transaction import SignInTransaction
from oidc_login.signin.values import SignedIn, Verified

MAX_NAME_LENGTH = 100  # characters

Establish = Callable[[SignedIn], None]


def native_provider(key: str) -> OAuthProvider:
    """Return a provider with `native_client_ids` that allows sign-ins, or raise an error."""
    provider = get_provider(key)
    if not provider.native_client_ids:
        raise ProviderUnknown("native_client_ids")
    check_login_allowed(provider)
    return provider


@sensitive_variables()
def sign_in_with_id_token(
    request: HttpRequest, provider: OAuthProvider, members: Mapping[str, Any], *, establish: Establish
) -> SignedIn:
    """Return the sign-in for an ID token, or raise `OAuthError` without writing anything.

    The nonce is used up before the token is verified, so each nonce is good for one attempt.
    """
    raw, nonce = text_member(members, "id_token", required=True), text_member(members, "nonce", required=True)
    token = OAuthToken(access_token=text_member(members, "access_token"), id_token=raw)
    check_nonce(nonce, provider.key)
    use_up_nonce(nonce)
    backend = partial(prepared_backend, request, provider, token=token, nonce=nonce, purpose="native")
    names, code = sent_names(members), text_member(members, "code")
    return sign_in_by(backend, establish=establish, unsigned_names=names, code=code, link_reason=LinkReason.NATIVE)


@sensitive_variables()
def sign_in_by(make_backend: Callable[[], Any], *, establish: Establish, code: str = "", **verifying: Any) -> SignedIn:
    """Return the sign-in that the ID token of a backend proves, or raise `OAuthError` with nothing written."""
    try:
        backend = make_backend()
        verified = verify(backend, **verifying)
        if code:
            backend.oauth_token = exchange_code(backend, code, subject=verified.id_claims["sub"])
            verified = replace(verified, token=backend.oauth_token)
        return write_sign_in(backend, verified, establish=establish)
    except InvalidIDToken as error:
        raise NativeTokenInvalid(error.reason) from error
    except ProtocolError as error:
        raise as_oauth_error(error) from error
    except OAuthError:
        raise
    except (PermissionDenied, SuspiciousOperation) as error:  # how hooks of Django and of upstream refuse a sign-in
        raise RefusedBySite("hook") from error


@sensitive_variables()
def prepared_backend(
    request: HttpRequest, provider: OAuthProvider, *, token: OAuthToken, nonce: str, purpose: Purpose
) -> Any:
    """Return the site's backend with a flow for this ID token, which its hooks can use."""
    claimed = parse_claims(parse_jws(token.id_token).payload).get("nonce")
    backend = site_backend()
    backend.request, backend.provider, backend.oauth_token = request, provider, token
    backend.flow = Flow(
        provider_key=provider.key,
        purpose=purpose,
        issuer=provider.get_issuer(),
        redirect_uri="",
        nonce=expected_nonce(nonce, claimed),
        code_verifier="",  # the SDK requested the code
    )
    attach_flow(request, backend.flow)
    return backend


@sensitive_variables()
def verify(backend: Any, *, unsigned_names: Mapping[str, str] | None = None, link_reason: str = "") -> Verified:
    """Return the claims from the hook `verify_token`, after all rules of Core 3.1.3.7."""
    id_claims = backend.verify()
    check_authentication_context(backend.flow, backend.provider, id_claims)
    return Verified(
        request=backend.request,
        flow=backend.flow,
        provider=backend.provider,
        token=backend.oauth_token,
        id_claims=id_claims,
        unsigned_names=unsigned_names or {},
        link_reason=link_reason,
    )


@sensitive_variables()
def exchange_code(backend: Any, code: str, *, subject: str) -> OAuthToken:
    """Return the tokens for an SDK's code; its ID token must be about the same person.

    The SDK requested the code for the site's own client, without a redirect. No request of this site began that flow,
    so only the subject binds the code to this sign-in:
    https://developers.google.com/identity/sign-in/android/legacy-offline-access
    """
    token: OAuthToken = backend.exchange(code)
    verified = openid_id_token.check(
        backend.provider,
        token,
        client_id=backend.provider.client_id,
        nonce=backend.flow.nonce,
        max_age=None,
        insecure_allow_missing_nonce=True,
    )
    if verified.claims["sub"] != subject:
        raise InvalidIDToken("sub")
    return token


@sensitive_variables()
def write_sign_in(backend: Any, verified: Verified, *, establish: Establish) -> SignedIn:
    """Return the sign-in after the gate and the linking rules, with its rows and session written."""
    backend.verified = verified
    try:
        with SignInTransaction() as backend.transaction:
            signed_in: SignedIn = find_and_write(backend)
            signed_in.user.backend = get_backend_path(
                tuple(django.AUTHENTICATION_BACKENDS)
            )  # like Django's `authenticate`
            establish(signed_in)
    except IntegrityError as error:
        raise refusal(error, getattr(backend, "identity", None), verified.provider) from None
    return signed_in


def sent_names(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the name that an app sends with the first consent; Apple only gives it to the app, unsigned."""
    names = members.get("name")
    if names is None:
        return {}
    if isinstance(names, str):
        names = {"name": names}
    if not isinstance(names, dict):
        raise FieldInvalid("name")
    told = {name: names[name] for name in UNSIGNED_CLAIMS if isinstance(names.get(name), str)}
    return {name: value for name, value in told.items() if value.isprintable() and len(value) <= MAX_NAME_LENGTH}
