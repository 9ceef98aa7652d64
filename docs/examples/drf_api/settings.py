"""An API that takes the provider's access tokens, with Django REST framework."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "only for this example; never use it on a site that others can reach"
DEBUG = True
ROOT_URLCONF = "urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "site.sqlite3"}}
STATIC_URL = "static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "oidc_login",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "oidc_login.backends.OIDCLoginBackend",
]
OIDC_LOGIN_PROVIDERS = {
    "company": {
        "issuer": os.environ["COMPANY_ISSUER"],
        "client_id": os.environ["COMPANY_CLIENT_ID"],
        "client_secret": os.environ["COMPANY_CLIENT_SECRET"],
    },
}
OIDC_LOGIN_BEARER_PROVIDERS = {
    "company": {
        "audience": "example-api",
        "token_profile": os.environ.get("COMPANY_TOKEN_PROFILE", "rfc9068"),
        "signup": True,
    },
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["oidc_login.contrib.drf.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
LOGIN_URL = "oidc_login:providers"
LOGIN_REDIRECT_URL = "oidc_login:connections"
LOGOUT_REDIRECT_URL = "/"
