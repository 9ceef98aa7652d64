"""Errors that are not the person's fault, but the site's or the provider's (500, 502, 503)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from oidc_login.exceptions.base import OAuthError

# 500: the site itself.


class SiteMisconfigured(OAuthError):
    """The site's user model, a receiver or a hook requires something that a sign-in cannot provide."""

    status_code = 500
    code = "site_misconfigured"
    message = _("You cannot sign in because this site is not set up correctly. Please tell the people who run it.")


# 502: the provider's response cannot be accepted.


class IDTokenInvalid(OAuthError):
    status_code = 502
    code = "id_token_invalid"
    message = _("We could not confirm your sign-in. Please try again later.")


class UserInfoInvalid(OAuthError):
    status_code = 502
    code = "userinfo_invalid"
    message = _("We could not confirm who you are. Please try again later.")


class TokenResponseInvalid(OAuthError):
    status_code = 502
    code = "token_response_invalid"
    message = _("The sign-in service sent an unexpected answer. Please try again later.")


class ClientRefused(OAuthError):
    status_code = 502
    code = "client_refused"
    message = _(
        "The sign-in service does not accept this site at the moment. Please tell the people who run this site."
    )


class MetadataInvalid(OAuthError):
    status_code = 502
    code = "metadata_invalid"
    message = _("The sign-in service is not working correctly. Please try again later.")


# 503: no response.


class ProviderUnavailable(OAuthError):
    status_code = 503
    code = "provider_unavailable"
    message = _("The sign-in service is not responding. Please try again in a minute.")

    def __init__(self, reason: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(reason, retry_after=retry_after or 30)


class SiteUnavailable(ProviderUnavailable):
    """A store of the site fails: its database, its sessions or its cache; `reason` says which.

    It is a `ProviderUnavailable`, because callers of an API handle both in the same way: they retry later.
    """

    code = "site_unavailable"
    message = _("This site cannot sign you in at the moment. Please try again in a minute.")
