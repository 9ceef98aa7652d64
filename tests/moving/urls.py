"""A site that keeps the addresses of every package."""

from django.urls import include, path

from tests.settings.urls import urlpatterns as own

urlpatterns = [
    *own,
    path("accounts/", include("oidc_login.compat.allauth")),
    path("social/", include("oidc_login.compat.social_auth")),
    path("oauth2/", include("oidc_login.compat.adfs")),
    path("pyoidc/", include("oidc_login.compat.pyoidc")),
    path("oauthlogin/", include("oidc_login.compat.oauth_login")),
]
