"""The target of an old provider: the provider here, its issuer, and the value with the identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from oidc_login.exceptions import OAuthError, ProviderUnknown
from oidc_login.moving.accounts import Counterpart, OldAccount, Source
from oidc_login.plain_text import one_line
from oidc_login.protocol.errors import InvalidIDToken, ProtocolError
from oidc_login.providers.base import MAX_ISSUER_LENGTH, OAuthProvider
from oidc_login.providers.mapping import value_at
from oidc_login.providers.values import subject_of
from oidc_login.registry import get_provider, get_provider_keys

MAX_SUBJECT_LENGTH = 255  # the length of the column, and of `sub` (Core 2)
UID = "uid"
CHANNEL = "channel"  # what YouTube's rows hold, and what the identity is if the entry says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The provider here for an old provider; `issuer` is `None` if each account has its own."""

    old: str
    provider: OAuthProvider
    counterpart: Counterpart
    issuer: str | None

    @property
    def key(self) -> str:
        return self.provider.key

    def issuer_of(self, account: OldAccount) -> str | None:
        """Return the issuer of an account, or `None` if the old row does not contain it."""
        if self.issuer is not None:
            return self.issuer
        try:
            issuer = self.provider.get_identity_issuer(account.claims)
        except ProtocolError:
            return None
        return issuer if self.provider.is_possible_issuer(issuer) else None

    def subject(self, account: OldAccount, *, local_names: frozenset[str]) -> str:
        """Return the identity that a sign-in will have, or "" if the old row does not contain it.

        `local_names` are the user name and email address of the account. A uid equal to one of them came from a claim
        that can change, so it does not identify anybody.
        """
        for path in self.counterpart.identity:
            value = self._uid(account, local_names) if path == UID else claim(account.claims, path)
            if subject := subject_of(value):
                return subject if is_storable(subject) else ""
        return ""

    def _uid(self, account: OldAccount, local_names: frozenset[str]) -> str:
        identify_by = getattr(self.provider, "identify_by", "account")
        if account.uid_claim == CHANNEL or identify_by == CHANNEL:  # one of them stands for the other nowhere
            return account.uid if account.uid_claim == identify_by else ""
        if account.uid_claim and account.uid_claim not in ("sub", *self.counterpart.uid_claims):
            return ""
        if self.provider.has_id_token and (account.uid.lower() in local_names or "@" in account.uid):
            return ""
        return account.uid


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its exact name, or else by a dotted path."""
    return claims[path] if path in claims else value_at(dict(claims), path)


def is_storable(subject: str) -> bool:
    """Whether a subject can be stored unchanged: no control characters, no surrounding spaces, not too long."""
    return len(subject) <= MAX_SUBJECT_LENGTH and one_line(subject) == subject


def find_target(source: Source, old: str, renamed: Mapping[str, str]) -> Target | None:
    """Return the target of an old provider, or `None` if no provider is configured for it.

    It is the provider that the operator named, or the one with the same key, or with the usual key.
    """
    counterpart = source.counterpart(old)
    known = get_provider_keys()
    if old in renamed and renamed[old] not in known:
        raise CommandError(f"There is no provider {renamed[old]!r} in OIDC_LOGIN_PROVIDERS.")
    key = renamed.get(old) or next((name for name in (old, counterpart.key) if name in known), None)
    if key is None:
        return None
    try:
        provider = get_provider(key)
    except (ProviderUnknown, ImproperlyConfigured) as error:
        raise CommandError(f"The provider {key!r} cannot be used: {type(error).__name__}. Run check.") from None
    return Target(old=old, provider=provider, counterpart=counterpart, issuer=look_up_issuer(provider))


def look_up_issuer(provider: OAuthProvider) -> str | None:
    """Return the issuer in the provider's discovery document, or `None` if it depends on the person."""
    nobody: dict[str, Any] = {}
    try:
        issuer = provider.get_identity_issuer(nobody)
    except InvalidIDToken:  # a tenant or workspace, which only the account can tell
        return None
    except (ProtocolError, OAuthError) as error:
        raise CommandError(
            f"The issuer of the provider {provider.key!r} could not be looked up ({error.reason}). This machine must "
            "be able to fetch its discovery document."
        ) from None
    if len(issuer) > MAX_ISSUER_LENGTH:
        raise CommandError(f"The issuer of the provider {provider.key!r} is longer than {MAX_ISSUER_LENGTH}.")
    return issuer
