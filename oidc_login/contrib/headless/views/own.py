"""The connections and sessions of the signed-in person."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, JsonResponse

from oidc_login.contrib.headless.app_sessions import app_session_of
from oidc_login.contrib.headless.errors import NotFound
from oidc_login.contrib.headless.schema import FLAG, MOMENT, MOMENT_OR_NULL, TEXT, Operation, a_list, an_object
from oidc_login.contrib.headless.views.base import Endpoint
from oidc_login.exceptions import NotSignedIn, SignInTooOld
from oidc_login.models import OAuthConnection, SignedInSession, own_connections
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_providers
from oidc_login.sessions import records
from oidc_login.sessions.disconnect import disconnect
from oidc_login.sessions.step_up import needs_fresh_sign_in

CONNECTION = an_object(
    id={"type": "integer"},
    provider=TEXT,
    label=TEXT,
    email=TEXT,
    status=TEXT,
    link_reason=TEXT,
    created_at=MOMENT,
    last_login_at=MOMENT_OR_NULL,
    can_be_disconnected=FLAG,
)
SESSION = an_object(
    id=TEXT, provider=TEXT, label=TEXT, browser=TEXT, created_at=MOMENT, expires_at=MOMENT, current=FLAG
)


class ConnectionsEndpoint(Endpoint):
    """Lists the person's connections."""

    http_method_names = ["get", "head", "options"]
    needs_person = needs_confirmed_session = True
    operations: ClassVar[Any] = {
        "get": Operation(
            summary="List the connections of the signed-in person",
            answers={200: an_object(connections=a_list(CONNECTION))},
            errors=(401,),
            takes_app_token=True,
        )
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        own = own_connections(request.user)
        return JsonResponse({"connections": [described_connection(*found) for found in own]})


class ConnectionEndpoint(Endpoint):
    """Shows or removes one of the person's connections."""

    http_method_names = ["get", "head", "delete", "options"]
    needs_person = needs_confirmed_session = True
    operations: ClassVar[Any] = {
        "get": Operation(
            summary="Show a connection of the signed-in person",
            answers={200: CONNECTION},
            errors=(401, 404),
            takes_app_token=True,
        ),
        "delete": Operation(
            summary="Remove a connection, unless it is the last way to sign in",
            answers={204: None},
            errors=(401, 403, 404, 503),
            needs_csrf_token=True,
        ),
    }

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return JsonResponse(described_connection(*own_connection(request, pk)))

    def delete(self, request: HttpRequest, pk: str) -> HttpResponse:
        if app_session_of(request) is not None:
            raise NotSignedIn("app_token")
        connection, self.provider = own_connection(request, pk)
        if needs_fresh_sign_in(request):
            raise SignInTooOld("session_age")
        if not disconnect(request, connection, self.provider):  # another request has just removed it
            raise NotFound("connection")
        return HttpResponse(status=204)


class SessionsEndpoint(Endpoint):
    """Lists the person's sessions that were begun through a provider."""

    http_method_names = ["get", "head", "options"]
    needs_person = needs_confirmed_session = True
    operations: ClassVar[Any] = {
        "get": Operation(
            summary="List the sessions of the signed-in person",
            answers={200: an_object(sessions=a_list(SESSION))},
            errors=(401,),
            takes_app_token=True,
        )
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        labels = {provider.key: str(provider.label) for provider in get_providers()}
        rows = own_sessions(request).lasting().defer("session_key", "id_token")
        current = current_mark(request)
        return JsonResponse({"sessions": [described_session(row, labels, current=current) for row in rows]})


class EndedSessionEndpoint(Endpoint):
    """Ends one of the person's sessions; ending the current one is a logout."""

    http_method_names = ["delete", "options"]
    needs_person = needs_confirmed_session = True
    operations: ClassVar[Any] = {
        "delete": Operation(
            summary="End a session of the signed-in person",
            answers={204: None},
            errors=(401, 403, 404, 503),
            takes_app_token=True,
            needs_csrf_token=True,
        )
    }

    def delete(self, request: HttpRequest, pk: str) -> HttpResponse:
        if "\0" in pk or not records.end_sessions(own_sessions(request).filter(pk=pk)):
            raise NotFound("session")
        if pk == current_mark(request) and app_session_of(request) is None:
            auth.logout(request)
        return HttpResponse(status=204)


def own_connection(request: HttpRequest, pk: str) -> tuple[OAuthConnection, OAuthProvider | None]:
    """Return one of the person's own connections with its provider, or raise `NotFound`."""
    found = (pair for pair in own_connections(request.user) if str(pair[0].pk) == pk)
    own = next(found, None)
    if own is None:
        raise NotFound("connection")
    return own


def own_sessions(request: HttpRequest) -> Any:
    return SignedInSession.objects.get_queryset().filter(user_id=str(request.user.pk))


def current_mark(request: HttpRequest) -> str:
    """Return the key of the current session's row, or "" if it has none."""
    app_session = app_session_of(request)
    if app_session is not None:
        return str(app_session.pk)
    mark = records.mark_of(request.session)
    return "" if mark is None else mark.key


def described_connection(connection: OAuthConnection, provider: OAuthProvider | None) -> dict[str, Any]:
    return {
        "id": connection.pk,
        "provider": connection.provider_key,
        "label": str(provider.label) if provider else connection.provider_key,
        "email": connection.email,
        "status": connection.status,
        "link_reason": connection.link_reason,
        "created_at": connection.created_at.isoformat(),
        "last_login_at": connection.last_login_at.isoformat() if connection.last_login_at else None,
        "can_be_disconnected": connection.can_be_disconnected(),
    }


def described_session(row: SignedInSession, labels: Any, *, current: str) -> dict[str, Any]:
    return {
        "id": row.pk,
        "provider": row.provider_key,
        "label": labels.get(row.provider_key, row.provider_key),
        "browser": row.browser,
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "current": row.pk == current,
    }
