"""A Django project that is nothing but an OpenID provider, by django-oauth-toolkit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from jwcrypto.jwk import JWK

HERE = Path(__file__).resolve().parent
# Removed when the program ends.
FOLDER = tempfile.TemporaryDirectory(prefix="oidc-login-toolkit-")

SECRET_KEY = "for the test-suite alone " + "y" * 40
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "tests.interop.toolkit.urls"
USE_TZ = True
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "tests.interop.toolkit.records.record_exchanges",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(FOLDER.name) / "db.sqlite3"}}
# Fast: nobody's passwords are kept here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The issuer is not named, so it is what the toolkit makes of its own URL: one with a path.
# COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS stays off: it promises `iss`, and error responses come without it (3.4.1).
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None).decode(),
    "OAUTH2_VALIDATOR_CLASS": "tests.interop.toolkit.validator.Validator",
    "SCOPES": {"openid": "who you are", "profile": "your name", "email": "your address"},
    "PKCE_REQUIRED": True,
}
