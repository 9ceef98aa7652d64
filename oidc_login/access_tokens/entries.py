"""`OIDC_LOGIN_BEARER_PROVIDERS`: who may issue access tokens for this API, and who issued a given token."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from oidc_login.conf import settings
from oidc_login.exceptions import AccessTokenInvalid, ProviderUnknown
from oidc_login.protocol.access_token import UnverifiedAccessToken, audiences_of
from oidc_login.protocol.token_profiles import PROFILES, RFC9068, TokenProfile
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.providers.values import as_tuple
from oidc_login.registry import get_provider, provider_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerEntry:
    """A provider that may issue access tokens, as the setting describes it.

    Without a profile in the entry or the class, JWTs must have the type of RFC 9068, and all other tokens are
    introspected.
    """

    provider: OIDCProvider
    audiences: tuple[str, ...]
    profile_name: str = ""
    subject: str = ""
    signup: bool = False
    clients: Mapping[str, str] = field(default_factory=dict)
    authorized_parties: tuple[str, ...] = ()

    @property
    def profile(self) -> TokenProfile:
        return PROFILES.get(self.profile_name, RFC9068)

    def introspects(self, token_type: str | None) -> bool:
        """Whether to introspect a JWT of this type, because the profile cannot verify it here."""
        if self.profile.way != "jwt":
            return True
        return not self.profile_name and token_type not in self.profile.types


def bearer_entries(keys: Collection[str] = ()) -> Iterator[BearerEntry]:
    """Yield the entries of the setting, or those with these keys. An invalid entry accepts no tokens."""
    named = settings.BEARER_PROVIDERS
    pairs = named.items() if isinstance(named, Mapping) else ((key, {}) for key in named)
    for key, value in pairs:
        if keys and key not in keys:
            continue
        with suppress(AccessTokenInvalid):  # `manage.py check` reports it
            yield bearer_entry(key, value)


def bearer_entry(key: str, value: Any) -> BearerEntry:
    """Return an entry from an audience, a list of audiences, or a dictionary. The default audience is the client ID."""
    try:
        provider = get_provider(key)
    except ProviderUnknown as error:
        raise AccessTokenInvalid("provider") from error
    if not isinstance(provider, OIDCProvider):
        raise AccessTokenInvalid("provider")
    members: Mapping[str, Any] = value if isinstance(value, Mapping) else {"audience": value}
    profile_name = str(members.get("token_profile") or provider.token_profile)
    if profile_name and profile_name not in PROFILES:
        raise AccessTokenInvalid("token_profile")
    return BearerEntry(
        provider=provider,
        audiences=as_tuple(members.get("audience") or (provider.client_id,)),
        profile_name=profile_name,
        subject=str(members.get("subject") or ""),
        signup=members.get("signup") is True,
        clients=members.get("clients") or {},
        authorized_parties=as_tuple(members.get("authorized_parties") or ()),
    )


def entry_of_jwt(token: UnverifiedAccessToken, entries: Collection[BearerEntry]) -> BearerEntry:
    """Return the entry for the issuer in a JWT. Sends no request.

    If several entries have the issuer, such as two APIs of one realm, the audience decides.
    """
    found = [entry for entry in entries if entry.provider.may_issue_as(token.issuer, entry.profile)]
    if not found:
        raise AccessTokenInvalid("iss")
    if len(found) == 1:
        return found[0]
    for entry in found:
        if not set(entry.audiences).isdisjoint(audiences_of(token.claims, entry.profile)):
            return entry
    raise AccessTokenInvalid("aud")


def entry_of_opaque(entries: Collection[BearerEntry]) -> BearerEntry:
    """Return the only entry for opaque tokens, which do not name their issuer and must not be sent to others."""
    found = [entry for entry in entries if entry.profile.way != "jwt"]
    found = found or [entry for entry in entries if not entry.profile_name]
    if len(found) != 1:
        raise AccessTokenInvalid("provider")
    return found[0]


def own_clients() -> frozenset[str]:
    """Return the client IDs of this site, which are the audiences of its ID tokens."""
    entries = [entry for entry in provider_entries().values() if isinstance(entry, Mapping)]
    return frozenset(str(entry["client_id"]) for entry in entries if entry.get("client_id"))
