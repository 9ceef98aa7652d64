"""What a person is told of a browser: two words of ours, never the text that it sent."""

from __future__ import annotations

import pytest

from oidc_login.sessions.records import browser_name

MOZILLA = "Mozilla/5.0 "
IPHONE = f"{MOZILLA}(iPhone; CPU iPhone OS 18_5 like Mac OS X) "
ANDROID = f"{MOZILLA}(Linux; Android 10; K) "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) "
AGENTS = [
    (f"{MOZILLA}(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
    (f"{MOZILLA}(Windows NT 10.0; Win64; x64) {WEBKIT}Chrome/140.0.0.0 Safari/537.36", "Chrome, Windows"),
    (f"{MOZILLA}(Windows NT 10.0; Win64; x64) {WEBKIT}Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge, Windows"),
    (f"{MOZILLA}(X11; CrOS x86_64 14541.0.0) {WEBKIT}Chrome/140.0.0.0 Safari/537.36", "Chrome, ChromeOS"),
    (f"{MOZILLA}(Macintosh; Intel Mac OS X 10_15_7) {WEBKIT}Version/18.5 Safari/605.1.15", "Safari, macOS"),
    (
        f"{IPHONE}{WEBKIT}Version/18.5 Mobile/15E148 Safari/604.1",
        "Safari, iPhone",
    ),
    (
        f"{IPHONE}{WEBKIT}CriOS/140.0 Mobile/15E148 Safari/604.1",
        "Chrome, iPhone",
    ),
    (f"{MOZILLA}(iPad; CPU OS 18_5 like Mac OS X) {WEBKIT}FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox, iPad"),
    (f"{ANDROID}{WEBKIT}Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
    (
        f"{ANDROID}{WEBKIT}SamsungBrowser/28.0 Chrome/130.0 Mobile Safari",
        "Samsung Internet, Android",
    ),
    (f"{MOZILLA}(X11; Linux x86_64) {WEBKIT}Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera, Linux"),
    ("curl/8.5.0", ""),
    ("", ""),
    ("<script>alert(1)</script>", ""),
    ("x" * 10_000 + "Firefox", ""),
]


@pytest.mark.parametrize(("agent", "name"), AGENTS, ids=[name or agent[:20] for agent, name in AGENTS])
def test_name(agent: str, name: str) -> None:
    assert browser_name(agent) == name
    assert len(name) <= 64
