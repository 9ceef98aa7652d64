"""A session that the provider confirmed without its person: every rule is applied again to the present claims."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import RefusedBySite, UserInfoInvalid, translated
from oidc_login.models import OAuthConnection
from oidc_login.providers.answers import http_answers
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin import provisioning
from oidc_login.signin.admission import admit_known
from oidc_login.signin.exchange import needs_userinfo
from oidc_login.signin.values import Backend


@sensitive_variables()
def confirm(backend: Backend, connection: OAuthConnection, provider: OAuthProvider) -> AbstractBaseUser:
    """Return the user of a connection whose tokens were just refreshed, with updated rights, or raise `OAuthError`."""
    backend.provider = provider
    with translated():
        claims = present_claims(backend, connection)
    user = admit_known(connection, claims, provider=provider, backend=backend)
    if claims and provisioning.provision_again(connection, claims, provider).last_superuser:
        raise RefusedBySite("last_superuser")  # the session continues only with confirmed rights
    return user


@sensitive_variables()
def present_claims(backend: Backend, connection: OAuthConnection) -> dict[str, Any]:
    """Return the present claims: of a refreshed ID token, and of userinfo if a sign-in would request it."""
    id_claims = dict(connection.refreshed_claims or {})
    if not needs_userinfo(backend, id_claims, is_known=True):
        return id_claims
    token = backend.oauth_token = connection.oauth_token
    about = id_claims or {"sub": connection.provider_user_id}
    with http_answers():
        claims = backend.get_userinfo(token.access_token, "", about)
    if str(claims.get("sub")) != connection.provider_user_id:
        raise UserInfoInvalid("sub")
    return claims
