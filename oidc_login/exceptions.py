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
    message = _("There is no such way to sign in here.")


class ProviderGone(ProviderUnknown):
    message = _("The provider of this connection is not configured here any more.")


class ConnectionRemoved(OAuthError):
    status_code = 404
    code = "connection_removed"
    message = _("This connection was removed.")


class Cancelled(OAuthError):
    status_code = 302
    code = "cancelled"
    message = _("You did not sign in. You can try again or choose another way.")


class SessionEnded(Cancelled):
    message = _("You were signed out, because your provider did not confirm your sign-in. Please sign in again.")


# 400: what the browser brought is not a good answer.


class StateMissing(OAuthError):
    code = "state_missing"
    message = _("This page is the end of a sign-in that did not begin here. Please start again.")


class StateUnknown(OAuthError):
    code = "state_unknown"
    message = _(
        "This sign-in was not begun in this browser, or its cookie was lost. "
        "Please allow cookies for this site and start again."
    )


class StateExpired(OAuthError):
    code = "state_expired"
    message = _("This sign-in took too long. Please start again.")


class StateUsed(OAuthError):
    code = "state_used"
    message = _("This sign-in was completed or ended already. Please start again.")


class ProviderMismatch(OAuthError):
    code = "provider_mismatch"
    message = _("The answer belongs to another provider. Please start again.")


class ParameterInvalid(OAuthError):
    code = "parameter_invalid"
    message = _("The answer of the provider is malformed. Please start again.")


class IssuerMismatch(OAuthError):
    code = "iss_mismatch"
    message = _("The answer does not come from the provider that was asked. Please start again.")


class ProviderError(OAuthError):
    code = "provider_error"
    message = _("The provider refused the sign-in. Please start again.")


class WrongHost(OAuthError):
    """A flow that could never end: its answer comes to the host of `OIDC_LOGIN_BASE_URL`, its cookie stays here."""

    code = "wrong_host"
    message = _("You cannot sign in at this address of the site. Please try again at its main address.")


class CodeRefused(OAuthError):
    code = "code_refused"
    message = _("The provider no longer accepts this sign-in. Please start again.")


# 401: a program, not a person.


class AccessTokenInvalid(OAuthError):
    status_code = 401
    code = "access_token_invalid"
    message = _("The access token is not valid here.")


# 403: the site's policy says no.


class SignupClosed(OAuthError):
    status_code = 403
    code = "signup_closed"
    message = _("There is no account for you here, and new accounts are not opened this way.")


class DomainNotAllowed(OAuthError):
    status_code = 403
    code = "domain_not_allowed"
    message = _("Only verified e-mail addresses of certain domains may sign in here.")


class Inactive(OAuthError):
    status_code = 403
    code = "inactive"
    message = _("This account is not active. Please contact the people who run this site.")


class RefusedBySite(OAuthError):
    status_code = 403
    code = "refused_by_site"
    message = _("This site does not let this account in.")


class StepUpFailed(RefusedBySite):
    message = _("A stronger sign-in is needed here than the provider made, for instance with a second factor.")


class StepUpImpossible(RefusedBySite):
    message = _(
        "This page needs a sign-in that was confirmed just now, and your way to sign in cannot be asked for that. "
        "Please sign in another way."
    )


class EmailRequired(OAuthError):
    status_code = 403
    code = "email_required"
    message = _("An account here needs a verified e-mail address, and the provider did not give one.")


class EmailNotTaken(EmailRequired):
    message = _("An account here needs an e-mail address, and this site does not take it from this provider.")


class ConnectUserChanged(OAuthError):
    status_code = 403
    code = "connect_user_changed"
    message = _("You are not signed in any more as the person who began this. Nothing was changed.")


class AnotherPerson(ConnectUserChanged):
    message = _("That account is not connected to yours here. Nothing was changed. You are still signed in.")


class SignedInAlready(ConnectUserChanged):
    message = _("You are signed in here with another account. Sign out first, then try again.")


class NeedsReauth(OAuthError):
    """The tokens of a connection are of no more use, and only its person can get new ones."""

    status_code = 403
    code = "needs_reauth"
    message = _("The connection to the provider has ended. Please connect it once more.")


class ScopeNotGranted(OAuthError):
    status_code = 403
    code = "scope_not_granted"
    message = _("This page needs a permission at the provider that was not given.")


class LoginNotAllowed(OAuthError):
    """The provider's `allow_login` is off: people can connect it, and it signs nobody in."""

    status_code = 403
    code = "login_not_allowed"
    message = _("You cannot sign in this way. Please sign in another way first, then connect it to your account.")


class LastLoginMethod(OAuthError):
    status_code = 403
    code = "last_login_method"
    message = _("This is your only way to sign in. Set a password or connect another identity first.")


# 409: the identity or the address belongs to another account.


class IdentityTaken(OAuthError):
    status_code = 409
    code = "identity_taken"
    message = _("This identity is connected to another account. Nothing was changed.")


class IdentityUnbound(OAuthError):
    """The identity is stored without the server that it belongs to, and may be one of another server."""

    status_code = 409
    code = "identity_unbound"
    message = _("This site has to finish an update before you can sign in this way. Please tell the people who run it.")


class EmailAmbiguous(OAuthError):
    status_code = 409
    code = "email_ambiguous"
    message = _("Several accounts have this e-mail address. Sign in the usual way first, then connect.")


class EmailNotVerified(OAuthError):
    status_code = 409
    code = "email_not_verified"
    message = _("An account with this e-mail address exists. Sign in to it the usual way first, then connect.")


class EmailLinkingOff(OAuthError):
    status_code = 409
    code = "email_linking_off"
    message = _("An account with this e-mail address exists. Sign in to it the usual way first, then connect.")


class IdentityConflict(OAuthError):
    status_code = 409
    code = "identity_conflict"
    message = _("An account with this e-mail address exists. Sign in to it the usual way first, then connect.")


class StaffLinkingOff(OAuthError):
    status_code = 409
    code = "staff_linking_off"
    message = _("An account with this e-mail address exists. Sign in to it the usual way first, then connect.")


class ConfirmLink(OAuthError):
    status_code = 409
    code = "confirm_link"
    message = _("An account with this e-mail address exists. Sign in to it once, and the two are linked.")
    template_name = "oidc_login/confirm_link.html"


# 500: the site itself.


class SiteMisconfigured(OAuthError):
    """The site's user model, a receiver or a hook needs something that no sign-in can bring."""

    status_code = 500
    code = "site_misconfigured"
    message = _(
        "An error in the configuration of this site prevents you from signing in. Please tell the people who run it."
    )


# 502: the provider's answer cannot be accepted.


class IDTokenInvalid(OAuthError):
    status_code = 502
    code = "id_token_invalid"
    message = _("The provider's answer could not be verified. Please try again later.")


class UserInfoInvalid(OAuthError):
    status_code = 502
    code = "userinfo_invalid"
    message = _("The provider did not say properly who you are. Please try again later.")


class TokenResponseInvalid(OAuthError):
    status_code = 502
    code = "token_response_invalid"
    message = _("The provider's answer could not be read. Please try again later.")


class ClientRefused(OAuthError):
    status_code = 502
    code = "client_refused"
    message = _("The provider does not accept this site at the moment. Please tell the people who run it.")


class MetadataInvalid(OAuthError):
    status_code = 502
    code = "metadata_invalid"
    message = _("The provider's description of itself cannot be used. Please try again later.")


# 503: no answer.


class ProviderUnavailable(OAuthError):
    status_code = 503
    code = "provider_unavailable"
    message = _("The provider does not answer at the moment. Please try again in a minute.")

    def __init__(self, reason: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(reason, retry_after=retry_after or 30)


class SiteUnavailable(ProviderUnavailable):
    """A store of the site fails: its database, its sessions or its cache; `reason` says which.

    It is a `ProviderUnavailable`, because callers of an API do the same for both: they try again later.
    """

    code = "site_unavailable"
    message = _("This site is busy at the moment. Please try again in a minute.")


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
