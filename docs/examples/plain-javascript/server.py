"""The Django site of both front ends, in one file: sign-in as JSON, and an API that needs a signed-in person."""

from __future__ import annotations

import json
import os
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

FRONT_END = os.environ.get("FRONT_END", "http://localhost:5173")

settings.configure(
    SECRET_KEY=os.environ.get("SECRET_KEY", "for this machine only, replace it elsewhere"),
    DEBUG=True,
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "db.sqlite3")}},
    STATIC_URL="static/",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "oidc_login",
        "oidc_login.contrib.headless",
    ],
    MIDDLEWARE=[
        "oidc_login.contrib.headless.middleware.FrontendMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "oidc_login.middleware.LoginRequiredMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    AUTHENTICATION_BACKENDS=["oidc_login.backends.OIDCLoginBackend"],
    LOGIN_URL="oidc_login:providers",
    LOGIN_REDIRECT_URL=FRONT_END + "/",
    CSRF_TRUSTED_ORIGINS=[FRONT_END],
    OIDC_LOGIN_FRONTEND_ORIGINS=[FRONT_END],
    OIDC_LOGIN_PROVIDERS={
        "company": {
            "issuer": os.environ["COMPANY_ISSUER"],
            "client_id": os.environ["COMPANY_CLIENT_ID"],
            "client_secret": os.environ["COMPANY_CLIENT_SECRET"],
        }
    },
)
django.setup()


def notes(request: HttpRequest) -> JsonResponse:
    """Keep a note of the signed-in person, and return all of them."""
    kept = request.session.get("notes", [])
    if request.method == "POST":
        kept = [*kept, str(json.loads(request.body)["text"])]
        request.session["notes"] = kept
    return JsonResponse({"notes": kept})


urlpatterns = [
    path("api/notes/", notes),
    path("oauth/", include("oidc_login.urls")),
    path("api/auth/", include("oidc_login.contrib.headless.urls")),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
