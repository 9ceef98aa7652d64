"""The one page of the demo site that is its own: who am I?"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oidc_login.models import OAuthConnection


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the person who is signed in, and the identities they sign in with."""
    connections = OAuthConnection.objects.filter(user=request.user.pk).order_by("pk")
    return render(request, "demo/home.html", {"connections": connections})
