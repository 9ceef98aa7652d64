"""`SessionLogout`: a session that was ended from elsewhere is over, whatever keeps the sessions."""

from __future__ import annotations

from django.contrib import auth
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from oidc_login.conf import django
from oidc_login.middleware.faults import answered
from oidc_login.sessions import records as sessions


class SessionLogout(MiddlewareMixin):
    """Asks the database whether the sign-in of a session still stands, in one indexed query.

    Only requests that bring a session are looked at, and only sessions that began at a provider.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        return answered(request, lambda: self.end_if_over(request))

    def end_if_over(self, request: HttpRequest) -> None:
        """End a session whose row is gone; its key says whether there is one, without loading it for every visitor."""
        if request.session.session_key and sessions.is_signed_out(request.session):
            auth.logout(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Let the row live as long as a session that is about to be saved."""
        if request.session.modified or django.SESSION_SAVE_EVERY_REQUEST:
            sessions.prolong(request.session)
        return response
