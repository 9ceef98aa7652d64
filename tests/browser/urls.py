"""The site that the browser visits: a home page, a login page of its own, the admin, and the package."""

from __future__ import annotations

from pathlib import Path

from django.contrib import admin
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import include, path
from django.views.decorators.http import require_POST
from django.views.static import serve

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shop</title></head><body>
{% load oidc_login %}
{% for message in messages %}<p role="status">{{ message }}</p>{% endfor %}
{% if user.is_authenticated %}
<p>Signed in as {{ user.email|default:user.username }}, {{ user.oauth_connections.count }} connected.</p>
<form method="post" action="/sign-out/">{% csrf_token %}<button>Sign out</button></form>
{% for key in keys %}
<form method="post" action="{% url 'oidc_login:connect' key %}">{% csrf_token %}
<button>Connect {{ key }}</button></form>
{% endfor %}
{% else %}
<p>Nobody is signed in.</p>
{% provider_buttons %}
{% endif %}
</body></html>"""


def shop(request: HttpRequest) -> HttpResponse:
    from oidc_login.providers import get_provider_keys

    template = engines["django"].from_string(PAGE)
    return HttpResponse(template.render({"keys": get_provider_keys(), "next": request.GET.get("next", "")}, request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect("/")


ADMIN_STATIC = Path(admin.__file__).parent / "static"

urlpatterns = [
    path("", shop, name="home"),
    path("basket/", shop),
    path("sign-out/", sign_out),
    path("sign-in/", LoginView.as_view(), name="sign-in"),
    path("admin/", admin.site.urls),
    path("static/<path:path>", serve, {"document_root": ADMIN_STATIC}),
    path("oauth/", include("oidc_login.urls")),
]
