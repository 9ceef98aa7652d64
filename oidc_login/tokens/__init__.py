"""Tokens after the sign-in: refreshing them, calling APIs with them, and revoking them."""
