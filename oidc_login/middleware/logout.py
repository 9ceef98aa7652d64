"""`SessionLogout`: ends a session whose row was removed, in every kind of session store."""

from __future__ import annotations

from django.contrib import auth
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from oidc_login.conf import django
from oidc_login.middleware.faults import respond_to_faults
from oidc_login.sessions import records


class SessionLogout(MiddlewareMixin):
    """Looks for the row of a session, in one indexed query.

    Only requests with a session are checked, and only sessions that began at a provider.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        return respond_to_faults(request, lambda: self.end_if_removed(request))

    def end_if_removed(self, request: HttpRequest) -> None:
        """End a session whose row is gone. The key shows without loading whether there is one."""
        if request.session.session_key and records.is_signed_out(request.session):
            auth.logout(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Keep the row as long as the session, which is about to be saved."""
        if request.session.modified or django.SESSION_SAVE_EVERY_REQUEST:
            records.extend_row(request.session)
        return response
