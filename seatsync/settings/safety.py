"""What production demands of its environment: one list, for the settings (any entry) and the system checks."""

import string
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

# These serve development and tests alone: published here, and refused by production below.
INSECURE_SECRET_KEY = "insecure-development-secret-key-not-for-production-0123456789"  # noqa: S105 - refused
INSECURE_JWT_SECRET_KEY = "dev:insecure-development-jwt-key-not-for-production-0123456789"  # noqa: S105 - refused
INSECURE_ENCRYPTION_KEY = "c2VhdHN5bmMtZGV2ZWxvcG1lbnQta2V5LTMyLWJ5dGU="
# Django's own advice for the first; a key of HS256 is at least as long as its digest.
SECRET_KEY_CHARACTERS, JWT_SECRET_CHARACTERS = 50, 32
DATABASE_FORM = "postgres://user:password@host:5432/database"
REDIS_FORM = "redis://host:6379/0"


class Problem(NamedTuple):
    """One variable, what is wrong with it, and the remedy."""

    name: str
    fault: str
    remedy: str


def production_problems(environ: Mapping[str, str]) -> list[Problem]:
    """Everything that production refuses in these variables, in one go."""
    return [
        *_secret_key(environ.get("SECRET_KEY", "").strip()),
        *_jwt_keys(_items(environ.get("JWT_SECRET_KEY", ""))),
        *_encryption_keys(_items(environ.get("ENCRYPTION_KEY", ""))),
        *_debug(environ.get("DEBUG", "")),
        *_address("DATABASE_URL", environ.get("DATABASE_URL", "").strip(), {"postgres", "postgresql"}, DATABASE_FORM),
        *_address("REDIS_URL", environ.get("REDIS_URL", "").strip(), {"redis", "rediss"}, REDIS_FORM),
    ]


def production_demands(environ: Mapping[str, str]) -> None:
    """Raises ImproperlyConfigured that names every unsafe variable and its remedy."""
    found = production_problems(environ)
    if found:
        lines = [f"{problem.name} {problem.fault}. {problem.remedy}" for problem in found]
        raise ImproperlyConfigured("Production does not start:\n  " + "\n  ".join(lines))


def url_fault(url: str, schemes: set[str]) -> str | None:
    """What is wrong with the address of a server; None where nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a port that is no number up to 65535" if "://" in url else "is no address"
    if parts.scheme not in schemes or port == 0:
        return "is no such address"
    return None


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _secret_key(key: str) -> Iterator[Problem]:
    remedy = f"Set SECRET_KEY to {SECRET_KEY_CHARACTERS} or more random characters."
    if not key:
        yield Problem("SECRET_KEY", "is not set", remedy)
    elif key == INSECURE_SECRET_KEY:
        yield Problem("SECRET_KEY", "is the published default", remedy)
    elif len(key) < SECRET_KEY_CHARACTERS:
        yield Problem("SECRET_KEY", f"is too short ({len(key)} characters)", remedy)


def _jwt_keys(entries: list[str]) -> Iterator[Problem]:
    remedy = f"Set JWT_SECRET_KEY to a comma list of kid:secret, secrets of {JWT_SECRET_CHARACTERS} characters or more."
    if not entries:
        yield Problem("JWT_SECRET_KEY", "is not set", remedy)
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        kid, _, secret = (part.strip() for part in entry.partition(":"))
        if entry == INSECURE_JWT_SECRET_KEY or secret == INSECURE_JWT_SECRET_KEY.partition(":")[2]:
            yield Problem("JWT_SECRET_KEY", "is the published default", remedy)
        elif not kid or not secret:
            yield Problem("JWT_SECRET_KEY", f"has no kid or no secret in entry {number}", remedy)
        elif len(secret) < JWT_SECRET_CHARACTERS:
            yield Problem("JWT_SECRET_KEY", f"has too short a secret in entry {number}", remedy)
        elif kid in seen:
            yield Problem("JWT_SECRET_KEY", f"has the kid of an earlier entry in entry {number}", remedy)
        seen.add(kid)


def _encryption_keys(keys: list[str]) -> Iterator[Problem]:
    remedy = "Set ENCRYPTION_KEY to a comma list of Fernet keys (32 random bytes in url-safe base64)."
    if not keys:
        yield Problem("ENCRYPTION_KEY", "is not set", remedy)
    for number, key in enumerate(keys, start=1):
        if key == INSECURE_ENCRYPTION_KEY:
            yield Problem("ENCRYPTION_KEY", "is the published default", remedy)
        elif not _is_fernet(key):
            yield Problem("ENCRYPTION_KEY", f"has no Fernet key in entry {number}", remedy)


def _is_fernet(key: str) -> bool:
    # base64 skips foreign characters in silence; a key with one is a mistake.
    if set(key) - set(string.ascii_letters + string.digits + "-_="):
        return False
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _debug(value: str) -> Iterator[Problem]:
    if value.strip().lower() in {"1", "true", "yes", "on"}:
        yield Problem("DEBUG", "is on in production", "Set DEBUG=false.")


def _address(name: str, url: str, schemes: set[str], form: str) -> Iterator[Problem]:
    remedy = f"Set {name} in the form {form}."
    if not url:
        yield Problem(name, "is not set", remedy)
    elif fault := url_fault(url, schemes):
        yield Problem(name, fault, remedy)
    elif not urlsplit(url).hostname or (name == "DATABASE_URL" and not urlsplit(url).path.strip("/")):
        yield Problem(name, "lacks its host or its database", remedy)
