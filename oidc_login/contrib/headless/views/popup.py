"""The last page of a sign-in in a pop-up: it notifies the page that opened it, and closes itself."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import View

from oidc_login.contrib.headless.returning import popup_origin

CODE = re.compile("[a-z0-9_]{1,50}")


class PopupView(View):
    """Posts a message to exactly one origin, which must be allowed to be notified.

    The message is `{"source": "oidc_login", "error": ""}`, with an error code if there was an error. A page with
    `Cross-Origin-Opener-Policy: same-origin` would lose its opener, so this page sets `unsafe-none`.
    """

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        origin = popup_origin(request, request.GET.get("origin", ""))
        if not origin:
            raise Http404
        code = request.GET.get("error", "")
        context = {"origin": origin, "error": code if CODE.fullmatch(code) else ""}
        return render(request, "oidc_login/headless/popup.html", context)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Cross-Origin-Opener-Policy"] = "unsafe-none"
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response
