"""A file of environment variables: made for its owner, read by a shell as it was meant, and not overwritten."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from oidc_login.adding.env_file import Unwritable, other_values, write


def as_a_shell_reads(path: Path, name: str) -> str:
    done = subprocess.run(
        ["sh", "-c", f'set -a; . "$1"; printenv {name}', "sh", str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize("value", ["abc~123", "with a space", 'quote " and $HOME and `id` and #', "a=b\\n"])
def test_value_is_read_back_as_it_was(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"

    write(path, {"SECRET": value})

    assert as_a_shell_reads(path, "SECRET") == value
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", ["it's", "two\nlines"])
def test_value_that_readers_disagree_about_is_refused_without_being_told(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"

    with pytest.raises(Unwritable) as caught:
        write(path, {"SECRET": value})

    assert str(caught.value) == "SECRET"
    assert not path.exists()


def test_other_lines_stay(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# the shop\nSECRET_KEY=k\nexport SECRET=old\nOTHER=o")

    assert other_values(path, {"SECRET": "new", "OTHER": "o", "MORE": "m"}) == ["SECRET"]
    write(path, {"SECRET": "new"})

    assert path.read_text() == "# the shop\nSECRET_KEY=k\nOTHER=o\nSECRET=new\n"
