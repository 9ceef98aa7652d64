"""Ending the person's own sessions in other browsers: one of them, or all of them."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from oidc_login.flow.redirects import posted_next
from oidc_login.models.session import SignedInQuerySet, SignedInSession
from oidc_login.sessions.records import end_sessions, mark_of
from oidc_login.views.connections import ChangingView
from oidc_login.views.programs import redirect_to_sign_in

MARK = re.compile("[0-9a-f]{32}")


class EndSessionView(ChangingView):
    """Ends the named session if it is this person's own. Its browser shows that at its next request."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, reverse("oidc_login:connections"))
        named = request.POST.get("session", "")
        if not MARK.fullmatch(named) or not end_sessions(other_sessions(request).filter(pk=named)):
            raise Http404
        messages.success(request, _("You signed out on that device."), fail_silently=True)
        return back(request)


class EndOtherSessionsView(ChangingView):
    """Ends all sessions of this person except this one."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, reverse("oidc_login:connections"))
        count = end_sessions(other_sessions(request))
        text = ngettext("You signed out on %d other device.", "You signed out on %d other devices.", count)
        messages.success(request, text % count, fail_silently=True)
        return back(request)


def other_sessions(request: HttpRequest) -> SignedInQuerySet:
    """Return the person's sessions except this one, which they end by signing out."""
    mark = mark_of(request.session)
    own = SignedInSession.objects.get_queryset().filter(user_id=str(request.user.pk))
    return own if mark is None else own.exclude(pk=mark.key)


def back(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(posted_next(request) or reverse("oidc_login:connections"))
