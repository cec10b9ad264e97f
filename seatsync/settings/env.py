"""Typed readers of environment variables. A bad value stops the start with one sentence that names the variable."""

import os
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from seatsync.settings.safety import DATABASE_FORM, REDIS_FORM, url_fault

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}
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
    value = os.environ.get(name)
    if value is None:
        return default
    lowered = value.strip().lower()
    if lowered in TRUE:
        return True
    if lowered in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false. Use true or false.")


def env_int(name: str, default: int) -> int:
    """A whole number; anything else raises ImproperlyConfigured."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from error


def env_list(name: str, default: str = "") -> list[str]:
    """A comma list without blanks."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


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
    if url_fault(text, {"postgres", "postgresql"}) or not urlsplit(text).path.strip("/"):
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
    if url_fault(text, {"redis", "rediss"}) or not urlsplit(text).hostname:
        raise ImproperlyConfigured(f"{name} must look like {REDIS_FORM}.")
    return text
