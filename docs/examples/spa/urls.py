from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="page.html")),
    path("oauth/", include("oidc_login.urls")),
    path("api/auth/", include("oidc_login.contrib.headless.urls")),
]
