"""Begins a flow: returns the URL at the provider, and sets the cookie for the callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, JsonResponse

from oidc_login.contrib.headless.app_sessions import app_session_of
from oidc_login.contrib.headless.body import members_of, number_member, text_member
from oidc_login.contrib.headless.returning import checked_next, popup_url
from oidc_login.contrib.headless.schema import SECONDS, TEXT, URL, Operation, a_body, an_object
from oidc_login.contrib.headless.views.base import SignInEndpoint
from oidc_login.exceptions import NotSignedIn, SignInTooOld, StepUpImpossible, WrongHost
from oidc_login.flow import hosts
from oidc_login.flow.pending import Purpose, create_flow, set_flow_cookie
from oidc_login.registry import get_provider
from oidc_login.sessions.scopes import remember_requested_scopes, scope_parameter, unseal_scopes
from oidc_login.sessions.step_up import Demand, find_step_up_provider, needs_fresh_sign_in
from oidc_login.signin.admission import check_login_allowed
from oidc_login.views.begin import login_hint_parameter

BEGUN = an_object(authorization_url=URL)
ERRORS = (400, 401, 403, 404, 413, 502, 503)


class BeginEndpoint(SignInEndpoint):
    """Begins a sign-in."""

    http_method_names = ["post", "options"]
    purpose: Purpose = "login"
    operations: ClassVar[Any] = {
        "post": Operation(
            summary="Begin a sign-in: send the browser to `authorization_url`",
            body=a_body(next=TEXT, popup_origin=TEXT, login_hint=TEXT),
            answers={200: BEGUN},
            errors=ERRORS,
            needs_csrf_token=True,
        )
    }

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        members = members_of(request)
        self.provider = get_provider(provider)
        if app_session_of(request) is not None:  # a flow ends in a browser's session
            raise NotSignedIn("app_token")
        origin = text_member(members, "popup_origin")
        self.next_url = popup_url(request, origin) if origin else checked_next(request, text_member(members, "next"))
        parameters = self.parameters(request, members)
        if hosts.place_of(request) is not hosts.Place.BASE:
            raise WrongHost("base_url")
        user_key = "" if self.purpose == "login" else str(request.user.pk)
        flow = create_flow(
            request,
            self.provider,
            purpose=self.purpose,
            next_url=self.next_url,
            user_key=user_key,
            parameters=parameters,
            for_frontend=True,
        )
        response = JsonResponse({"authorization_url": self.provider.get_authorization_url(request=request)})
        set_flow_cookie(request, response, flow, cross_site_post=self.provider.response_mode == "form_post")
        return response

    def parameters(self, request: HttpRequest, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return extra parameters for the authorization request, or raise an error if this flow is not allowed."""
        assert self.provider is not None  # noqa: S101  # `post` has set it
        check_login_allowed(self.provider)
        hint = text_member(members, "login_hint")
        return login_hint_parameter([hint]) if hint else {}


class ConnectEndpoint(BeginEndpoint):
    """Begins connecting another provider account to the signed-in person."""

    needs_person = needs_confirmed_session = True
    purpose = "connect"
    scopes: tuple[str, ...] = ()
    operations: ClassVar[Any] = {
        "post": Operation(
            summary="Begin connecting one more provider account, or grant the `scopes` of a 401 `scopes_required`",
            body=a_body(next=TEXT, popup_origin=TEXT, scopes=TEXT),
            answers={200: BEGUN},
            errors=ERRORS,
            needs_csrf_token=True,
        )
    }

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        response = super().post(request, provider)
        if self.scopes:
            remember_requested_scopes(request, provider, self.scopes)
        return response

    def parameters(self, request: HttpRequest, members: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.provider is not None  # noqa: S101  # `post` has set it
        if needs_fresh_sign_in(request):
            raise SignInTooOld("session_age")
        sealed = text_member(members, "scopes")
        if not sealed:
            return {}
        self.scopes = unseal_scopes(request, self.provider.key, sealed)
        return scope_parameter(request, self.provider, self.scopes)


class ReauthenticateEndpoint(BeginEndpoint):
    """Begins a more recent or stronger sign-in of the same person; `max_age` is in seconds (Core 3.1.2.1)."""

    needs_person = needs_confirmed_session = True
    purpose = "reauthenticate"
    operations: ClassVar[Any] = {
        "post": Operation(
            summary="Begin a newer or stronger sign-in of the same person",
            body=a_body(next=TEXT, popup_origin=TEXT, max_age=SECONDS, acr_values=TEXT),
            answers={200: BEGUN},
            errors=ERRORS,
            needs_csrf_token=True,
        )
    }

    def parameters(self, request: HttpRequest, members: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.provider is not None  # noqa: S101  # `post` has set it
        contexts = tuple(text_member(members, "acr_values").split())
        demand = Demand(max_age=number_member(members, "max_age"), acr_values=contexts)
        if find_step_up_provider(request, [self.provider.key]) is None:
            raise StepUpImpossible("no_openid_connect")
        return demand.as_parameters()
