"""What production demands of its environment: one list, for the settings (any entry) and the system checks."""

import string
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from marketplaces.registry import adapter_names
from seatsync.core.places import same_place
from seatsync.settings.addresses import DATABASE_FORM, REDIS_FORM, WEB_SCHEMES, database_fault, redis_fault, web_fault
from seatsync.settings.mail import MAIL_FORM, mail_server

# These serve development and tests alone: published here, and refused by production below.
INSECURE_SECRET_KEY = "insecure-development-secret-key-not-for-production-0123456789"  # noqa: S105 - refused
INSECURE_JWT_SECRET_KEY = "dev:insecure-development-jwt-key-not-for-production-0123456789"  # noqa: S105 - refused
INSECURE_ENCRYPTION_KEY = "c2VhdHN5bmMtZGV2ZWxvcG1lbnQta2V5LTMyLWJ5dGU="
# Django's own advice for the first; a key of HS256 is at least as long as its digest.
SECRET_KEY_CHARACTERS, JWT_SECRET_CHARACTERS = 50, 32
SIMULATOR_ADDRESS = "http://127.0.0.1:9100"
NOBODYS_MAILBOX = "SeatSync <no-reply@seatsync.example>"


class Problem(NamedTuple):
    """One variable, what is wrong with it, and the remedy."""

    name: str
    fault: str
    remedy: str


def production_problems(environ: Mapping[str, str]) -> list[Problem]:
    """Everything that production refuses in these variables, in one go."""
    return [
        *_secret_key(environ.get("SECRET_KEY", "").strip()),
        *jwt_key_problems(items(environ.get("JWT_SECRET_KEY", ""))),
        *encryption_key_problems(items(environ.get("ENCRYPTION_KEY", ""))),
        *_debug(environ.get("DEBUG", "")),
        *_settings_module(environ.get("DJANGO_SETTINGS_MODULE", "")),
        *_address("DATABASE_URL", environ.get("DATABASE_URL", "").strip(), database_fault, DATABASE_FORM),
        *_address("REDIS_URL", environ.get("REDIS_URL", "").strip(), redis_fault, REDIS_FORM),
        *_address("EMAIL_URL", environ.get("EMAIL_URL", "").strip(), mail_fault, MAIL_FORM),
    ]


def live_problems(environ: Mapping[str, str], simulator: str) -> list[Problem]:
    """The addresses of platforms that are none, or the simulator's: a live account must never reach it (I-20).

    A file server's address is no web address: FTP never leads to the simulator.
    """
    found: list[Problem] = []
    if web_fault(simulator, WEB_SCHEMES, path=True):
        # Its own reader refuses it.
        return found
    for name in (f"{key.upper()}_{what}" for key in adapter_names() for what in ("BASE_URL", "DROP_URL")):
        address = environ.get(name, "").strip()
        if address.startswith(("ftp://", "ftps://")) and name.endswith("_DROP_URL"):
            if not _has_host(address):
                found.append(Problem(name, "is no address of a file server", "Write it as ftp://host:port/file."))
            continue
        try:
            fault = "is the simulator's address" if address and same_place(address, simulator) else ""
        except ValueError as error:
            fault = f"is not usable: {error}".rstrip(".")
        if fault:
            found.append(Problem(name, fault, "Give the platform's own address, or leave it unset."))
    return found


def _has_host(address: str) -> bool:
    """Whether an address names a host, and no port that is none."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def production_demands(environ: Mapping[str, str]) -> None:
    """Raises ImproperlyConfigured that names every unsafe variable and its remedy."""
    simulator = environ.get("SIMULATOR_URL", "").strip() or SIMULATOR_ADDRESS
    found = production_problems(environ) + live_problems(environ, simulator)
    if found:
        lines = [f"{problem.name} {problem.fault}. {problem.remedy}" for problem in found]
        raise ImproperlyConfigured("Production does not start:\n  " + "\n  ".join(lines))


def items(text: str) -> list[str]:
    """The parts of a comma list, without blanks."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _secret_key(key: str) -> Iterator[Problem]:
    remedy = f"Set SECRET_KEY to {SECRET_KEY_CHARACTERS} or more random characters."
    if not key:
        yield Problem("SECRET_KEY", "is not set", remedy)
    elif key == INSECURE_SECRET_KEY:
        yield Problem("SECRET_KEY", "is the published default", remedy)
    elif len(key) < SECRET_KEY_CHARACTERS:
        yield Problem("SECRET_KEY", f"is too short ({len(key)} characters)", remedy)


def jwt_key_problems(entries: list[str]) -> Iterator[Problem]:
    """What is wrong with the keys of the API's tokens."""
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


def encryption_key_problems(keys: list[str]) -> Iterator[Problem]:
    """What is wrong with the keys of what is stored encrypted."""
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


def _settings_module(module: str) -> Iterator[Problem]:
    # An operator's own module is his business; the fixed ones of development and tests are not production's.
    if module in {f"seatsync.settings.{name}" for name in ("base", "dev", "test")}:
        remedy = "Leave DJANGO_SETTINGS_MODULE unset: ENVIRONMENT chooses it."
        yield Problem("DJANGO_SETTINGS_MODULE", f"is {module} in production", remedy)


def mail_fault(url: str) -> str | None:
    """What is wrong with a mail server's address."""
    try:
        mail_server(url)
    except ValueError as error:
        return str(error)
    return None


def _address(name: str, url: str, fault_of: Callable[[str], str | None], form: str) -> Iterator[Problem]:
    fault = fault_of(url) if url else "is not set"
    if fault:
        yield Problem(name, fault, f"Set {name} in the form {form}.")
