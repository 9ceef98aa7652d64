"""Accepts ID tokens of One Tap, which the provider's script posts from a page of this site."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.debug import sensitive_variables

from oidc_login.contrib.headless.errors import CSRFFailed, NativeTokenInvalid
from oidc_login.contrib.headless.native import prepared_backend, sign_in_by
from oidc_login.contrib.one_tap.nonces import take_nonce
from oidc_login.exceptions import ParameterInvalid, ProviderUnknown
from oidc_login.flow.cookies import remember_last_used
from oidc_login.flow.redirects import destination
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.jose import parse_claims, parse_jws
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.redaction import hide_parameters
from oidc_login.registry import get_provider
from oidc_login.sessions.establish import SessionChange
from oidc_login.signin.admission import check_login_allowed
from oidc_login.views.base import ProviderView

CREDENTIAL: Final = "credential"
CSRF_TOKEN: Final = "g_csrf_token"  # noqa: S105 - a name, of the field and of the cookie
MAX_CREDENTIAL: Final = 16 * 1024  # characters


class OneTapView(ProviderView):
    """Signs a person in with the ID token that the provider's script obtained for this page.

    https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
    """

    http_method_names = ["post", "options"]

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        csrf_tokens, credentials = request.POST.getlist(CSRF_TOKEN), request.POST.getlist(CREDENTIAL)
        hide_parameters(request)
        self.provider = one_tap_provider(provider)
        check_double_submit(request, the_one(csrf_tokens, CSRF_TOKEN))
        credential = the_one(credentials, CREDENTIAL)
        nonce = claimed_nonce(credential)
        self.next_url = take_nonce(request, provider, nonce)
        token = OAuthToken(access_token="", id_token=credential)
        change = SessionChange(request, begun_at=time.time())
        with change.restored_on_failure():
            backend = partial(
                prepared_backend, request, self.provider, token=token, nonce=str(nonce), purpose="one_tap"
            )
            sign_in_by(backend, establish=change.establish)
            change.settle()
        response = HttpResponseRedirect(destination(request, self.next_url))
        remember_last_used(request, response, self.provider.key)
        return response


def one_tap_provider(key: str) -> OAuthProvider:
    """Return a provider that supports One Tap and allows sign-ins, or raise an error."""
    provider = get_provider(key)
    if not provider.one_tap_script:
        raise ProviderUnknown("one_tap_script")
    check_login_allowed(provider)
    return provider


@sensitive_variables()
def check_double_submit(request: HttpRequest, sent: str) -> None:
    """The script sets a cookie and posts the same value; a page on another host cannot do both."""
    cookie = request.COOKIES.get(CSRF_TOKEN, "")
    if not cookie or not secrets.compare_digest(cookie.encode("utf-8", "replace"), sent.encode("utf-8", "replace")):
        raise CSRFFailed(CSRF_TOKEN)


@sensitive_variables()
def the_one(values: Sequence[str], name: str) -> str:
    """Return the one value of a field, or raise `ParameterInvalid`."""
    if len(values) != 1 or not values[0] or len(values[0]) > MAX_CREDENTIAL:
        raise ParameterInvalid(name)
    return values[0]


@sensitive_variables()
def claimed_nonce(credential: str) -> object:
    """Return the nonce in an ID token, which is not verified yet."""
    try:
        return parse_claims(parse_jws(credential).payload).get("nonce")
    except ProtocolError as error:
        raise NativeTokenInvalid(error.reason) from error
