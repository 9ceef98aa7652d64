"""The methods of django-oauth-login's model for code that calls them; they obey the rules of every other entrance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_backends
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import RefusedBySite, UserInfoInvalid

if TYPE_CHECKING:
    from oidc_login.models.connection import OAuthConnection
    from oidc_login.providers.values import OAuthToken, OAuthUser


class OAuthLoginMethods:
    """What `OAuthConnection` has from there. The caller must have the token and the person from the provider."""

    @classmethod
    @sensitive_variables()
    def get_or_createuser(cls, *, provider_key: str, oauth_token: OAuthToken, oauth_user: OAuthUser) -> OAuthConnection:
        """Return the connection of an identity with these tokens; the linking rules find its user or create one.

        Raise `OAuthError` if a rule refuses that. Nobody is signed in by it.
        """
        return write_identity(provider_key, oauth_token, oauth_user, purpose="site")

    @classmethod
    @sensitive_variables()
    def connect(
        cls, *, user: Any, provider_key: str, oauth_token: OAuthToken, oauth_user: OAuthUser
    ) -> OAuthConnection:
        """Connect an identity to the account of `user`, or store its new tokens, and return the connection.

        Raise `OAuthError` if a rule refuses that, for instance because another account has the identity.
        """
        return write_identity(provider_key, oauth_token, oauth_user, purpose="connect", user=user)

    def set_token_fields(self: Any, oauth_token: OAuthToken) -> None:
        """Set the tokens; without a new refresh token the old one is kept (RFC 6749 6)."""
        self.set_token(oauth_token)

    def set_user_fields(self: Any, oauth_user: OAuthUser) -> None:
        """Set the identity; the tokens of another one are forgotten, because they are encrypted for that."""
        from oidc_login.protocol.id_token import is_subject
        from oidc_login.providers.values import subject_of

        subject = subject_of(oauth_user.id)
        if not is_subject(subject):
            raise UserInfoInvalid("sub")
        if subject != self.provider_user_id and not self._state.adding:
            self.forget_tokens()
        self.provider_user_id = subject


@sensitive_variables()
def write_identity(provider_key: str, token: OAuthToken, person: OAuthUser, **arguments: Any) -> OAuthConnection:
    """Let the site's backend write the identity; its rules are above the models."""
    for backend in get_backends():
        write = getattr(backend, "write_identity", None)
        if write is not None:
            connection: OAuthConnection = write(provider_key, token, person, **arguments)
            return connection
    raise RefusedBySite("no_backend")
