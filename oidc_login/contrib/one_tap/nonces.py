"""Nonces for pages: valid for `OIDC_LOGIN_FLOW_LIFETIME`, for one browser and one provider, and used once.

The nonce is bound to the secret of the browser's CSRF cookie. A stranger's own ID token therefore signs nobody
else in (login CSRF), even if the stranger can set Google's cookie from a sibling host.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.views.decorators.debug import sensitive_variables

from oidc_login import sealing
from oidc_login.contrib.headless.errors import NonceInvalid
from oidc_login.contrib.headless.nonces import lifetime, use_up_nonce

PURPOSE = "one_tap_nonce"
MAX_NEXT_BYTES = 500  # the provider repeats the nonce in its token


def new_nonce(request: HttpRequest, provider_key: str, *, next_url: str) -> str:
    """Return a nonce for a page that this browser shows; the sign-in ends at `next_url`."""
    get_token(request)  # creates the secret, and sets the cookie
    if len(next_url.encode("utf-8", "surrogatepass")) > MAX_NEXT_BYTES:
        next_url = ""
    made = [int(time.time()), secrets.token_urlsafe(16), next_url]
    bound_to = binding(request, provider_key)
    return sealing.seal_json(made, purpose=PURPOSE, bound_to=bound_to, secrets=sealing.flow_keys())


@sensitive_variables()
def take_nonce(request: HttpRequest, provider_key: str, nonce: object) -> str:
    """Use up a nonce and return its `next`; raise `NonceInvalid` for a used nonce, or one of another browser."""
    if not isinstance(nonce, str) or not request.META.get("CSRF_COOKIE"):
        raise NonceInvalid("unknown")
    try:
        made = sealing.unseal_json(
            nonce,
            purpose=PURPOSE,
            bound_to=binding(request, provider_key),
            secrets=sealing.flow_keys(),
            expires_at=lambda found: float(found[0]) + lifetime(),
        )
    except sealing.SealError as error:
        raise NonceInvalid("expired" if error.args == ("expired",) else "unknown") from None
    use_up_nonce(nonce)
    return str(made[2])


@sensitive_variables()
def binding(request: HttpRequest, provider_key: str) -> bytes:
    secret = str(request.META["CSRF_COOKIE"])
    return json.dumps([provider_key, hashlib.sha256(secret.encode()).hexdigest()]).encode()
