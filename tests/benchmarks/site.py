"""The measured site, as a WSGI and an ASGI application; the environment says where database and provider are."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

DATABASE = urlsplit(os.environ["BENCHMARK_DATABASE"])
SIMULTANEOUS = int(os.environ["BENCHMARK_BOUND"])

settings.configure(
    SECRET_KEY="for measurements only" * 3,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "oidc_login",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
        }
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.path.lstrip("/"),
            "USER": DATABASE.username,
            "HOST": DATABASE.hostname,
            "PORT": DATABASE.port or 5432,
        }
    },
    AUTHENTICATION_BACKENDS=["oidc_login.backends.OIDCLoginBackend"],
    LOGIN_REDIRECT_URL="/",
    OIDC_LOGIN_PROVIDERS={
        "op": {"issuer": os.environ["BENCHMARK_ISSUER"], "client_id": "client", "client_secret": "secret"}
    },
    OIDC_LOGIN_MAX_EXCHANGES=SIMULTANEOUS,
    OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER=SIMULTANEOUS,
)


# They load the applications, which the URLs need.
asgi, wsgi = get_asgi_application(), get_wsgi_application()


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


urlpatterns = [path("", home), path("oauth/", include("oidc_login.urls"))]
