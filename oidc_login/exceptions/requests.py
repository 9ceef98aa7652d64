"""Responses to programs where a page would be redirected. They are not logged as failed sign-ins."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from oidc_login.exceptions.base import OAuthError


class RequestRefused(OAuthError):
    """The request is wrong, but no sign-in failed, so nothing is logged or signalled."""


class NotSignedIn(RequestRefused):
    status_code = 401
    code = "not_signed_in"
    message = _("You are not signed in.")


class SessionUnconfirmed(RequestRefused):
    """Only the browser can confirm the session at the provider (`oidc_login.middleware.SessionRefresh`)."""

    status_code = 401
    code = "session_unconfirmed"
    message = _("Please sign in again to continue.")


class SignInTooOld(RequestRefused):
    """The session is too old to change the ways to sign in, or has to be confirmed first."""

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
