"""Encryption at rest: Fernet with a rotating key list (first encrypts, all decrypt), and encrypted text columns."""

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEY must be a comma list of Fernet keys (32 bytes, url-safe base64)."
        ) from error


def fernet() -> MultiFernet:
    """The cipher for the keys in ENCRYPTION_KEY; raises ImproperlyConfigured where one is malformed."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """Ciphertext of `text` under the first key."""
    return fernet().encrypt(text.encode()).decode()


def decrypt(ciphertext: str) -> str:
    """Plain text; raises InvalidToken, with what to do, where no key fits."""
    try:
        return fernet().decrypt(ciphertext.encode()).decode()
    except InvalidToken as error:
        raise InvalidToken(
            "No key of ENCRYPTION_KEY opens what is stored. Put the key back that it was encrypted with, behind the "
            "first one, then run manage.py rotate_encryption_key."
        ) from error


def same_secret(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def sha256_hex(*parts: bytes | str) -> str:
    """Hex SHA-256 over the parts, each preceded by its length, so that no two part lists collide."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def new_key() -> str:
    """A fresh Fernet key as text."""
    return Fernet.generate_key().decode()


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """Text that lies encrypted in the database and is plain in Python; it cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in; empty stays empty."""
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """Decrypt on the way out; raises InvalidToken where no key of ENCRYPTION_KEY fits."""
        return decrypt(value) if value else value


__all__ = [
    "EncryptedTextField",
    "InvalidToken",
    "decrypt",
    "encrypt",
    "fernet",
    "new_key",
    "same_secret",
    "sha256_hex",
]
