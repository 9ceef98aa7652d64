"""Errors that only the endpoints for programs return."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from oidc_login.exceptions import IDTokenInvalid, OAuthError
from oidc_login.exceptions.requests import RequestRefused


class CSRFFailed(RequestRefused):
    """The request lacks the CSRF token from `session/`, or its origin is not trusted."""

    status_code = 403
    code = "csrf_failed"
    message = _("This page is out of date. Please reload it and try again.")


class NotFound(RequestRefused):
    status_code = 404
    code = "not_found"
    message = _("This entry does not exist.")


class MethodNotAllowed(RequestRefused):
    status_code = 405
    code = "method_not_allowed"
    message = _("This address does not accept this kind of request.")


class BodyTooLarge(RequestRefused):
    status_code = 413
    code = "body_too_large"
    message = _("This request is too large.")


class FieldInvalid(RequestRefused):
    """A member of the request's body is missing or invalid; `reason` names it."""

    status_code = 400
    code = "field_invalid"
    message = _("This request is malformed.")


class NativeTokenInvalid(IDTokenInvalid):
    """The ID token that an app sent is not valid for this site; the app's request is wrong."""

    status_code = 401
    message = _("You could not be signed in. Please try again.")


class NonceInvalid(OAuthError):
    """The nonce is not from `nonce/`, has expired, was used, or differs from the one in the ID token."""

    status_code = 400
    code = "nonce_invalid"
    message = _("This sign-in took too long or has already been used. Please start again.")
