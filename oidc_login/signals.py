"""The signals of the package. Each carries `request` (may be `None`) and `provider`, the provider's key.

The sender is the model class `OAuthConnection`. The connection is passed, never a raw token.
"""

from __future__ import annotations

from django.dispatch import Signal

# With `connection`; the first one also with `user`.
user_signed_up = Signal()
connection_created = Signal()
connection_updated = Signal()

# With `error`, an `OAuthError`; sent for a cancelled sign-in too.
login_failed = Signal()
