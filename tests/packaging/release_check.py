"""What must hold before a release: `make release-check` builds it and says what does not."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from oidc_login import __version__
from tests.packaging.environments import PIP_SECONDS, ROOT, run

RELEASED = re.compile(r"^## (?P<version>\S+) \((?P<date>[^)]*)\)$", re.MULTILINE)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
URLS = ("Documentation", "Source", "Issues", "Changelog")


def main(folder: Path) -> int:
    """Build the release into a folder that has nothing else, and print each problem."""
    build(folder)
    problems = [
        *description_problems(folder),
        *content_problems(folder),
        *changelog_problems((ROOT / "docs" / "changelog.md").read_text(), __version__),
        *tree_problems(),
    ]
    for problem in problems:
        print(f"release-check: {problem}")
    for name in missing_urls((ROOT / "pyproject.toml").read_text()):
        print(f"release-check: note: pyproject.toml has no URL for {name}")
    if not problems:
        print(f"release-check: {__version__} is ready: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return int(bool(problems))


def build(folder: Path) -> None:
    """Build the source distribution, and the wheel from it, as PyPI's users get them."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)], cwd=ROOT, timeout=PIP_SECONDS)
    (source,) = folder.glob("*.tar.gz")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    run([sys.executable, "-m", "pip", "wheel", *options, str(source)], cwd=folder, timeout=PIP_SECONDS)


def description_problems(folder: Path) -> Iterator[str]:
    """PyPI must be able to show the description (twine check)."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(folder.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        yield f"twine: {done.stdout}{done.stderr}".strip()


def content_problems(folder: Path) -> Iterator[str]:
    """The wheel has the files of the package that are under version control, and no other."""
    (wheel,) = folder.glob("*.whl")
    built = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kept = tracked("oidc_login")
    yield from (f"the wheel lacks {name}" for name in sorted(kept - built))
    yield from (f"the wheel has {name}, which is not under version control" for name in sorted(built - kept))
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        sent = {name.partition("/")[2] for name in archive.getnames()}
    yield from (f"the source distribution lacks {name}" for name in sorted(tracked("tests", "docs") - sent))


def changelog_problems(text: str, version: str) -> Iterator[str]:
    """The first entry is that of this version, has a date, and says what to do when one upgrades."""
    found = list(RELEASED.finditer(text))
    if not found or found[0]["version"] != version:
        yield f"the first entry of docs/changelog.md is not {version}"
        return
    if not DATE.fullmatch(found[0]["date"]):
        yield f"docs/changelog.md gives {version} no date but ({found[0]['date']})"
    entry = text[found[0].end() : found[1].start() if len(found) > 1 else len(text)]
    if "upgrad" not in entry.lower():
        yield f"docs/changelog.md does not say what to do to upgrade to {version}"


def tree_problems() -> Iterator[str]:
    """Everything is committed."""
    if changed := git("status", "--porcelain"):
        yield f"not committed: {', '.join(line[3:] for line in changed)}"


def missing_urls(project: str) -> list[str]:
    """Return what the page at PyPI could link to and does not."""
    _, _, urls = project.partition("[project.urls]\n")
    named = re.findall(r"^(\w+) = ", urls.partition("\n[")[0], re.MULTILINE)
    return [name for name in URLS if name not in named]


def tracked(*folders: str) -> set[str]:
    return set(git("ls-files", "--", *folders))


def git(*arguments: str) -> list[str]:
    return run(["git", *arguments], cwd=ROOT, timeout=PIP_SECONDS).splitlines()


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
