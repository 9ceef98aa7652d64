"""What a browser calls itself, in the two words by which its owner knows it again."""

from __future__ import annotations

# Browsers name those that they are derived from too: whoever comes first is meant.
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
MAX_READ = 512  # characters; what is interesting stands at the beginning


def browser_name(user_agent: str) -> str:
    """Return a rough name such as "Firefox, Windows", made of our own words; "" where nothing is recognised."""
    read = user_agent[:MAX_READ]
    found = [next((name for token, name in table if token in read), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found))
