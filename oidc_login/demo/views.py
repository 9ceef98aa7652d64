"""The demo site's own pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from oidc_login.decorators import bearer_required, reauthentication_required
from oidc_login.demo.people import CAST
from oidc_login.demo.receivers import DECISION
from oidc_login.demo.rules import RULES
from oidc_login.demo.stage import stage
from oidc_login.demo.templatetags.demo import STOP
from oidc_login.demo.tour import BY_STOP, CHAPTERS
from oidc_login.exceptions import OAuthError
from oidc_login.models import OAuthConnection


def tour(request: HttpRequest) -> HttpResponse:
    """Show the cast, and everything that can be tried."""
    return render(request, "demo/tour.html", {"cast": CAST, "chapters": CHAPTERS})


def rules(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/rules.html", {"rules": RULES})


@require_POST
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Begin one stop of the tour, as a person whom this browser does not know."""
    stop = BY_STOP.get(name)
    if stop is None:
        return HttpResponseRedirect(reverse("tour"))
    stage.reset()
    if not stop.stays_signed_in:
        logout(request)
    if stop.prepare is not None:
        stop.prepare()
    request.session[STOP] = stop.name
    return HttpResponseRedirect(reverse(stop.start))


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show the person who is signed in, why this is their account, and how they sign in."""
    connections = OAuthConnection.objects.filter(user=request.user.pk).order_by("pk")
    context = {
        "connections": connections,
        "decision": request.session.get(DECISION),
        "sign_out_url": stage.sign_out_url(),
    }
    return render(request, "demo/account.html", context)


@login_required
@reauthentication_required(max_age=300, acr_values="second-factor")
def plans(request: HttpRequest) -> HttpResponse:
    """A page for people who have just shown twice who they are."""
    return render(request, "demo/plans.html")


@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """Call two APIs with the person's access token: the provider's, and the site's own."""
    connection = OAuthConnection.objects.filter(user=request.user.pk, provider_key="openid").first()
    context: dict[str, Any] = {"connection": connection}
    if connection is not None and "expire" in request.POST:
        connection.access_token_expires_at = timezone.now() - timedelta(minutes=1)
        connection.save(update_fields=["access_token_expires_at"])
    elif connection is not None and "call" in request.POST:
        context["was_expired"] = connection.access_token_expired()
        try:
            context["calls"] = call_apis(request, connection)
        except OAuthError as error:  # Example ID took the tokens back
            context["failure"] = str(error)
        connection.refresh_from_db()
    return render(request, "demo/tokens.html", context)


def call_apis(request: HttpRequest, connection: OAuthConnection) -> list[dict[str, Any]]:
    """Return what each API answers; the session sends the token, and refreshes it first where it has expired."""
    session = connection.session()
    urls = {
        "Example ID's API": f"{stage.openid.base_url}/userinfo",
        "This site's API": request.build_absolute_uri(reverse("me")),
    }
    answers = {name: session.get(url) for name, url in urls.items()}
    return [
        {"name": name, "url": urls[name], "status": answer.status_code, "json": answer.json()}
        for name, answer in answers.items()
    ]


@bearer_required(scopes="openid", person=True)  # type: ignore[untyped-decorator]  # it takes many kinds of views
def me(request: HttpRequest) -> HttpResponse:
    """The site's own API: whose token is it, and what does it allow?"""
    granted: Any = request.auth  # type: ignore[attr-defined]  # set by the decorator
    return JsonResponse({"username": request.user.get_username(), "scope": " ".join(sorted(granted.scopes))})
