"""Step-up: what a page requires of a sign-in, and which provider can confirm a newer or stronger one."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpRequest

from oidc_login.conf import settings
from oidc_login.models import OAuthConnection
from oidc_login.registry import get_login_providers
from oidc_login.session_state import SignInRecord, read_state, write_state
from oidc_login.sessions.schedule import is_unconfirmed

SHORTEST_AGE = 60  # seconds; a new sign-in is not requested again on the way back to the page


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a page requires of a sign-in: its age in seconds, its contexts (Core 3.1.2.1), and its providers.

    Empty `acr_values` or `providers` accept any.
    """

    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()

    def is_met(self, request: HttpRequest) -> bool:
        """Whether the session's sign-in is new and strong enough, and of an accepted provider."""
        sign_in = read_state(request.session).sign_in
        return sign_in is not None and self.is_met_by(sign_in)

    def is_met_by(self, sign_in: SignInRecord) -> bool:
        if self.providers and sign_in.provider_key not in self.providers:
            return False
        return self._is_new_enough(sign_in, now=time.time()) and self._is_strong_enough(sign_in)

    def _is_new_enough(self, sign_in: SignInRecord, *, now: float) -> bool:
        if self.max_age is None:
            return True
        if sign_in.auth_time_stated and now - sign_in.auth_time <= self.max_age:
            return True
        # The provider was asked for exactly this and its answer was accepted, so leeway and latency cause no loop.
        requested = sign_in.max_age
        return requested is not None and requested <= self.max_age and now - sign_in.at <= SHORTEST_AGE

    def _is_strong_enough(self, sign_in: SignInRecord) -> bool:
        return not self.acr_values or sign_in.acr in self.acr_values

    def as_parameters(self) -> dict[str, Any]:
        """Return the parameters of the authorization request that ask for it."""
        parameters: dict[str, Any] = {"acr_values": " ".join(self.acr_values)} if self.acr_values else {}
        return parameters if self.max_age is None else {**parameters, "max_age": self.max_age}


def record_sign_in_time(sender: object, *, request: HttpRequest | None, **kwargs: Any) -> None:
    """Record when this session's person signed in, by any backend, and forget the previous sign-in (`user_logged_in`).

    `user.last_login` would be that of any browser, also of one that the person just used elsewhere.
    """
    if request is not None and hasattr(request, "session"):
        write_state(request.session, sign_in=None, signed_in_at=int(time.time()))


def needs_fresh_sign_in(request: HttpRequest) -> bool:
    """Whether this session is too old, or too long unconfirmed, for a change of the ways to sign in."""
    if is_unconfirmed(request):
        return True
    if settings.REAUTHENTICATION_AGE is None:
        return False
    if provider_states_auth_time(request):
        return not Demand(max_age=settings.REAUTHENTICATION_AGE).is_met(request)
    return bool(time.time() - read_state(request.session).signed_in_at > settings.REAUTHENTICATION_AGE)


def provider_states_auth_time(request: HttpRequest) -> bool:
    """Whether the provider of this session said when the person authenticated there."""
    sign_in = read_state(request.session).sign_in
    return sign_in is not None and sign_in.auth_time_stated


def find_step_up_provider(request: HttpRequest, accepted: Collection[str] = ()) -> str | None:
    """Return the key of a provider that knows the person and says when and how they signed in.

    That is the provider of this session, or else the one that they used last, if it is among the accepted ones.
    Only OpenID Connect providers say it.
    """
    own = OAuthConnection.objects.filter(
        user=request.user,  # type: ignore[misc]  # signed in, of whatever model the site uses
        provider_key__in=[
            provider.key
            for provider in get_login_providers()
            if provider.has_id_token and (not accepted or provider.key in accepted)
        ],
    )
    last_used = F("last_login_at").desc(nulls_last=True)
    known = dict(own.order_by(last_used).values_list("pk", "provider_key"))
    sign_in = read_state(request.session).sign_in
    used_now = known.get(sign_in.connection_key) if sign_in is not None else None
    return used_now or next(iter(known.values()), None)
