"""Middleware: what happens to the requests of a session beyond its sign-in."""

from .refresh import SessionRefresh

__all__ = ["SessionRefresh"]
