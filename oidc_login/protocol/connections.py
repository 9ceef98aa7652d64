"""The former name of `oidc_login.protocol.http.connections` and `addresses`."""

from oidc_login.protocol.http.addresses import is_public_address as is_public_address
from oidc_login.protocol.http.connections import ConnectionPolicy as ConnectionPolicy
from oidc_login.protocol.http.connections import deadline as deadline
