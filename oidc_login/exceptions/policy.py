"""Errors of the site's rules and of accounts: who may sign in, and which account they may use (403, 409)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from oidc_login.exceptions.base import OAuthError

# 403: the site's rules refuse.


class SignupClosed(OAuthError):
    status_code = 403
    code = "signup_closed"
    message = _("You do not have an account here, and you cannot create one this way.")


class DomainNotAllowed(OAuthError):
    status_code = 403
    code = "domain_not_allowed"
    message = _("You cannot sign in here with this email address. Please use another account.")


class Inactive(OAuthError):
    status_code = 403
    code = "inactive"
    message = _("Your account has been deactivated. Please contact the people who run this site.")


class RefusedBySite(OAuthError):
    status_code = 403
    code = "refused_by_site"
    message = _("You do not have access to this site with this account.")


class StepUpFailed(RefusedBySite):
    message = _("This page needs a more secure sign-in, for example with a code from your phone.")


class StepUpImpossible(RefusedBySite):
    message = _(
        "This page needs you to confirm your sign-in, but the way you signed in does not support that. Please sign in "
        "another way."
    )


class EmailRequired(OAuthError):
    status_code = 403
    code = "email_required"
    message = _(
        "You need a confirmed email address to get an account here. Please confirm your address, or sign in "
        "another way."
    )


class EmailNotTaken(EmailRequired):
    message = _("You cannot create an account this way. Please sign in another way.")


class ConnectUserChanged(OAuthError):
    status_code = 403
    code = "connect_user_changed"
    message = _("You signed out, or signed in with another account, before this was finished. Nothing was changed.")


class AnotherPerson(ConnectUserChanged):
    message = _(
        "You chose an account that is not connected to yours. Nothing was changed, and you are still signed in."
    )


class SignedInAlready(ConnectUserChanged):
    message = _("You are already signed in with another account. Sign out first, then try again.")


class NeedsReauth(OAuthError):
    """The tokens of a connection can no longer be used, and only its user can get new ones."""

    status_code = 403
    code = "needs_reauth"
    message = _("This connection has expired. Please connect it again.")


class ExchangeRefused(OAuthError):
    """The provider offers no token exchange, or refuses it for this API."""

    status_code = 403
    code = "exchange_refused"
    message = _("This site cannot use the other service for you.")


class ScopeNotGranted(OAuthError):
    status_code = 403
    code = "scope_not_granted"
    message = _("This page needs a permission that you did not give.")


class LoginNotAllowed(OAuthError):
    """The provider's `allow_login` is off: people can connect it, but not sign in with it."""

    status_code = 403
    code = "login_not_allowed"
    message = _("You cannot sign in this way. Please sign in another way first, then connect it to your account.")


class LastLoginMethod(OAuthError):
    status_code = 403
    code = "last_login_method"
    message = _("This is your only way to sign in. First set a password or connect another way to sign in.")


# 409: the identity or the address belongs to another account.


class IdentityTaken(OAuthError):
    status_code = 409
    code = "identity_taken"
    message = _("This account is already connected to another user. Nothing was changed.")


class IdentityUnbound(OAuthError):
    """The stored identity does not name its server, so it may belong to another one."""

    status_code = 409
    code = "identity_unbound"
    message = _("You cannot sign in this way until this site finishes an update. Please tell the people who run it.")


class EmailAmbiguous(OAuthError):
    status_code = 409
    code = "email_ambiguous"
    message = _("More than one account has this email address. Sign in the way you usually do, then connect this one.")


class EmailNotVerified(OAuthError):
    status_code = 409
    code = "email_not_verified"
    message = _(
        "There is already an account with this email address. Sign in the way you usually do, then connect this one."
    )


class EmailLinkingOff(OAuthError):
    status_code = 409
    code = "email_linking_off"
    message = _(
        "There is already an account with this email address. Sign in the way you usually do, then connect this one."
    )


class IdentityConflict(OAuthError):
    status_code = 409
    code = "identity_conflict"
    message = _(
        "There is already an account with this email address. Sign in the way you usually do, then connect this one."
    )


class StaffLinkingOff(OAuthError):
    status_code = 409
    code = "staff_linking_off"
    message = _(
        "There is already an account with this email address. Sign in the way you usually do, then connect this one."
    )


class ConfirmLink(OAuthError):
    status_code = 409
    code = "confirm_link"
    message = _("There is already an account with this email address. Sign in to it once to connect the two.")
    template_name = "oidc_login/confirm_link.html"
