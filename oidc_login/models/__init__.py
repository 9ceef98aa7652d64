"""The models: `OAuthConnection`, `SignedInSession`, and the records of imports."""

from oidc_login.models.choices import LinkReason as LinkReason
from oidc_login.models.choices import Status as Status
from oidc_login.models.connection import ENCRYPTED_FIELDS as ENCRYPTED_FIELDS
from oidc_login.models.connection import REFRESH_TOKEN_FIELDS as REFRESH_TOKEN_FIELDS
from oidc_login.models.connection import TOKEN_FIELDS as TOKEN_FIELDS
from oidc_login.models.connection import OAuthConnection as OAuthConnection
from oidc_login.models.connection import own_connections as own_connections
from oidc_login.models.imports import ImportedConnection as ImportedConnection
from oidc_login.models.imports import ImportRun as ImportRun
from oidc_login.models.managers import ConnectionManager as ConnectionManager
from oidc_login.models.managers import ConnectionQuerySet as ConnectionQuerySet
from oidc_login.models.queries import IDENTITY_FIELDS as IDENTITY_FIELDS
from oidc_login.models.session import SignedInQuerySet as SignedInQuerySet
from oidc_login.models.session import SignedInSession as SignedInSession
