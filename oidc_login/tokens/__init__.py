"""Tokens after the sign-in: refreshed once however many ask, sent to APIs, taken back."""
