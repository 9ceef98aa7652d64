"""The userinfo response of an OpenID provider, as JSON or as a signed JWT (Core 5.3)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import InvalidIDToken, UserInfoInvalid
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.private_key import decrypted
from oidc_login.protocol.userinfo import fetch_userinfo, verify_userinfo_jwt

if TYPE_CHECKING:
    from oidc_login.providers.oidc import OIDCProvider


@sensitive_variables()
def fetch(provider: OIDCProvider, access_token: str, *, subject: str | None) -> dict[str, Any]:
    """Return the userinfo about `subject`, or raise `UserInfoInvalid`. `None`: the subject is not known yet."""
    if not provider.userinfo_endpoint:
        raise UserInfoInvalid("userinfo_endpoint")
    return fetch_userinfo(
        provider.transport,
        provider.userinfo_endpoint,
        access_token=access_token,
        subject=subject,
        verify_jwt=lambda raw: verify_jwt(provider, raw),
        now=time.time(),
    )


@sensitive_variables()
def verify_jwt(provider: OIDCProvider, raw: str) -> dict[str, Any]:
    """Return the claims of a signed userinfo response."""

    def verify(keys: KeySet) -> dict[str, Any]:
        return verify_userinfo_jwt(
            signed,
            keys=keys,
            algorithms=provider.get_signing_algorithms(),
            issuer=provider.metadata.issuer,
            client_id=provider.client_id,
        )

    try:
        signed = decrypted(raw, provider.private_key)
        return provider.documents.verify(verify)
    except InvalidIDToken as error:
        raise UserInfoInvalid(error.reason) from error
