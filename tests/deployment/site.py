"""The settings of the site that is deployed, for servers in processes of their own."""

from __future__ import annotations

import os

from tests.settings.base import *  # noqa: F403

ROOT_URLCONF = "tests.deployment.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}}
OIDC_LOGIN_PROVIDERS = {"op": {"issuer": os.environ["SITE_ISSUER"], "client_id": "client", "client_secret": "secret"}}
ALLOWED_HOSTS = ["127.0.0.1"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
FORCE_SCRIPT_NAME = os.environ.get("SITE_SCRIPT_NAME")
