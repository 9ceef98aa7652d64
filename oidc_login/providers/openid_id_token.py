"""Verifies the ID tokens and logout tokens of an OpenID provider with its published keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import InvalidIDToken
from oidc_login.protocol.id_token import IDToken, verify_id_token
from oidc_login.protocol.jose import parse_claims, parse_jws
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.logout_token import LogoutToken, verify_logout_token
from oidc_login.protocol.private_key import decrypted
from oidc_login.providers.values import OAuthToken

if TYPE_CHECKING:
    from oidc_login.providers.oidc import OIDCProvider


@sensitive_variables()
def check(
    provider: OIDCProvider,
    oauth_token: OAuthToken,
    *,
    client_id: str,
    nonce: str | None,
    max_age: int | None,
    **native: Any,
) -> IDToken:
    """Return the verified ID token of a token response, or raise `InvalidIDToken` (Core 3.1.3.7)."""
    if not oauth_token.id_token:
        raise InvalidIDToken("missing")
    raw = decrypted(oauth_token.id_token, provider.private_key)
    rules = {"insecure_allow_missing_nonce": provider.insecure_allow_missing_nonce, **native}

    def verify(keys: KeySet) -> IDToken:
        return verify_id_token(
            raw,
            keys=keys,
            algorithms=provider.get_signing_algorithms(),
            issuers=provider.get_accepted_issuers(),
            client_id=client_id,
            nonce=nonce,
            access_token=oauth_token.access_token,
            now=time.time(),
            leeway=provider.leeway,
            max_age=max_age,
            tenants=provider.tenants,
            insecure_allow_further_audiences=provider.insecure_allow_further_audiences,
            **rules,
        )

    return provider.documents.verify(verify)


@sensitive_variables()
def check_native(provider: OIDCProvider, oauth_token: OAuthToken, client_ids: Sequence[str], *, nonce: str) -> IDToken:
    """Return the verified ID token from an SDK, obtained without a code; its audience is one of `client_ids`.

    One app of the site may request a token for another one, in which case `azp` names the first app.
    https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
    """
    claimed = parse_claims(parse_jws(decrypted(oauth_token.id_token, provider.private_key)).payload).get("aud")
    named = claimed if isinstance(claimed, list) else [claimed]
    client_id = next((client_id for client_id in client_ids if client_id in named), None)
    if client_id is None:
        raise InvalidIDToken("aud")
    return check(
        provider,
        oauth_token,
        client_id=client_id,
        nonce=nonce,
        max_age=provider.max_age,
        authorized_parties=client_ids,
        comes_alone=not oauth_token.access_token,
        insecure_allow_missing_nonce=False,  # nothing else binds the token to this request
    )


@sensitive_variables()
def check_logout(provider: OIDCProvider, raw: str) -> LogoutToken:
    """Return the logout token after all rules of Back-Channel Logout 2.6 except the check for reuse."""
    signed = decrypted(raw, provider.private_key)

    def verify(keys: KeySet) -> LogoutToken:
        return verify_logout_token(
            signed,
            keys=keys,
            algorithms=provider.get_signing_algorithms(),
            issuers=provider.get_logout_issuers(),
            client_id=provider.client_id,
            now=time.time(),
            leeway=provider.leeway,
        )

    with provider.documents.pausing_after_failures():
        return provider.documents.verify(verify)
