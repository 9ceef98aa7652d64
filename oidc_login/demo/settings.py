"""The settings of the demo site: startproject's, and what a site adds for this package (marked below)."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

import oidc_login
from oidc_login.demo.time_zone import local_time_zone

# A new key with every start: the database does not outlive the program either.
SECRET_KEY = get_random_secret_key()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "oidc_login.demo.urls"
USE_TZ = True
TIME_ZONE = local_time_zone()
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "oidc_login.demo",
    "oidc_login",  # added
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "oidc_login.middleware.SessionLogout",  # added
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(oidc_login.__file__).parent / "admin_templates"],  # added: buttons on the admin's login page
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DEMO_DATABASE"]}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "account"
LOGOUT_REDIRECT_URL = "login"

# Added: who may say who somebody is ...
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "oidc_login.backends.OIDCLoginBackend",
]

# ... and where they are asked.
OIDC_LOGIN_PROVIDERS = {
    "openid": {
        "label": "Example ID",
        "issuer": os.environ["DEMO_OPENID_URL"],
        "client_id": "demo",
        "client_secret": "the secret of the demo",
        "scope": "openid email profile offline_access",
    },
    "github": {
        "class": "oidc_login.providers.GitHubProvider",
        "label": "the GitHub-style provider",
        "base_url": os.environ["DEMO_GITHUB_URL"],
        "client_id": "demo",
        "client_secret": "the secret of the demo",
    },
}

# Added: which accounts have shown that their address is theirs, and whose access tokens the site's API takes.
OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "oidc_login.demo.accounts.email_is_confirmed"
OIDC_LOGIN_BEARER_PROVIDERS = {"openid": {"token_profile": "opaque"}}
