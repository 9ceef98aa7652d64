"""Sign-in with OpenID Connect and OAuth 2.0 providers for Django sites."""

__version__ = "0.1.0"
