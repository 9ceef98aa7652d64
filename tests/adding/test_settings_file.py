"""An entry in a settings file: at its end, or in the place of the one that is there, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_login.adding.entry import entry_value
from oidc_login.adding.settings_file import NotWrittenHere, addition, appended, replaced

ENVIRONMENT = {"NEW_CLIENT_ID": "shop", "NEW_CLIENT_SECRET": "hidden"}
NEW = {"issuer": "https://new.example", "client_id": "shop", "client_secret": "hidden"}
VALUE = entry_value("new", {"issuer": "https://new.example"}, has_secret=True)


def namespace_of(source: bytes) -> dict[str, Any]:
    """Run a settings file, and return its names."""
    namespace: dict[str, Any] = {}
    exec(compile(source, "settings.py", "exec"), namespace)
    return namespace


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("before", "others"),
    [
        (b"", {}),
        (b"DEBUG = True", {}),
        (b"import os\n", {}),
        (b"OIDC_LOGIN_PROVIDERS = {'old': {}}\n", {"old": {}}),
        (b"import os\r\nOIDC_LOGIN_PROVIDERS = dict(old={})\r\n", {"old": {}}),
    ],
)
def test_entry_is_added_at_the_end(before: bytes, others: dict[str, Any]) -> None:
    after = appended(before, addition("new", VALUE, namespace_of(before)))

    assert after.startswith(before)
    assert namespace_of(after)["OIDC_LOGIN_PROVIDERS"] == {**others, "new": NEW}
    assert after.count(b"import os") == 1


LETTERS = ["ö".encode(), "ü".encode()]
OLD: dict[str, Any] = {"issuer": "https://old.example"}


@pytest.mark.parametrize(
    "before",
    [
        "import os\nOIDC_LOGIN_PROVIDERS = {\n    'new': {'issuer': 'https://was.example'},  # ö\n'old': OLD}\nA = 1\n",
        "import os\nOIDC_LOGIN_PROVIDERS: dict = {'ü': 'ü', 'new': None, 'old': OLD}\nA = 1",
        "import os\nOIDC_LOGIN_PROVIDERS = {'old': OLD}\nOIDC_LOGIN_PROVIDERS['new'] = {\n    'x': 1,\n}\nA = 1\n",
        "OIDC_LOGIN_PROVIDERS = {'old': OLD}\r\nOIDC_LOGIN_PROVIDERS['new'] = 1\r\nimport os\r\nA = 1\r\n",
        "import os\nOIDC_LOGIN_PROVIDERS = {'new': 1, 'old': OLD}\nOIDC_LOGIN_PROVIDERS['new'] = 2\nA = 1\n",
    ],
)
def test_entry_takes_the_place_of_the_one_that_counts(before: str) -> None:
    source = before.replace("OLD", repr(OLD)).encode()

    after = replaced(source, "new", VALUE)

    found = namespace_of(after)["OIDC_LOGIN_PROVIDERS"]
    assert (found["new"], found["old"]) == (NEW, OLD)
    assert after.rstrip().endswith(b"A = 1")
    assert [letter in after for letter in LETTERS] == [letter in source for letter in LETTERS]


@pytest.mark.parametrize(
    "source",
    [
        b"from shop.base import *\n",
        b"OIDC_LOGIN_PROVIDERS = {'old': {}}\n",
        b"if True:\n    OIDC_LOGIN_PROVIDERS = {'new': 1}\n",
    ],
)
def test_entry_that_is_written_elsewhere_is_left_alone(source: bytes) -> None:
    with pytest.raises(NotWrittenHere):
        replaced(source, "new", VALUE)
