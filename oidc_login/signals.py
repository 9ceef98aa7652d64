"""The signals of the package. All have `request` (may be `None`) and `provider`, the provider's key.

The sender is the model class `OAuthConnection`. Signals pass the connection, never a raw token.
"""

from __future__ import annotations

from django.dispatch import Signal

# With `connection`; the first one also has `user`. `link_reason` of the connection says how it was created.
user_signed_up = Signal()
connection_created = Signal()
connection_updated = Signal()

# With `connection`, which is no longer in the database but keeps its primary key.
connection_removed = Signal()

# With `connection`: it has a new access token, or its user has to connect again (with `reason`).
token_refreshed = Signal()
connection_needs_reauth = Signal()

# With `error`, an `OAuthError`; also sent for cancelled sign-ins.
login_failed = Signal()
