"""Sends a browser to another site: by a redirect, or by a page if a policy would block the redirect of a form."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from oidc_login.flow import form_action


@sensitive_variables()
def redirect_to_site(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the browser to another site, or show a page that moves on there without a form or a script."""
    redirect = HttpResponseRedirect(url)
    if not form_action.blocks(request, redirect.url):
        return redirect
    context = {"next_url": redirect.url, "host": urlsplit(redirect.url).hostname}
    response = render(request, "oidc_login/leaving.html", context)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
