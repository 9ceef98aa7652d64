"""What a program is told where a page would be redirected. It is no failed sign-in, so nothing is logged as one."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from oidc_login.exceptions.base import OAuthError


class RequestRefused(OAuthError):
    """The request is wrong, not a sign-in: nothing is logged or signalled as one that failed."""


class NotSignedIn(RequestRefused):
    status_code = 401
    code = "not_signed_in"
    message = _("You are not signed in.")


class SessionUnconfirmed(RequestRefused):
    """Only the browser can confirm the session, at the provider (`oidc_login.middleware.SessionRefresh`)."""

    status_code = 401
    code = "session_unconfirmed"
    message = _("Please sign in again to continue.")


class SignInTooOld(RequestRefused):
    """The session is too old for a change of the ways to sign in, or waits to be confirmed."""

    status_code = 401
    code = "reauthentication_required"
    message = _("Please sign in again before you change how you sign in.")


class StepUpNeeded(RequestRefused):
    """The view requires a newer or stronger sign-in."""

    status_code = 401
    code = "reauthentication_required"
    message = _("Please sign in again to continue.")


class ScopesNeeded(RequestRefused):
    """The view requires scopes that the person has not granted."""

    status_code = 401
    code = "scopes_required"
    message = _("To continue, please give this site more permissions.")
