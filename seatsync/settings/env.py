"""Typed readers of environment variables. A bad value stops the start with one sentence that names the variable."""

import os
from collections.abc import Callable, Iterable
from email.utils import parseaddr
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from seatsync.settings.addresses import (
    DATABASE_FORM,
    REDIS_FORM,
    SOCKET_SCHEMES,
    WEB_SCHEMES,
    database_fault,
    is_host,
    redis_fault,
    web_fault,
)
from seatsync.settings.mail import MAIL_FORM, MailServer, mail_server
from seatsync.settings.safety import Problem, items

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
# Names of libpq that a database's address may carry.
DATABASE_PARAMETERS = frozenset({
    "channel_binding", "connect_timeout", "gssencmode", "options", "sslcert", "sslkey", "sslmode", "sslrootcert",
    "target_session_attrs",
})  # fmt: skip


def env_str(name: str, default: str | None = None) -> str:
    """The variable's text; without a default a missing one raises ImproperlyConfigured."""
    value = os.environ.get(name)
    if value is not None and value.strip():
        return value.strip()
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. Put it in the environment; .env.example shows its form.")
    return default


def env_bool(name: str, default: bool) -> bool:
    """True or false; anything but 1/true/yes/on/0/false/no/off raises ImproperlyConfigured."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    lowered = value.lower()
    if lowered in TRUE:
        return True
    if lowered in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false. Use true or false.")


def env_choice(name: str, default: str, choices: Iterable[str]) -> str:
    """One of a few words, or one of them in small letters; anything else raises ImproperlyConfigured."""
    value = env_str(name, default)
    known = list(choices)
    for word in (value, value.upper()):
        if word in known:
            return word
    raise ImproperlyConfigured(f"{name}={value!r} is unknown. Set it to one of: {', '.join(known)}.")


def env_int(name: str, default: int, *, lowest: int, highest: int) -> int:
    """A whole number from lowest to highest; anything else raises ImproperlyConfigured."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    allowed = f"Give one from {lowest} to {highest}."
    try:
        number = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number. {allowed}") from error
    if not lowest <= number <= highest:
        raise ImproperlyConfigured(f"{name}={value!r} is out of bounds. {allowed}")
    return number


def env_list(name: str, default: str = "") -> list[str]:
    """A comma list without blanks; an empty one is the default."""
    return items(os.environ.get(name, "")) or items(default)


def env_keys(name: str, default: str, problems_of: Callable[[list[str]], Iterable[Problem]]) -> list[str]:
    """A comma list of keys; the first problem raises ImproperlyConfigured. The default is not looked at."""
    found = env_list(name, default)
    if found != items(default):
        for problem in problems_of(found):
            raise ImproperlyConfigured(f"{name} {problem.fault}. {problem.remedy}")
    return found


def env_hosts(name: str, default: str) -> list[str]:
    """A comma list of the hosts that Django answers for; anything else raises ImproperlyConfigured."""
    found = env_list(name, default)
    for text in found:
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text.removeprefix(".")
        if text != "*" and not is_host(bare):
            raise ImproperlyConfigured(
                f"{name} has {text!r}, which is no host. Give names like app.example.com or .example.com (with all "
                "below it), addresses, or *; no scheme, port or path."
            )
    return found


def env_mailbox(name: str, default: str) -> str:
    """A sender like `Name <name@example.com>`; anything else raises ImproperlyConfigured."""
    text = env_str(name, default)
    if text == default:  # ours is one, and the check's pattern takes a while to be built
        return text
    try:
        validate_email(parseaddr(text)[1])
    except ValidationError as error:
        raise ImproperlyConfigured(
            f"{name}={text!r} is no mail address. Write it as name@example.com or Name <name@example.com>."
        ) from error
    return text


def env_mail(name: str) -> MailServer | None:
    """The mail server of an smtp:// address, None where it is not set; anything else raises ImproperlyConfigured."""
    text = env_str(name, "")
    try:
        return mail_server(text) if text else None
    except ValueError as error:
        # The value holds a password.
        raise ImproperlyConfigured(f"{name} {error}. It must look like {MAIL_FORM}.") from error


def env_web(name: str, default: str, *, path: bool = False) -> str:
    """The address of a web server without its last slash; with `path` it may have one. Else ImproperlyConfigured."""
    return _web(name, default, WEB_SCHEMES, f"https://host or http://host:port{'/path' if path else ''}", path=path)


def env_socket(name: str, default: str) -> str:
    """The address of a websocket server without its last slash; anything else raises ImproperlyConfigured."""
    return _web(name, default, SOCKET_SCHEMES, "wss://host or ws://host:port")


def _web(name: str, default: str, schemes: frozenset[str], form: str, *, path: bool = False) -> str:
    text = env_str(name, default)
    if text and (fault := web_fault(text, schemes, path=path)):
        # Whatever stands before an @ may be a secret.
        told = f"{name}={text!r}" if "@" not in text else name
        raise ImproperlyConfigured(f"{told} {fault}. Write it as {form}.")
    return text.rstrip("/")


def env_networks(name: str) -> list[str]:
    """A comma list of IP addresses and networks; anything else raises ImproperlyConfigured."""
    found = env_list(name)
    for text in found:
        try:
            ip_network(text, strict=False)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} has {text!r}, which is no address or network like 10.0.0.0/8."
            ) from error
    return found


def env_database(name: str, default: str) -> dict[str, Any]:
    """A Django database entry from a postgres:// URL; anything else raises ImproperlyConfigured.

    What follows its `?` goes to libpq (hosted databases ask for sslmode there); an unknown name is refused.
    """
    text = env_str(name, default)
    if database_fault(text):
        raise ImproperlyConfigured(f"{name} must look like {DATABASE_FORM}.")
    url = urlsplit(text)
    given = dict(parse_qsl(url.query, keep_blank_values=True))
    if unknown := sorted(set(given) - DATABASE_PARAMETERS):
        known = ", ".join(sorted(DATABASE_PARAMETERS))
        raise ImproperlyConfigured(f"{name} has {', '.join(unknown)} after its ?; known there are {known}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or 5432),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "seatsync", "connect_timeout": 5, **given},
    }


def env_redis(name: str, default: str) -> str:
    """A redis:// URL; anything else raises ImproperlyConfigured."""
    text = env_str(name, default)
    if redis_fault(text):
        raise ImproperlyConfigured(f"{name} must look like {REDIS_FORM}.")
    return text
