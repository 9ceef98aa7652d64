"""An API with access tokens, and one with upstream's class for them."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from mozilla_django_oidc.contrib.drf import OIDCAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from oidc_login.contrib.drf import BearerAuthentication, has_scopes


class WhoAmI(APIView):
    """Who is asking."""

    authentication_classes: Any = [BearerAuthentication]
    permission_classes: Any = [IsAuthenticated]
    renderer_classes: Any = [JSONRenderer]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})


class Orders(WhoAmI):
    """What not every token may see."""

    permission_classes = [has_scopes("orders.read")]


class Either(Orders):
    """A page of the site calls it too, with the session of a person."""

    authentication_classes = [BearerAuthentication, SessionAuthentication]


class Upstream(WhoAmI):
    authentication_classes = [OIDCAuthentication]


urlpatterns = [
    path("whoami/", WhoAmI.as_view()),
    path("orders/", Orders.as_view()),
    path("either/", Either.as_view()),
    path("upstream/", Upstream.as_view()),
    path("", include("tests.settings.urls")),
]
