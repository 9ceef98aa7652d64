from django.urls import include, path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response

from oidc_login.contrib.drf import has_roles


@api_view(["GET"])
def me(request):
    return Response({"username": request.user.get_username(), "roles": sorted(request.auth.roles)})


@api_view(["GET"])
@permission_classes([has_roles("orders-reader")])
def orders(request):
    return Response({"orders": []})


urlpatterns = [
    path("me/", me),
    path("orders/", orders),
    path("oauth/", include("oidc_login.urls")),
]
