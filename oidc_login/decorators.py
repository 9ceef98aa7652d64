"""Decorators for a site's own views."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase

from oidc_login.sessions.scopes import has_scopes
from oidc_login.sessions.step_up import Demand
from oidc_login.views.programs import redirect_to_sign_in
from oidc_login.views.scopes import ScopesView
from oidc_login.views.step_up import ReauthenticateView

View = Callable[..., Any]
Gate = Callable[[HttpRequest], HttpResponseBase | None]


def reauthentication_required(
    *, max_age: int | None = None, acr_values: str | Iterable[str] = (), providers: Iterable[str] = ()
) -> Callable[[View], View]:
    """Show the view to a person whose sign-in at the provider is new and strong enough; send others back there first.

    `max_age` is in seconds (Core 3.1.2.1). If there are `acr_values`, one of them must be met. Afterwards the
    person returns to the page, or to `LOGIN_REDIRECT_URL` if their request was a POST. Visitors are sent to
    `LOGIN_URL`. A program gets a problem document (401) that says what is required.

    `providers` are the keys of the accepted providers; empty accepts every provider that the person has connected.
    What an `acr` means, and who may claim it, differs between providers.
    """
    contexts = acr_values.split() if isinstance(acr_values, str) else acr_values
    gate = gate_for(Demand(max_age=max_age, acr_values=tuple(contexts), providers=tuple(providers)))
    return lambda view: guarded_async(view, gate) if iscoroutinefunction(view) else guarded(view, gate)


def gate_for(demand: Demand) -> Gate:
    """Return the function that responds instead of the page until the demand is met."""
    send_back = ReauthenticateView.as_view(demand=demand)

    def gate(request: HttpRequest) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, request.get_full_path())
        return None if demand.is_met(request) else send_back(request)

    return gate


def scopes_required(provider_key: str, *scopes: str) -> Callable[[View], View]:
    """Show the view to a person who granted these scopes at the provider; send others there to grant what is missing.

    The provider asks for them in addition to what was granted before, and the person returns to the page. If they
    return without the scopes, they get an error page (`scope_not_granted`). Visitors are sent to `LOGIN_URL`. A program
    gets a problem document (401) that says what is required.
    """
    request_scopes = ScopesView.as_view(provider_key=provider_key, scopes=scopes)

    def gate(request: HttpRequest) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, request.get_full_path())
        return None if has_scopes(request, provider_key, scopes) else request_scopes(request)

    return lambda view: guarded_async(view, gate) if iscoroutinefunction(view) else guarded(view, gate)


def guarded(view: View, gate: Gate) -> View:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refusal = gate(request)
        return view(request, *args, **kwargs) if refusal is None else refusal

    return wrapper


def guarded_async(view: View, gate: Gate) -> View:
    # In a thread: it reads the session, and may request the provider's metadata.
    gate_in_thread = sync_to_async(gate)

    @wraps(view)
    async def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refusal = await gate_in_thread(request)
        return await view(request, *args, **kwargs) if refusal is None else refusal

    return wrapper


def bearer_required(
    scopes: str | Iterable[str] | View = (),
    *,
    roles: str | Iterable[str] = (),
    person: bool = False,
    acr_values: str | Iterable[str] = (),
    max_age: int | None = None,
    providers: Iterable[str] = (),
) -> Any:
    """Allow programs whose access token meets the requirements; `request.user` and `request.auth` describe the token.

    Sessions and cookies do not count, so the view is exempt from CSRF checks and from LoginRequiredMiddleware. The
    decorator also works without arguments. `providers` are the keys of the accepted providers; empty accepts all of
    `OIDC_LOGIN_BEARER_PROVIDERS`.
    """
    from oidc_login.views.tokens import token_gate  # sites without an API do not need it

    if callable(scopes):
        return bearer_required()(scopes)
    gate = token_gate(scopes, roles=roles, person=person, acr_values=acr_values, max_age=max_age, providers=providers)

    def decorate(view: View) -> View:
        wrapper: Any = guarded_async(view, gate) if iscoroutinefunction(view) else guarded(view, gate)
        wrapper.login_required, wrapper.csrf_exempt = False, True
        return wrapper  # type: ignore[no-any-return]

    return decorate
