"""Whether a text is the address of a server: for the readers (env.py) and for what production demands (safety.py)."""

import re
from collections.abc import Set as AbstractSet
from ipaddress import ip_address
from urllib.parse import urlsplit

DATABASE_FORM = "postgres://user:password@host:5432/database"
REDIS_FORM = "redis://host:6379/0"
DATABASE_SCHEMES = frozenset({"postgres", "postgresql"})
REDIS_SCHEMES = frozenset({"redis", "rediss"})
WEB_SCHEMES = frozenset({"http", "https"})
SOCKET_SCHEMES = frozenset({"ws", "wss"})
# Underscores: what container networks call their machines.
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


def url_fault(url: str, schemes: AbstractSet[str]) -> str | None:
    """What is wrong with the address of a server; None where nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a port that is no number up to 65535" if "://" in url else "is no address"
    if parts.scheme not in schemes or port == 0:
        return "is no such address"
    return None


def database_fault(url: str) -> str | None:
    """What is wrong with a database's address."""
    if fault := url_fault(url, DATABASE_SCHEMES):
        return fault
    parts = urlsplit(url)
    return None if parts.hostname and parts.path.strip("/") else "lacks its host or its database"


def redis_fault(url: str) -> str | None:
    """What is wrong with a Redis address; its client would take database 0 for a path that is no number."""
    if fault := url_fault(url, REDIS_SCHEMES):
        return fault
    parts = urlsplit(url)
    if not parts.hostname:
        return "lacks its host or its database"
    return None if re.fullmatch(r"(/[0-9]*)?", parts.path) else "has a database that is no number"


def web_fault(url: str, schemes: AbstractSet[str], *, path: bool = False) -> str | None:
    """What is wrong with the address of a web server; with `path` it may end in one."""
    if fault := url_fault(url, schemes):
        return fault
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        return "has a user or a password in it"
    if not is_host(parts.hostname or ""):
        return "has no good host"
    if parts.query or parts.fragment or (parts.path.strip("/") and not path):
        return "has something after its host" if not path else "has a ? or a # in it"
    return None


def is_host(text: str) -> bool:
    """A name of labels, or an IP address (without brackets)."""
    try:
        ip_address(text)
    except ValueError:
        # Four numbers that are no address are no name either.
        return not re.fullmatch(r"[0-9.]+", text) and all(map(_LABEL.fullmatch, text.rstrip(".").split(".")))
    return True
