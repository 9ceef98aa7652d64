"""A site of mozilla-django-oidc, as its documentation shows it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

TEMPLATE = """
{% if user.is_authenticated %}
  <p>Current user: {{ user.email }}</p>
  <form action="{% url 'oidc_logout' %}" method="post">
    {% csrf_token %}
    <input type="submit" value="logout">
  </form>
{% else %}
  <a href="{% url 'oidc_authentication_init' %}">Login</a>
{% endif %}
"""


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(TEMPLATE).render({}, request))


def failure(request: HttpRequest) -> HttpResponse:
    return HttpResponse("that did not work")


pages = [path("", home, name="home"), path("failure/", failure, name="failure")]
urlpatterns = [*pages, path("oidc/", include("mozilla_django_oidc.urls"))]
