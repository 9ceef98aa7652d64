"""The models: `OAuthConnection`, `SignedInSession`, the records of imports, and windows for linking."""

from oidc_login.choices import LinkReason as LinkReason
from oidc_login.choices import Status as Status
from oidc_login.models.connection import OAuthConnection as OAuthConnection
from oidc_login.models.connection import own_connections as own_connections
from oidc_login.models.connection import unconnected_providers as unconnected_providers
from oidc_login.models.imports import ImportedConnection as ImportedConnection
from oidc_login.models.imports import ImportRun as ImportRun
from oidc_login.models.managers import ConnectionManager as ConnectionManager
from oidc_login.models.managers import ConnectionQuerySet as ConnectionQuerySet
from oidc_login.models.session import SignedInQuerySet as SignedInQuerySet
from oidc_login.models.session import SignedInSession as SignedInSession
from oidc_login.models.windows import LinkWindow as LinkWindow
from oidc_login.models.windows import LinkWindowUse as LinkWindowUse
