"""The former name of `oidc_login.protocol.http.urls`."""

from oidc_login.protocol.http.urls import check_url as check_url
