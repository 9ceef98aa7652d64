"""Sends a person back to their provider, for a newer or stronger sign-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from oidc_login.exceptions import OAuthError, StepUpImpossible, StepUpNeeded
from oidc_login.flow.begin import begin_flow
from oidc_login.flow.redirects import safe_next
from oidc_login.problems import problem_response, wants_json
from oidc_login.registry import get_provider
from oidc_login.sessions.step_up import Demand, find_step_up_provider
from oidc_login.views.base import ProviderView
from oidc_login.views.programs import as_problem


class ReauthenticateView(ProviderView):
    """Sends a signed-in person back to their provider, for a newer or stronger sign-in.

    It has no URL: it replaces the page that requires the sign-in.
    """

    http_method_names = ["get", "head", "post"]
    demand = Demand()

    def get(self, request: HttpRequest) -> HttpResponse:
        self.next_url = safe_next(request, [request.get_full_path()])
        return self.send_back(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.send_back(request)  # a POST cannot be repeated for them

    def send_back(self, request: HttpRequest) -> HttpResponse:
        provider_key = find_step_up_provider(request, self.demand.providers)
        if provider_key is None:
            raise StepUpImpossible("no_openid_connect")
        self.provider = get_provider(provider_key)
        if wants_json(request):
            required = self.demand.as_parameters()
            return problem_response(StepUpNeeded("step_up"), provider=provider_key, **required)
        return begin_flow(
            request,
            self.provider,
            purpose="reauthenticate",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters=self.demand.as_parameters(),
        )

    def render_error(self, request: HttpRequest | None, error: OAuthError) -> HttpResponse:
        return as_problem(request, error) or super().render_error(request, error)
