"""Checks that a call, and a provider's settings, add to the checks of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from oidc_login.client.errors import OAuthError
from oidc_login.client.userinfo import UserInfo
from oidc_login.exceptions import DomainNotAllowed, RefusedBySite, StepUpFailed
from oidc_login.protocol.id_token import MAX_LEEWAY
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin import groups_claim
from oidc_login.signin.claims import clean_email, is_admitted
from oidc_login.validation import listed

# The members of an option, as in Authlib.
MEMBERS = ("essential", "value", "values", "validate", "allow_blank")
# These are always checked.
ALWAYS_CHECKED = ("iss", "sub", "aud", "exp", "iat", "nonce")

ClaimsOptions = Mapping[str, Mapping[str, Any]]


def check_arguments(
    provider_values: Mapping[str, str], claims_options: ClaimsOptions | None, claims_cls: object, leeway: float | None
) -> None:
    """Reject arguments that would weaken a check, before the flow is used up; `provider_values` are allowed."""
    if claims_cls is not None and not (isinstance(claims_cls, type) and issubclass(claims_cls, UserInfo)):
        refuse("claims_cls is not supported. Write a subclass of oidc_login.client.UserInfo, or claims_options.")
    if leeway is not None and not (is_number(leeway) and 0 <= leeway <= MAX_LEEWAY):
        refuse(f"leeway must be from 0 to {MAX_LEEWAY} seconds. Write leeway=120, or leave it out.")
    for name, option in (claims_options or {}).items():
        check_option(name, option, expected=provider_values.get(name))


def check_option(name: str, option: Mapping[str, Any], *, expected: str | None) -> None:
    where = f"claims_options[{name!r}]"
    unknown = [member for member in option if member not in MEMBERS]
    if unknown:
        refuse(f"{where}: {unknown[0]!r} is not known. Write some of {listed(MEMBERS)}.")
    if name not in ALWAYS_CHECKED:
        return
    if not option.get("essential", True) or option.get("allow_blank"):
        refuse(f"{where}: this claim is always checked. Leave it out, or write 'essential': True.")
    if expected is not None and any(value != expected for value in accepted_by(option)):
        refuse(f"{where}: only {expected!r} is accepted. Leave it out: it is always checked.")


def accepted_by(option: Mapping[str, Any]) -> list[Any]:
    """Return the values that an option allows."""
    return [*(option.get("values") or ()), *([option["value"]] if option.get("value") is not None else ())]


def refuse(message: str) -> None:
    raise ImproperlyConfigured(message)


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_options(claims: Mapping[str, Any], claims_options: ClaimsOptions | None) -> None:
    """Raise `OAuthError` for the first claim that the call does not accept."""
    for name, option in (claims_options or {}).items():
        value = claims.get(name)
        if option.get("essential") and not value and not (option.get("allow_blank") and name in claims):
            raise OAuthError("missing_claim", f'Missing "{name}" claim')
        if value is None:
            continue
        accepted = accepted_by(option)
        validate = option.get("validate")
        fits = not accepted or value in accepted or (isinstance(value, list) and name == "aud")
        if not fits or (validate is not None and not validate(claims, value)):
            raise OAuthError("invalid_claim", f'Invalid claim "{name}"')


def check_admission(provider: OAuthProvider, claims: Mapping[str, Any]) -> None:
    """Apply the provider's admission settings for sign-ins."""
    if not provider.check_claims(claims):
        raise RefusedBySite("check_claims")
    groups_claim.check(claims, provider)
    acr_values = provider.get_essential_acr_values()
    if acr_values and claims.get("acr") not in acr_values:
        raise StepUpFailed("acr")
    email = clean_email(claims.get("email"))
    email_verified = bool(email) and provider.is_email_verified(claims)
    if not is_admitted(email, email_verified=email_verified, domains=provider.allowed_email_domains):
        raise DomainNotAllowed("allowed_email_domains")
