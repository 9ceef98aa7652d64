"""The signals of the package. Each carries `request` (may be `None`) and `provider`, the provider's key.

The sender is the model class `OAuthConnection`. The connection is passed, never a raw token.
"""

from __future__ import annotations

from django.dispatch import Signal

# With `connection`; the first one also with `user`. How a connection came about is its `link_reason`.
user_signed_up = Signal()
connection_created = Signal()
connection_updated = Signal()

# With `connection`, which is no longer in the database and keeps its primary key.
connection_removed = Signal()

# With `connection`: its access token is new, or its person has to connect it once more (and `reason`).
token_refreshed = Signal()
connection_needs_reauth = Signal()

# With `error`, an `OAuthError`; sent for a cancelled sign-in too.
login_failed = Signal()
