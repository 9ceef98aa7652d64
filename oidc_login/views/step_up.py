"""Step-up: what a page may ask of a sign-in, and the way back to the provider for one that is newer or stronger."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse

from oidc_login.exceptions import StepUpImpossible
from oidc_login.flow import pending as flows
from oidc_login.models import OAuthConnection
from oidc_login.registry import get_login_providers, get_provider
from oidc_login.views.base import SESSION_KEY, ProviderView
from oidc_login.views.begin import begin

SIGNED_IN_AT = "oidc_login_signed_in_at"
SHORTEST_AGE = 60  # seconds; what was just asked for is not asked for again on the way back to the page


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a page requires of a sign-in: its age in seconds, its contexts (Core 3.1.2.1), and its providers.

    Empty `acr_values` or `providers` accept any.
    """

    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()

    def is_met_by(self, signed_in: Mapping[str, Any]) -> bool:
        """Whether the sign-in that a session remembers is new and strong enough, and of an accepted provider."""
        if self.providers and signed_in.get("provider") not in self.providers:
            return False
        return self._is_new_enough(signed_in, now=time.time()) and self._is_strong_enough(signed_in)

    def _is_new_enough(self, signed_in: Mapping[str, Any], *, now: float) -> bool:
        if self.max_age is None:
            return True
        if signed_in.get("auth_time_stated") and now - signed_in["auth_time"] <= self.max_age:
            return True
        # The provider was asked for just this, and its answer accepted: leeway and the way back make no loop.
        asked = signed_in.get("max_age")
        return asked is not None and asked <= self.max_age and now - signed_in["at"] <= SHORTEST_AGE

    def _is_strong_enough(self, signed_in: Mapping[str, Any]) -> bool:
        return not self.acr_values or signed_in.get("acr") in self.acr_values

    def as_parameters(self) -> dict[str, Any]:
        """Return the parameters of the authorization request that ask for it."""
        parameters: dict[str, Any] = {"acr_values": " ".join(self.acr_values)} if self.acr_values else {}
        return parameters if self.max_age is None else {**parameters, "max_age": self.max_age}


def note_sign_in(sender: object, *, request: HttpRequest | None, **kwargs: Any) -> None:
    """Note when this session's person signed in, by whatever backend; what was known of another sign-in is over.

    `user.last_login` would be of any browser, also of one that the person has just used elsewhere.
    """
    if request is not None and hasattr(request, "session"):
        request.session.pop(SESSION_KEY, None)
        request.session[SIGNED_IN_AT] = int(time.time())


class ReauthenticateView(ProviderView):
    """Sends a person who is signed in back to their provider, for a newer or stronger sign-in.

    It has no URL: it stands in for the page that asks for it.
    """

    http_method_names = ["get", "head", "post"]
    demand = Demand()

    def get(self, request: HttpRequest) -> HttpResponse:
        self.next_url = flows.safe_next(request, [request.get_full_path()])
        return self.send_back(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.send_back(request)  # what was posted cannot be posted again for them

    def send_back(self, request: HttpRequest) -> HttpResponse:
        provider_key = provider_that_can_tell(request, self.demand.providers)
        if provider_key is None:
            raise StepUpImpossible("no_openid_connect")
        self.provider = get_provider(provider_key)
        return begin(
            request,
            self.provider,
            purpose="reauthenticate",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters=self.demand.as_parameters(),
        )


def provider_that_can_tell(request: HttpRequest, accepted: Collection[str] = ()) -> str | None:
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
    used_now = request.session.get(SESSION_KEY, {}).get("connection")
    return known.get(used_now) or next(iter(known.values()), None)
