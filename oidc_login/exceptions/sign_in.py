"""Errors of one sign-in: the URL, the person's decision, and the browser's request (404, 302, 400, 401)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from oidc_login.exceptions.base import OAuthError


class ProviderUnknown(OAuthError):
    status_code = 404
    code = "provider_unknown"
    message = _("This way to sign in does not exist.")


class ProviderGone(ProviderUnknown):
    message = _("You can no longer use this way to sign in here.")


class ConnectionRemoved(OAuthError):
    status_code = 404
    code = "connection_removed"
    message = _("This connection was removed.")


class Cancelled(OAuthError):
    status_code = 302
    code = "cancelled"
    message = _("You did not sign in. You can try again or choose another way to sign in.")


class SessionEnded(Cancelled):
    message = _(
        "You have been signed out because we could not confirm that you are still signed in elsewhere. Please"
        " sign in again."
    )


# 400: the browser's request is not a valid response.


class StateMissing(OAuthError):
    code = "state_missing"
    message = _("There is no sign-in to finish here. Please start again.")


class StateUnknown(OAuthError):
    code = "state_unknown"
    message = _(
        "You started to sign in with another browser, or your browser did not keep the cookie. Please allow "
        "cookies for this site and start again."
    )


class StateExpired(OAuthError):
    code = "state_expired"
    message = _("This sign-in took too long. Please start again.")


class StateUsed(OAuthError):
    code = "state_used"
    message = _("This sign-in has already been used. Please start again.")


class ProviderMismatch(OAuthError):
    code = "provider_mismatch"
    message = _("Something went wrong while you were signing in. Please start again.")


class ParameterInvalid(OAuthError):
    code = "parameter_invalid"
    message = _("Something went wrong while you were signing in. Please start again.")


class IssuerMismatch(OAuthError):
    code = "iss_mismatch"
    message = _("Something went wrong while you were signing in. Please start again.")


class ProviderError(OAuthError):
    code = "provider_error"
    message = _("The sign-in service reported an error. Please start again.")


class WrongHost(OAuthError):
    """A flow that cannot be completed: the response goes to the host in `OIDC_LOGIN_BASE_URL`, without the cookie."""

    code = "wrong_host"
    message = _("You cannot sign in at this web address. Please use the main address of this site.")


class CodeRefused(OAuthError):
    code = "code_refused"
    message = _("This sign-in is no longer valid. Please start again.")


# 401: a program, not a person.


class AccessTokenInvalid(OAuthError):
    status_code = 401
    code = "access_token_invalid"
    message = _("This access token is not valid for this site.")
