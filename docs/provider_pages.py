"""Writes docs/providers.md from the providers' own declarations: `python docs/provider_pages.py`.

With --check nothing is written, and it fails where the page is not what it would be. A provider class has its facts
in docs/facts, and a provider without a class in `discovery_fixtures/*/settings.json`. The text before and after the
sections is in docs/templates.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pprint import pformat
from typing import Any

import oauthlib  # noqa: F401, TID251 - without it the classes of OAuth 1.0a would be missing from the page

from oidc_login.providers import OAuth2Provider, OAuthProvider, OIDCProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import argument_names

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "providers.md"
TEMPLATES = DOCS / "templates"
FACTS = DOCS / "facts"
FIXTURES = DOCS.parent / "discovery_fixtures"
WIDTH = 120
NOTICE = (
    "<!-- Made by docs/provider_pages.py from docs/facts and discovery_fixtures: change those and not this page. -->"
)

CLIENT = ("client_id", "client_secret")
OPENID, OAUTH2, OTHERS = "OpenID Connect", "OAuth 2.0", "OAuth 1.0a"
INTRODUCTIONS = {
    OPENID: "A signed ID token identifies the person. PKCE, nonce and state bind it to the browser. An entry without "
    "a `class` uses the generic OpenID Connect class, which does all of this.",
    OAUTH2: "The package identifies the person by calling the provider's API with the new access token.",
    OTHERS: "An older protocol that signs every request. It requires the extra `oauth1`.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One provider, as `docs/providers.md` describes it; each text is one or two plain sentences of Markdown."""

    register_at: str  # the URL where an application is registered
    register_as: str  # what to choose and switch on there
    identity: str  # which value is the identity, and why it never changes
    email: str  # whether there is an address, and when it counts as verified
    refresh: str  # how long tokens live, and how new ones are had
    caution: str = ""  # a surprise, or what could not be checked against the live provider
    sources: tuple[str, ...] = ()  # the provider's own pages that say so
    arguments: Mapping[str, str] = field(default_factory=dict)  # of the class's own: what each is for
    example: Mapping[str, Any] = field(default_factory=dict)  # what an entry of the settings holds beside the client

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Facts:
        return cls(**{**facts, "sources": tuple(facts.get("sources", ()))})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """One provider as the page shows it."""

    key: str
    title: str
    protocol: str
    scope: str
    facts: Facts
    settings: Mapping[str, Any]
    exceptions: tuple[str, ...] = ()
    reason_not_to_run: str = ""


def sections() -> list[Section]:
    """Return every provider, by name."""
    found = [section_of_class(name, of) for name, of in shipped_classes().items()]
    found += [section_of_settings(path) for path in FIXTURES.glob("*/settings.json")]
    return sorted(found, key=lambda section: (section.title.lower(), section.key))


def section_of_class(name: str, provider_class: type[OAuthProvider]) -> Section:
    key = name.removesuffix("Provider").lower()
    facts = Facts.from_json(json.loads((FACTS / f"{key}.json").read_text()))
    missing = [
        a for a, needed in argument_names(provider_class).items() if needed and a not in (*CLIENT, *facts.example)
    ]
    settings = {"class": f"oidc_login.providers.{name}", **dict.fromkeys(missing, ...), **facts.example}
    return Section(
        key=key,
        title=provider_class.display_name,
        protocol=protocol_of(provider_class),
        scope=provider_class.default_scope,
        facts=facts,
        settings=settings,
        exceptions=tuple(exceptions_of(provider_class)),
        reason_not_to_run=reason_not_to_run(settings),
    )


def section_of_settings(path: Path) -> Section:
    told = json.loads(path.read_text())
    facts = told["facts"]
    settings = {name: value for name, value in told["settings"].items() if name not in CLIENT}
    return Section(
        key=path.parent.name,
        title=settings["label"],
        protocol=OPENID,
        scope=settings.get("scope", OIDCProvider.default_scope),
        facts=Facts.from_json(facts),
        settings=settings,
    )


def protocol_of(provider_class: type[OAuthProvider]) -> str:
    if issubclass(provider_class, OIDCProvider):
        return OPENID
    return OAUTH2 if issubclass(provider_class, OAuth2Provider) else OTHERS


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
    found = sections()
    groups = {name: [one for one in found if one.protocol == name] for name in INTRODUCTIONS}
    head = (TEMPLATES / "providers_head.md").read_text().replace("{contents}", contents(groups))
    tail = (TEMPLATES / "providers_tail.md").read_text()
    shown_groups = [group(name, members) for name, members in groups.items() if members]
    return "\n".join([NOTICE, "", head.rstrip("\n"), "", *shown_groups, tail])


def contents(groups: Mapping[str, list[Section]]) -> str:
    """Return the list of all, with what to write as `class`."""
    targets = anchors([one for members in groups.values() for one in members])
    ordered = sorted(targets, key=lambda one: (one.title.lower(), one.key))
    rows = [f"| [{one.title}](#{targets[one]}) | {written_class(one)} | {one.protocol} |" for one in ordered]
    return "\n".join(["| Provider | `class` | Protocol |", "|---|---|---|", *rows])


def anchors(found: list[Section]) -> dict[Section, str]:
    """Return the targets that the titles make, in the order of the page: a second one of a name is numbered."""
    seen: Counter[str] = Counter()
    targets = {}
    for section in found:
        slug = re.sub(r"[^\w -]", "", section.title.lower()).replace(" ", "-")
        targets[section] = f"{slug}-{seen[slug]}" if seen[slug] else slug
        seen[slug] += 1
    return targets


def written_class(section: Section) -> str:
    named = section.settings.get("class")
    return f"`{named}`" if named else "settings alone"


def group(name: str, found: list[Section]) -> str:
    return "\n".join([f"## {name}", "", wrapped(INTRODUCTIONS[name]), "", *map(shown, found)])


def shown(section: Section) -> str:
    """Return one provider's section."""
    facts = section.facts
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
        *([item("Without", " and ".join(section.exceptions))] if section.exceptions else []),
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


def scopes(section: Section) -> str:
    if not section.scope:
        return "none. You choose the permissions when you register the application."
    return ", ".join(f"`{name}`" for name in section.scope.split()) + "."


def arguments(facts: Facts) -> list[str]:
    """Return the table of the class's own arguments."""
    if not facts.arguments:
        return []
    rows = [f"| `{name}` | {meaning} |" for name, meaning in facts.arguments.items()]
    return ["| Argument | Meaning |", "|---|---|", *rows, ""]


def example(section: Section) -> list[str]:
    """Return the block of settings, which the tests of the documentation run."""
    fence = "```python" + (f" no-run: {section.reason_not_to_run}" if section.reason_not_to_run else "")
    return [fence, "# settings.py", f'OIDC_LOGIN_PROVIDERS["{section.key}"] = {{', *lines(section), "}", "```"]


def lines(section: Section) -> Iterator[str]:
    given = dict(section.settings)
    ordered = {"class": given.pop("class", None), "client_id": given.pop("client_id", None)}
    for name, value in {**ordered, **given}.items():
        if value is not None:
            yield f'    "{name}": {literal(value)},'
        if name == "client_id":
            yield from credentials(section, named=value is not None)


def credentials(section: Section, *, named: bool) -> Iterator[str]:
    """Return the lines for the client: from the environment, and no secret where a key takes its place."""
    variable = section.key.upper().replace("-", "_")
    if not named:
        yield f'    "client_id": os.environ["{variable}_CLIENT_ID"],'
    if "client_key" not in section.settings:
        yield f'    "client_secret": os.environ["{variable}_CLIENT_SECRET"],'


def literal(value: Any) -> str:
    """Return a value as Python has it, with the quotes that Django's style wants."""
    if value is ...:
        return "..."
    return pformat(value, width=WIDTH).replace("'", '"')


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
