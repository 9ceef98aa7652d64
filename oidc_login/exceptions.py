"""What can end a sign-in: each failure with its status, its stable code and a text that is safe to show."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import SuspiciousOperation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oidc_login.protocol import errors as protocol

Text = str | Promise


class OAuthError(SuspiciousOperation):
    """A sign-in, connect or API call that cannot go on.

    `reason` names, for logs, what was wrong: a claim, a parameter, an error code; never a value.
    `connection_id` is the key of the stored connection that it is about, where there is one. `evidence` is what a rule
    expected and what it found, for the page that is shown under `DEBUG`.
    """

    status_code: ClassVar[int] = 400
    code: ClassVar[str] = "error"
    message: Text = _("Signing in did not work. Please try again.")
    template_name: ClassVar[str] = "oidc_login/error.html"

    def __init__(self, reason: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.connection_id: object = None
        self.evidence: protocol.Evidence | None = None

    def __str__(self) -> str:
        return str(self.message)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.code} {self.reason}>".replace(" >", ">")


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


# 400: what the browser brought is not a good answer.


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
    """A flow that could never end: its answer comes to the host of `OIDC_LOGIN_BASE_URL`, its cookie stays here."""

    code = "wrong_host"
    message = _("You cannot sign in at this web address. Please use the main address of this site.")


class CodeRefused(OAuthError):
    code = "code_refused"
    message = _("This sign-in is no longer valid. Please start again.")


# 401: a program, not a person.


class AccessTokenInvalid(OAuthError):
    status_code = 401
    code = "access_token_invalid"
    message = _("The access token is not valid here.")


# 403: the site's policy says no.


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
        "This page needs you to confirm your sign-in, and your way to sign in does not support that. Please "
        "sign in another way."
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
    """The tokens of a connection are of no more use, and only its person can get new ones."""

    status_code = 403
    code = "needs_reauth"
    message = _("This connection has expired. Please connect it again.")


class ScopeNotGranted(OAuthError):
    status_code = 403
    code = "scope_not_granted"
    message = _("This page needs a permission that you did not give.")


class LoginNotAllowed(OAuthError):
    """The provider's `allow_login` is off: people can connect it, and it signs nobody in."""

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
    """The identity is stored without the server that it belongs to, and may be one of another server."""

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


# 500: the site itself.


class SiteMisconfigured(OAuthError):
    """The site's user model, a receiver or a hook needs something that no sign-in can bring."""

    status_code = 500
    code = "site_misconfigured"
    message = _("You cannot sign in because this site is not set up correctly. Please tell the people who run it.")


# 502: the provider's answer cannot be accepted.


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


# 503: no answer.


class ProviderUnavailable(OAuthError):
    status_code = 503
    code = "provider_unavailable"
    message = _("The sign-in service is not responding. Please try again in a minute.")

    def __init__(self, reason: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(reason, retry_after=retry_after or 30)


class SiteUnavailable(ProviderUnavailable):
    """A store of the site fails: its database, its sessions or its cache; `reason` says which.

    It is a `ProviderUnavailable`, because callers of an API do the same for both: they try again later.
    """

    code = "site_unavailable"
    message = _("This site cannot sign you in at the moment. Please try again in a minute.")


CANCELLING_ERRORS = ("access_denied", "login_required", "interaction_required", "consent_required")
UNAVAILABLE_ERRORS = ("temporarily_unavailable", "server_error")
CODE_ERRORS = ("invalid_grant", "bad_verification_code")
REFRESH_ERRORS = ("invalid_grant", "bad_refresh_token")  # the latter is GitHub's
CLIENT_ERRORS = ("invalid_client", "unauthorized_client", "incorrect_client_credentials")


def from_protocol(error: protocol.ProtocolError) -> OAuthError:
    """Return the error that a person sees for one of the protocol floor, with its evidence."""
    seen = _seen_as(error)
    seen.evidence = error.evidence
    return seen


def _seen_as(error: protocol.ProtocolError) -> OAuthError:
    if isinstance(error, protocol.AuthorizationErrorResponse):
        return _from_authorization_error(error.reason)
    if isinstance(error, protocol.TokenErrorResponse):
        return _from_token_error(error.reason)
    if isinstance(error, protocol.ProviderUnavailable):
        return ProviderUnavailable(error.reason, retry_after=error.retry_after)
    for kind, seen_as in _SEEN_AS.items():
        if isinstance(error, kind):
            return seen_as(error.reason)
    return TokenResponseInvalid(error.reason)


def _from_authorization_error(code: str) -> OAuthError:
    if code in CANCELLING_ERRORS:
        return Cancelled(code)
    if code in UNAVAILABLE_ERRORS:
        return ProviderUnavailable(code)
    return ProviderError(code)


def _from_token_error(code: str) -> OAuthError:
    if code in CODE_ERRORS:
        return CodeRefused(code)
    if code in CLIENT_ERRORS:
        return ClientRefused(code)
    if code in UNAVAILABLE_ERRORS:
        return ProviderUnavailable(code)
    return TokenResponseInvalid(code)


_SEEN_AS: dict[type[protocol.ProtocolError], type[OAuthError]] = {
    protocol.InvalidIDToken: IDTokenInvalid,
    protocol.InvalidAccessToken: AccessTokenInvalid,
    protocol.UserInfoInvalid: UserInfoInvalid,
    protocol.ClientMisconfigured: ClientRefused,
    protocol.MetadataInvalid: MetadataInvalid,
    protocol.AuthorizationResponseInvalid: ParameterInvalid,
    protocol.IssuerMismatch: IssuerMismatch,
}
