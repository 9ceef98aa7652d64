"""The system checks: what can be wrong with the settings without asking a provider."""

from __future__ import annotations
