"""The name of a browser and its system, by which its owner recognizes it."""

from __future__ import annotations

# Browsers also name those that they are derived from, so the first match counts.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
MAX_READ = 512  # characters; the beginning is enough


def browser_name(user_agent: str) -> str:
    """Return a rough name such as "Firefox, Windows", in our own words; "" if nothing is recognized."""
    read = user_agent[:MAX_READ]
    found = [next((name for token, name in table if token in read), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found))
