"""Writes docs/providers.md from the providers' own declarations: `python docs/provider_pages.py`.

With --check nothing is written, and it fails where the page is not what it would be. The facts of each provider are in
oidc_login/adding/facts, where `manage.py oidc_login_add` reads them too. The text before and after the sections is in
docs/templates.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import oauthlib  # noqa: F401, TID251 - without it the classes of OAuth 1.0a would be missing from the page

from oidc_login.adding.entry import entry_lines
from oidc_login.adding.facts import OAUTH2, OPENID, OTHERS, Facts, KnownProvider, known_providers
from oidc_login.providers import OAuthProvider

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "providers.md"
TEMPLATES = DOCS / "templates"
WIDTH = 120
NOTICE = "<!-- Made by docs/provider_pages.py from oidc_login/adding/facts: change those and not this page. -->"

INTRODUCTIONS = {
    OPENID: "A signed ID token identifies the person. PKCE, nonce and state bind it to the browser. An entry without "
    "a `class` uses the generic OpenID Connect class, which does all of this.",
    OAUTH2: "The package identifies the person by calling the provider's API with the new access token.",
    OTHERS: "An older protocol that signs every request. It requires the extra `oauth1`.",
}


def exceptions_of(provider_class: type[OAuthProvider]) -> Iterator[str]:
    """Return the protections that this provider does not support."""
    if provider_class.uses_pkce is False:
        yield "PKCE"
    if getattr(provider_class, "insecure_allow_missing_nonce", False):
        yield "nonce"


def reason_not_to_run(settings: Mapping[str, Any]) -> str:
    """Return why the tests of the documentation cannot run an example, "" where they can."""
    if ... in settings.values():
        return "needs values of yours"
    paths = any(isinstance(value, str) and value.startswith("/") for value in settings.values())
    return "needs a file of yours" if paths else ""


# The page.


def page() -> str:
    """Return the whole page."""
    found = known_providers()
    groups = {name: [one for one in found if one.protocol == name] for name in INTRODUCTIONS}
    head = (TEMPLATES / "providers_head.md").read_text().replace("{contents}", contents(groups))
    tail = (TEMPLATES / "providers_tail.md").read_text()
    shown_groups = [group(name, members) for name, members in groups.items() if members]
    return "\n".join([NOTICE, "", head.rstrip("\n"), "", *shown_groups, tail])


def contents(groups: Mapping[str, list[KnownProvider]]) -> str:
    """Return the list of all, with what to write as `class`."""
    targets = anchors([one for members in groups.values() for one in members])
    ordered = sorted(targets, key=lambda one: (one.title.lower(), one.key))
    rows = [f"| [{one.title}](#{targets[one]}) | {written_class(one)} | {one.protocol} |" for one in ordered]
    return "\n".join(["| Provider | `class` | Protocol |", "|---|---|---|", *rows])


def anchors(found: list[KnownProvider]) -> dict[KnownProvider, str]:
    """Return the targets that the titles make, in the order of the page: a second one of a name is numbered."""
    seen: Counter[str] = Counter()
    targets = {}
    for section in found:
        slug = re.sub(r"[^\w -]", "", section.title.lower()).replace(" ", "-")
        targets[section] = f"{slug}-{seen[slug]}" if seen[slug] else slug
        seen[slug] += 1
    return targets


def written_class(section: KnownProvider) -> str:
    named = section.settings.get("class")
    return f"`{named}`" if named else "settings only"


def group(name: str, found: list[KnownProvider]) -> str:
    return "\n".join([f"## {name}", "", wrapped(INTRODUCTIONS[name]), "", *map(shown, found)])


def shown(section: KnownProvider) -> str:
    """Return one provider's section."""
    facts, without = section.facts, list(exceptions_of(section.provider_class))
    parts = [
        f"### {section.title}",
        "",
        *example(section),
        "",
        wrapped(f"- **Register** [here]({facts.register_at}): {facts.register_as}", indent="  "),
        item("Callback URL", f"`https://your.site/oauth/{section.key}/callback/`"),
        item("Scopes", scopes(section)),
        item("Identity", facts.identity),
        item("Email", facts.email),
        item("Refresh", facts.refresh),
        *([item("Without", " and ".join(without))] if without else []),
        *([item("Caution", facts.caution)] if facts.caution else []),
        *([item("Sources", ", ".join(f"<{url}>" for url in facts.sources))] if facts.sources else []),
        "",
        *arguments(facts),
    ]
    return "\n".join(parts)


def item(name: str, text: str) -> str:
    return wrapped(f"- **{name}**: {text}", indent="  ")


def wrapped(text: str, *, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def scopes(section: KnownProvider) -> str:
    if not section.scope:
        return "none. You choose the permissions when you register the application."
    return ", ".join(f"`{name}`" for name in section.scope.split()) + "."


def arguments(facts: Facts) -> list[str]:
    """Return the table of the class's own arguments."""
    if not facts.arguments:
        return []
    rows = [f"| `{name}` | {meaning} |" for name, meaning in facts.arguments.items()]
    return ["| Argument | Meaning |", "|---|---|", *rows, ""]


def example(section: KnownProvider) -> list[str]:
    """Return the block of settings, which the tests of the documentation run."""
    reason = reason_not_to_run(section.settings)
    fence = "```python" + (f" no-run: {reason}" if reason else "")
    entry = entry_lines(section.key, section.settings, has_secret=section.has_secret)
    return [fence, "# settings.py", f'OIDC_LOGIN_PROVIDERS["{section.key}"] = {{', *entry, "}", "```"]


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is up to date."""
    made = page()
    if arguments == ["--check"]:
        stale = not PAGE.exists() or PAGE.read_text() != made
        if stale:
            print("docs/providers.md is stale: run `make pages`.", file=sys.stderr)
        return int(stale)
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
