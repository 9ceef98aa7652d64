"""What sites bring along that come from mozilla-django-oidc: its settings, and the attributes of its backend."""
