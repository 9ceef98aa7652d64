"""The messages of the system checks: one table of what is wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

# {subject} is the setting or the provider's argument, {entry} the provider, {written} how an assignment begins.
TEXTS: Mapping[str, tuple[str, str]] = {
    # OIDC_LOGIN_PROVIDERS and its entries
    "E001": (
        "OIDC_LOGIN_PROVIDERS must be a dictionary, not {found}.",
        'Write OIDC_LOGIN_PROVIDERS = {{"google": {{"class": "oidc_login.providers.GoogleProvider", ...}}}}.',
    ),
    "E002": (
        "OIDC_LOGIN_PROVIDERS: {key!r} cannot be the key of a provider.",
        "The key is part of URLs: up to 100 of a-z, 0-9, - and _, the first a letter or a digit. Write {suggestion!r}.",
    ),
    "E003": (
        "{entry} must be a dictionary, not {found}.",
        'Write {{"issuer": "https://...", "client_id": "...", "client_secret": "..."}}.',
    ),
    "E004": (
        "{entry}: class {path!r} cannot be used: {reason}{near}.",
        'Write the dotted path of a subclass of oidc_login.providers.OAuthProvider, or leave "class" out for '
        "an OpenID provider.",
    ),
    "E005": ("{entry}: unknown argument {name!r}{near}.", "{class_name} takes {names}."),
    "E006": ("{entry}: missing argument {name!r}.", "Write {name!r}: ... into the entry."),
    # Values of one argument or setting
    "E007": ("{subject} must be {expected}, not {found}.", "Write {written} {example}"),
    "E008": (
        "{subject} is {found}.",
        'Is the environment variable set? With {written} os.environ["{variable}"] Django says so at once.',
    ),
    "E009": ("{subject} is {value!r}{near}.", "Write one of {names}."),
    "E010": ("{subject} must be {expected}.", "Write {written} {example}"),
    "E011": (
        "{subject} is not a URL that can be used.",
        "Write an absolute https:// URL without user name, fragment or spaces. http:// is for localhost alone.",
    ),
    "E012": (
        "{subject} is not an issuer.",
        "Write the value of issuer in the provider's discovery document: an https:// URL without a query, and "
        "without {{placeholders}}.",
    ),
    "E013": (
        "{subject} names no readable file or folder of certificates.",
        "Write the path of a PEM file, or leave it out to trust the usual authorities.",
    ),
    "E014": (
        "{subject} is no private key that can be read.",
        "Write a private JWK as a dictionary, a PEM text without a password, or the path of a file that holds "
        "one of them.",
    ),
    "E015": ("{subject} names {name!r}, {reason}{near}.", "Write some of {names}."),
    "E016": (
        "{subject} sets {name!r}, {reason}.",
        "Remove {name!r} from authorization_params{instead}.",
    ),
    "E017": (
        "{subject} holds {domain!r}, which is not a domain.",
        'Write domains as in ["example.com", ".corp.example"]; a leading dot admits subdomains too.',
    ),
    # The provider as a whole
    "E018": ("{entry}: {class_name} does not accept these arguments: {reason}.", "Correct its arguments."),
    "E019": ("{entry}: {class_name} has no {part}.", "Give the class {alternatives}."),
    "E020": (
        "{entry}: neither discovery_url nor issuer is given.",
        'Write "issuer": "https://...", or "discovery_url": "https://.../.well-known/openid-configuration".',
    ),
    "E021": (
        "{entry}: discovery_url does not end in /.well-known/openid-configuration, so the issuer is not known.",
        'Write the issuer of the discovery document as well: "issuer": "https://...".',
    ),
    "E022": (
        "{entry}: issuer and metadata['issuer'] are different.",
        "Remove one of them; ID tokens can come from one issuer only.",
    ),
    "E023": (
        "{entry}: {needed_by} needs a client_secret.",
        'Write "client_secret": os.environ["{variable}"], or "token_endpoint_auth_method": "none" for a client '
        "that has no secret.",
    ),
    "E024": (
        "{entry}: {needed_by} needs a client_secret of at least {length} bytes.",
        "Let the provider make a longer secret, or choose another {argument}.",
    ),
    "E025": (
        "{entry}: {needed_by} needs a client_key.",
        'Write "client_key": the path of a PEM file, a PEM text or a private JWK.',
    ),
    "E026": (
        "{subject} names {name!r}, which is no field of the user model that a provider may write.",
        'Write fields for text, booleans or numbers, as in {{"first_name": "given_name"}}. Addresses, user names, '
        "other unique fields, passwords and privileges are never written.",
    ),
    "E027": (
        "{subject} needs the field {name!r}, which the user model does not have.",
        "Leave {argument!r} out, or derive the user model from django.contrib.auth.models.PermissionsMixin.",
    ),
    "E028": (
        "{entry}: {argument} needs a groups_claim.",
        'Write "groups_claim": "groups", or whatever the provider calls the claim that lists the groups of a person.',
    ),
    "W180": (
        "{entry}: without {argument} no address of {class_name} counts as verified.",
        "Nobody is linked by email, new accounts get no email, and allowed_email_domains lets nobody in. Write "
        "{argument!r}: ... into the entry; if you want it as it is, silence oidc_login.W180.",
    ),
    "E190": (
        "{subject} contains an empty name.",
        'Write claims or paths, as in ["roles", "resource_access.shop.roles"].',
    ),
    "E191": (
        "{subject}: {name!r} cannot give the group {group!r}.",
        "A name has at most one star, and a group has one only where the name has one: with "
        '{{"app-*": "*"}} the name "app-editors" gives the group "editors".',
    ),
    "E075": (
        "{entry}: {part} is not given.",
        "Write {example} into the entry, or name a class that says it.",
    ),
    "E076": (
        "{entry}: mapping does not say where the user_id stands.",
        'Write "mapping": {{"user_id": "id", ...}}, with the name of what never changes in the answer.',
    ),
    "E077": ("{subject} names {name!r}{near}.", "Write some of {names}."),
    "E078": (
        "{subject} looks for {name} at {path!r}, which is not a path.",
        'Write names with dots between them, and numbers for places in lists: "data.emails.0.address".',
    ),
    "W075": (
        "{entry}: mapping takes the identity from {path!r}, by whose name people can change it.",
        "Somebody else may take over what one person gives up, and with it their account here. Write the name of "
        "something that stays with an account for ever, such as a number.",
    ),
    # Assertions of the client
    "W160": (
        "{subject} holds no assertion that can be read.",
        "Write the path of the file in which whoever issues the assertions keeps a signed JWT, and let this process "
        "read it. Until it is there nobody can sign in.",
    ),
    "E161": (
        "{entry}: client_assertion_file is given, and {argument} too.",
        "The assertion of the file is how the client proves itself, and it is sent as it is. Remove one of the two.",
    ),
    # OAuth 1.0
    "E080": (
        "{entry}: class {path!r} needs the package {package}, which is not installed.",
        "Install it with the extra: pip install 'django-oidc-login[{extra}]'.",
    ),
    "E081": (
        "{entry}: signature_method {method!r} needs a client_secret.",
        'Write "client_secret": os.environ["{variable}"].',
    ),
    "W001": (
        "{entry} and {other} are the same client of the same provider.",
        "One person gets two separate identities there. Remove one of the two, or use a client of its own for it.",
    ),
    "W002": (
        "{count} connections belong to the provider {key!r}, which is not in OIDC_LOGIN_PROVIDERS.",
        "These people cannot sign in with it. Put the provider back, or rename provider_key in, or delete, these "
        "rows of oidc_login.OAuthConnection.",
    ),
    "W181": (
        "{count} connections of the provider {key!r} do not name the server that they belong to (rows {rows}).",
        "These people cannot sign in with it, since their number may be somebody else's at another server. If all of "
        "them belong to the server of today, run: python manage.py oidc_login_move_issuer {key} '' {new} --apply. "
        "Delete the rows of oidc_login.OAuthConnection that belong to another one first.",
    ),
    "W182": (
        "Connections of the provider {key!r} belong to issuers that it does not have by its settings: {issuers}.",
        "These people cannot sign in with it. If the provider has moved, run: python manage.py oidc_login_move_issuer "
        "{key} {old} {new} --apply. If it is another provider, give it a key of its own.",
    ),
    "W003": (
        "The database {alias!r} has no index on UPPER({column}) of {table}.",
        "A sign-up looks for addresses and user names in any case, so it reads all users. Give the user model "
        "Index(Upper({name!r}), name=...), or create the index by a migration; docs/scaling.md shows both.",
    ),
    # The user model
    "W200": (
        "{model} requires {name!r}, and nothing fills it when somebody signs up through a provider.",
        "Nobody can sign up. Give the field a default, or fill it in the create_user of the model's manager or of your "
        "subclass of OIDCLoginBackend. If save() or a receiver fills it, silence oidc_login.W200.",
    ),
    "W201": (
        "{name!r} of {model} is unique, and every account that is made through a provider gets the same value.",
        "Only the first person can sign up. Allow null, give the field a default that is a function, or fill it in the "
        "create_user of the model's manager or of your subclass of OIDCLoginBackend. If save() or a receiver fills "
        "it, silence oidc_login.W201.",
    ),
    "W202": (
        "{count} accounts got their address by signing up at {key!r} while its addresses linked nobody (rows {rows} of "
        "oidc_login.OAuthConnection).",
        "An address may belong to somebody else, and addresses of another provider link people now: the owner would be "
        "signed in to the account of a stranger. Remove the address from these accounts, or have it confirmed and "
        "name OIDC_LOGIN_LOCAL_EMAIL_VERIFIED. Once all are checked, silence oidc_login.W202.",
    ),
    "E070": (
        "{subject} names a template that cannot be used ({reason}).",
        "Write the name of a template as Django finds it, or leave it out for the letters of the provider.",
    ),
    "W070": (
        "{subject} names {value!r}, which is no static file that Django finds.",
        "Write the path below a static folder, as the template tag static takes it; a name that ends in .html is that "
        "of a template.",
    ),
    # Global settings
    "E030": ("There is no setting {name}{near}.", "Correct the name or remove it."),
    "E031": ("{subject} names the cache {alias!r}, which is not in CACHES{near}.", "Write one of {names}."),
    "E032": (
        "{subject} is not an origin.",
        'Write scheme and host alone: OIDC_LOGIN_BASE_URL = "https://your.site".',
    ),
    "E033": (
        "{subject} must be a list of strings of at least {length} characters.",
        "Write {written} [os.environ[...]]; the first encrypts, all decrypt. Leave it out to derive the keys "
        "from SECRET_KEY.",
    ),
    "E034": (
        "{subject} is not the path of something that can be imported and called.",
        'Write {written} "yoursite.accounts.function".',
    ),
    # AUTHLIB_OAUTH_CLIENTS: what is found and what to write come with the option
    "E085": (
        "{subject} must be a dictionary, not {found}.",
        'Write AUTHLIB_OAUTH_CLIENTS = {{"company": {{"client_id": "...", "server_metadata_url": "https://..."}}}}.',
    ),
    "E086": ("{entry}: {option} {finding}.", "{advice}"),
    "E087": ("{entry}: {option} {finding}.", "{advice}"),
    "E088": ("{entry}: {option} {finding}.", "{advice}"),
    "W085": ("{entry}: {option} {finding}.", "{advice}"),
    # Access tokens of APIs
    "E110": (
        "OIDC_LOGIN_BEARER_PROVIDERS names {key!r}, {reason}{near}.",
        "Write keys of OpenID providers of OIDC_LOGIN_PROVIDERS.",
    ),
    "E111": (
        "OIDC_LOGIN_BEARER_PROVIDERS must be a list of keys, or a dictionary from keys to audiences, not {found}.",
        'Write OIDC_LOGIN_BEARER_PROVIDERS = {{"company": "https://api.your.site"}}.',
    ),
    "E112": (
        "REST framework asks {path!r}, and OIDC_LOGIN_BEARER_PROVIDERS says nobody who may issue access tokens.",
        'Write OIDC_LOGIN_BEARER_PROVIDERS = ["..."] with the key of the provider; until then all tokens are refused.',
    ),
    "W110": (
        "REST framework asks {path!r}, which takes an access token for whomever it was issued.",
        "It asks the provider's userinfo, whose answer names no audience: another client's token works here too. "
        'Use "oidc_login.contrib.drf.BearerAuthentication".',
    ),
    # The project
    "E040": (
        "No backend of this package is in AUTHENTICATION_BACKENDS.",
        'Add "oidc_login.backends.OIDCLoginBackend", or your subclass of it.',
    ),
    "E041": (
        "The URLs of the package are not included.",
        'Add path("oauth/", include("oidc_login.urls")) to the urlpatterns of {urlconf}, outside of any namespace.',
    ),
    "E042": (
        "The session engine {engine!r} needs the application django.contrib.sessions.",
        'Add "django.contrib.sessions" to INSTALLED_APPS.',
    ),
    "E043": ("The session middleware is missing.", "Add {path!r} to MIDDLEWARE."),
    "E044": ("The authentication middleware is missing.", "Add {path!r} to MIDDLEWARE."),
    # Sessions that are ended from elsewhere
    "E090": (
        "Sessions are cookies ({engine}), and the middleware that ends them is missing.",
        "Nobody can remove a session that the browser keeps, so a logout at the provider would be without effect. Add "
        "{path!r} to MIDDLEWARE, after those of Django for sessions and users.",
    ),
    "E091": (
        "{path} stands before {before} in MIDDLEWARE.",
        "Move it behind that one: what it looks at is the session, and whoever is signed in there.",
    ),
    # Deployment
    "W010": (
        "The cache {alias!r} ({backend}) is not shared between processes.",
        "A sign-in works once only within one process, and each process asks the providers anew. Use Redis, "
        "Memcached or the database cache, or name another alias: OIDC_LOGIN_CACHE = ...",
    ),
    "W011": (
        'ALLOWED_HOSTS admits any host ("*"), and OIDC_LOGIN_BASE_URL is not set.',
        "Whoever sends a request chooses the redirect_uri. Write your hosts into ALLOWED_HOSTS, or "
        'OIDC_LOGIN_BASE_URL = "https://your.site".',
    ),
    "W013": (
        "An account may have been opened with somebody else's email, and is linked all the same.",
        "Whoever opens an account with a password and an address that is not theirs could wait for its owner to sign "
        'in through a provider. Write OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "yoursite.accounts.email_is_verified", a '
        "function that takes a user and says whether they have confirmed their address; or "
        'OIDC_LOGIN_EMAIL_LINKING = "never". If nobody can open an account with an unconfirmed address, silence '
        "oidc_login.W013.",
    ),
    "W130": (
        "OIDC_LOGIN_BASE_URL names {base!r}, and people cannot sign in at {others}, which ALLOWED_HOSTS admits too.",
        "A sign-in ends at {base!r} and needs a cookie of the host that it began at. Share the session with "
        'SESSION_COOKIE_DOMAIN = ".your.site", redirect the other hosts there, or remove them from ALLOWED_HOSTS. '
        "Remove OIDC_LOGIN_BASE_URL if every host has a redirect URI of its own at the providers.",
    ),
    "W012": (
        "SECURE_SSL_REDIRECT is on, but neither SECURE_PROXY_SSL_HEADER nor OIDC_LOGIN_BASE_URL is set.",
        "Behind a proxy that ends TLS, the redirect_uri would begin with http://. Set SECURE_PROXY_SSL_HEADER as "
        'Django\'s documentation says, or OIDC_LOGIN_BASE_URL = "https://your.site" and CSRF_TRUSTED_ORIGINS.',
    ),
    # What stands around the package
    "W140": (
        "{name} has a form-action that does not allow {origins}, and OIDC_LOGIN_REDIRECT_BY_PAGE is False.",
        "Chromium stops the redirect to the provider, and the button seems dead. Add the origin to form-action, or "
        "remove OIDC_LOGIN_REDIRECT_BY_PAGE: then a page that moves on by itself stands between.",
    ),
    "W141": (
        "The redirect URI depends on the language: {paths}.",
        "A provider sends people only to the URI that is registered there, and its logouts reach none with a language. "
        'Include "oidc_login.urls" outside of i18n_patterns(), at a path that is not translated.',
    ),
    # The network
    "E170": (
        "{subject} is not the URL of a proxy.",
        'Write "http://proxy.example:3128", with user:password@ before the host if the proxy asks for them. The '
        "connection to the provider is encrypted inside the proxy's tunnel; https:// and socks:// proxies are not "
        "supported.",
    ),
    # Sites that come from mozilla-django-oidc
    "E100": ("{name} is refused: {reason}.", "{instead}"),
    "E101": (
        "The URL {name!r}, where the provider sends its answers, does not lead to this package.",
        'Replace include("mozilla_django_oidc.urls") by include("oidc_login.urls"), at the same path. At another path '
        "put oidc_login.views.upstream.UpstreamCallbackView, exempt from CSRF checks.",
    ),
    "W100": (
        "The settings of mozilla-django-oidc make the provider {key!r}: its addresses count as verified, and existing "
        "accounts are linked by them, also those of staff.",
        "That is what they meant before. If only the provider itself decides who has which address, write it down: "
        'OIDC_LOGIN_PROVIDERS = {{{key!r}: {{"trust_email": True, "link_by_email": "verified"}}}}. If people choose '
        'their addresses there themselves, write "trust_email": False.',
    ),
    "W101": (
        "{entry}: the settings of mozilla-django-oidc do not say which issuer ID tokens must come from.",
        "It is looked for in a discovery document beside the endpoints, and nobody can sign in where there is none or "
        "where it names other endpoints. Write the issuer of that document: "
        'OIDC_LOGIN_PROVIDERS = {{{key!r}: {{"issuer": "https://..."}}}}.',
    ),
    "W102": ("{name} has no effect here.", "{instead} Then remove it."),
    "W103": (
        "{name} {effect}.",
        "The tokens are kept encrypted with the person's connection: call APIs with connection.session(), and remove "
        "the setting.",
    ),
    "W104": (
        "{path} overrides {names}, which nobody asks here.",
        "ID tokens are verified and requests made by the provider's class. Move what is special about your provider "
        "into a class of its own, and remove the methods.",
    ),
    "W105": (
        "Two middlewares want to have sessions confirmed.",
        'Remove "mozilla_django_oidc.middleware.SessionRefresh" from MIDDLEWARE.',
    ),
    "W106": (
        "What mozilla_django_oidc.middleware.SessionRefresh begins has no PKCE.",
        'Replace it by "oidc_login.middleware.SessionRefresh" in MIDDLEWARE, or write OIDC_USE_PKCE = True.',
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a rule found: the number of its message, the argument, and what the message names."""

    number: str
    argument: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def message(number: str, **values: Any) -> CheckMessage:
    """Return the message of a number, an error or a warning."""
    text, hint = TEXTS[number]
    kind = Error if number.startswith("E") else Warning
    return kind(text.format(**values), hint=hint.format(**values), id=f"oidc_login.{number}")


def near(name: object, names: Iterable[str]) -> str:
    """Return the nearest of the names as a question, "" when none is near."""
    found = get_close_matches(str(name), list(names), n=1, cutoff=0.5)
    return f" (did you mean {found[0]!r}?)" if found else ""


def listed(names: Iterable[str]) -> str:
    """Return names as text."""
    return ", ".join(map(repr, names))
