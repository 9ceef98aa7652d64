"""`oidc_login.protocol.http.urls` by the name that it had before."""

from oidc_login.protocol.http.urls import check_url as check_url
