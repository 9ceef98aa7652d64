"""Ending the person's own sessions elsewhere: one of them, or all but this one."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from oidc_login.models.session import SignedInQuerySet, SignedInSession
from oidc_login.sessions import records as sessions
from oidc_login.views.begin import posted_next
from oidc_login.views.connections import ChangingView

MARK = re.compile("[0-9a-f]{32}")


class EndSessionView(ChangingView):
    """Ends the one session that is named, of this person alone; its browser shows that at its next request."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("oidc_login:connections"))
        named = request.POST.get("session", "")
        if not MARK.fullmatch(named) or not sessions.end(other_sessions(request).filter(pk=named)):
            raise Http404
        messages.success(request, _("You signed out on that device."), fail_silently=True)
        return back(request)


class EndOtherSessionsView(ChangingView):
    """Ends all sessions of this person but the one that asks for it."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("oidc_login:connections"))
        count = sessions.end(other_sessions(request))
        text = ngettext("You signed out on %d other device.", "You signed out on %d other devices.", count)
        messages.success(request, text % count, fail_silently=True)
        return back(request)


def other_sessions(request: HttpRequest) -> SignedInQuerySet:
    """Return the sessions of the person who asks, but for this one: signing out is the way to end that."""
    mark = sessions.mark_of(request.session)
    own = SignedInSession.objects.get_queryset().filter(user_id=str(request.user.pk))
    return own if mark is None else own.exclude(pk=mark.key)


def back(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(posted_next(request) or reverse("oidc_login:connections"))
