"""The catalogues hold every string, no string that is gone, and nothing in English."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.template import Context, Engine
from django.template.base import Template
from django.template.loader import render_to_string
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.test import Client
from django.utils import translation
from django.utils.functional import Promise

import oidc_login
from oidc_login import exceptions
from tests.support.markup import Markup

if TYPE_CHECKING:
    from pytest_django import Settings

PACKAGE = Path(oidc_login.__file__).parent
TEMPLATES = PACKAGE / "templates"
# Each locale with its number of plural forms.
LOCALES = {
    "de": 2,
    "es": 2,
    "fr": 2,
    "it": 2,
    "ja": 1,
    "nl": 2,
    "pl": 4,
    "pt_BR": 2,
    "ru": 4,
    "tr": 2,
    "uk": 4,
    "zh_Hans": 1,
}
LANGUAGES = sorted(LOCALES)
FULL_STOPS = (".", "。")
GETTEXT = {"_", "gettext", "gettext_lazy"}
NGETTEXT = {"ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%d|</?\w+>")
CONTEXT_END = "\x04"  # between the context and the string, in what gettext reads
NO_WORDS = re.compile(
    r"\{% comment.*?endcomment %\}|\{#.*?#\}|\{% blocktranslate.*?endblocktranslate %\}"
    r"|<style.*?</style>|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>|&\w+;",
    re.DOTALL,
)


@dataclass(frozen=True)
class Entry:
    """One string of a catalogue: in the singular, in the plural where it has one, and what it says."""

    singular: str
    plural: str = ""
    said: tuple[str, ...] = ()


# The strings of the package, without the help of gettext.


def python_files() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts]


def templates() -> list[Path]:
    folders = [TEMPLATES, *PACKAGE.glob("contrib/*/templates")]
    return [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".html", ".txt")]


def strings_of_python(path: Path) -> Iterator[Entry]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in GETTEXT | NGETTEXT:
            texts = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
            yield Entry(texts[0], texts[1] if node.func.id in NGETTEXT else "")


def strings_of_template(path: Path) -> Iterator[Entry]:
    """Compile the template and ask its nodes, which write a message just as they look it up."""
    engine = Engine(dirs=[str(TEMPLATES)], libraries=LIBRARIES)
    nodelist = Template(path.read_text(), engine=engine).nodelist
    for node in nodelist.get_nodes_by_type(TranslateNode):
        assert isinstance(node, TranslateNode)
        context = node.message_context.resolve(Context()) + CONTEXT_END if node.message_context else ""
        yield Entry(context + str(node.filter_expression.var.literal))
    for node in nodelist.get_nodes_by_type(BlockTranslateNode):
        assert isinstance(node, BlockTranslateNode)
        singular, plural = (node.render_token_list(tokens or [])[0] for tokens in (node.singular, node.plural))
        yield Entry(singular, plural)


LIBRARIES = {
    "i18n": "django.templatetags.i18n",
    "oidc_login": "oidc_login.templatetags.oidc_login",
    "static": "django.templatetags.static",
}


def strings() -> set[Entry]:
    found = {entry for path in python_files() for entry in strings_of_python(path)}
    return found | {entry for path in templates() for entry in strings_of_template(path)}


# The catalogues.


def catalogue_of(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"


def entries(language: str) -> list[Entry]:
    """Read a catalogue, without its header."""
    blocks = catalogue_of(language).read_text().split("\n\n")
    return [entry_of(block.splitlines()) for block in blocks[1:]]


def entry_of(lines: Iterable[str]) -> Entry:
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith("#"):
            continue
        keyword, quote, rest = line.partition('"')
        name = keyword.strip() or name
        fields[name] = fields.get(name, "") + str(ast.literal_eval(quote + rest))
    said = tuple(text for name, text in fields.items() if name.startswith("msgstr"))
    context = fields["msgctxt"] + CONTEXT_END if "msgctxt" in fields else ""
    return Entry(context + fields["msgid"], fields.get("msgid_plural", ""), said)


def compiled(language: str) -> dict[Any, str]:
    """What Django reads at run time."""
    with catalogue_of(language).with_suffix(".mo").open("rb") as file:
        catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in catalogue.items() if key}


def all_errors(kind: type[exceptions.OAuthError]) -> Iterator[type[exceptions.OAuthError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from all_errors(subclass)


# Nothing is left out, nothing is left over: otherwise `make messages`, and translate what is new.


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_holds_every_string_and_no_other(language: str) -> None:
    held = {Entry(entry.singular, entry.plural) for entry in entries(language)}

    assert held == strings()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_is_translated(language: str) -> None:
    for entry in entries(language):
        assert all(entry.said), f"not translated: {entry.singular}"
        assert len(entry.said) == (LOCALES[language] if entry.plural else 1)
    assert "fuzzy" not in catalogue_of(language).read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_says_what_the_source_says(language: str) -> None:
    said: dict[Any, str] = {}
    for entry in entries(language):
        keys = [(entry.singular, index) for index in range(LOCALES[language])] if entry.plural else [entry.singular]
        said.update(zip(keys, entry.said, strict=True))

    assert compiled(language) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_translation_has_the_placeholders_of_its_string(language: str) -> None:
    for entry in entries(language):
        for text in entry.said:
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(entry.singular)), text
            assert text.endswith(FULL_STOPS) == entry.singular.endswith("."), text


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_template_holds_no_word_that_is_not_marked(path: Path) -> None:
    assert re.findall(r"\w+", NO_WORDS.sub(" ", path.read_text())) == []


def test_text_of_every_error_is_marked() -> None:
    ours = [kind for kind in all_errors(exceptions.OAuthError) if kind.__module__.startswith("oidc_login.")]

    assert [kind for kind in ours if not isinstance(kind.message, Promise)] == []


# What people read.


@pytest.fixture(autouse=True)
def one_provider(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {"issuer": "https://op.example", "client_id": "c", "label": "Example ID"}}


REVOKED = ("%d connection was revoked.", "%d connections were revoked.")
READ = {
    "de": ("Anmelden", "Weiter mit Example ID", "Etwas ist schiefgegangen", "Noch einmal versuchen"),
    "es": ("Iniciar sesión", "Continuar con Example ID", "Algo salió mal", "Intentarlo de nuevo"),
    "fr": ("Connexion", "Continuer avec Example ID", "Un problème est survenu", "Réessayer"),
    "it": ("Accedi", "Continua con Example ID", "Qualcosa è andato storto", "Riprova"),
    "ja": ("ログイン", "Example ID で続ける", "問題が発生しました", "もう一度試す"),
    "nl": ("Aanmelden", "Doorgaan met Example ID", "Er ging iets mis", "Opnieuw proberen"),
    "pl": ("Zaloguj się", "Kontynuuj przez Example ID", "Coś poszło nie tak", "Spróbuj ponownie"),
    "pt_BR": ("Entrar", "Continuar com Example ID", "Algo deu errado", "Tentar novamente"),
    "ru": ("Войти", "Продолжить через Example ID", "Что-то пошло не так", "Повторить попытку"),
    "tr": ("Oturum aç", "Example ID ile devam et", "Bir sorun oluştu", "Yeniden dene"),
    "uk": ("Увійти", "Продовжити через Example ID", "Щось пішло не так", "Спробувати ще раз"),
    "zh_Hans": ("登录", "通过 Example ID 继续", "出现问题", "重试"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_the_language_of_the_request(settings: Settings, language: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    code = language.lower().replace("_", "-")
    client = Client(headers={"accept-language": code})
    heading, button, failure, again = READ[language]

    with translation.override("en"):  # what the middleware activates is for this test alone
        offered = Markup(client.get("/oauth/").content.decode())
        failed = Markup(client.get("/oauth/op/callback/?state=s&code=c").content.decode())

    assert [page.all("html") for page in (offered, failed)] == [[{"lang": code, "class": "oidc-login-page"}]] * 2
    assert (offered.texts["h1"], offered.texts["title"], offered.forms[0].button) == (heading, heading, button)
    assert (failed.texts["h1"], next(iter(failed.links))) == (failure, again)


@pytest.mark.parametrize(
    ("language", "subject", "beginning"),
    [
        ("de", "Eine neue Anmeldemöglichkeit für Ihr Konto: A & B", "A & B wurde mit Ihrem Konto verknüpft"),
        ("fr", "Un nouveau moyen de connexion à votre compte : A & B", "A & B a été associé à votre compte"),
    ],
)
def test_mails_speak_the_language_of_the_request(language: str, subject: str, beginning: str) -> None:
    with translation.override(language):
        written = [
            render_to_string(f"oidc_login/email/connection_added{part}.txt", {"label": "A & B"})
            for part in ("_subject", "")
        ]

    assert written[0].strip() == subject
    assert written[1].strip().startswith(beginning)


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("de", "1 Verknüpfung wurde widerrufen.", "2 Verknüpfungen wurden widerrufen."),
        ("fr", "1 association a été révoquée.", "2 associations ont été révoquées."),
        ("ja", "1 件の連携を取り消しました。", "2 件の連携を取り消しました。"),
        ("pl", "Unieważniono 1 połączenie.", "Unieważniono 2 połączenia."),
        ("ru", "Отозвано 1 подключение.", "Отозвано 2 подключения."),
    ],
)
def test_numbers_take_the_plural_of_the_language(language: str, one: str, many: str) -> None:
    with translation.override(language):
        said = [
            translation.ngettext("%d connection was revoked.", "%d connections were revoked.", n) % n for n in (1, 2)
        ]

    assert said == [one, many]
