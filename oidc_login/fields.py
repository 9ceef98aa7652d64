"""The fields by the name that migrations know."""

from oidc_login.models.fields import EncryptedTextField as EncryptedTextField
from oidc_login.models.fields import ExactCharField as ExactCharField
