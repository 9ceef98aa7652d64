"""Reading a page as a browser does: its forms, links and everything that it would load."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass(slots=True)
class Form:
    """A form with its hidden fields and the text of its button."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    button: str = ""


class Markup(HTMLParser):
    """The elements of one page; `balanced` is whether all of them were closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.balanced = True
        self._open: list[str] = []
        self._href = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get")))
        if tag == "input":
            self.forms[-1].fields.append((attributes["name"], attributes.get("value", "")))
        if tag == "a":
            self._href = attributes["href"]
        if tag == "button" and "aria-label" in attributes:
            self.forms[-1].button = " ".join(attributes["aria-label"].split())
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        self.balanced = self.balanced and bool(self._open) and self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not (text := " ".join(data.split())) or not self._open:
            return
        self.texts[self._open[-1]] = f"{self.texts.get(self._open[-1], '')} {text}".strip()
        if self._open[-1] == "a":
            self.links[text] = self._href
        if "button" in self._open and self._open[-1] == "span":
            self.forms[-1].button = f"{self.forms[-1].button} {text}".strip()

    def close(self) -> None:
        super().close()
        self.balanced = self.balanced and not self._open

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]
