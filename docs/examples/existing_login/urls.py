from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", login_required(TemplateView.as_view(template_name="page.html"))),
    path("login/", LoginView.as_view(template_name="page.html"), name="login"),
    path("oauth/", include("oidc_login.urls")),
]
