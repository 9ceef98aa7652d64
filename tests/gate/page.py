"""Write the table of entrances and rules into docs/security.md: python -m tests.gate.page"""

from __future__ import annotations

import os
from pathlib import Path

BEGIN, END = "<!-- the table of the gate begins -->", "<!-- the table of the gate ends -->"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"


def with_table(page: str, table: str) -> str:
    """Return the page with this table between the two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.base")
    import django

    django.setup()
    from tests.gate.table import as_markdown

    PAGE.write_text(with_table(PAGE.read_text(), as_markdown()))
