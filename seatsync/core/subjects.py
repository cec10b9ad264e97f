"""Bytes under a person's own key: nobody can read them any more once that key is destroyed."""

import uuid
from collections.abc import Callable, Iterable

from cryptography.fernet import Fernet

from seatsync.core.audit import subject_cipher, subject_ciphers

# `subject_unseal`, or what does the same with keys that were read before.
Unseal = Callable[[uuid.UUID, bytes | memoryview], bytes | None]


def subject_seal(subject: uuid.UUID, *parts: bytes) -> list[bytes]:
    """Ciphertexts of `parts` under the subject's key; empty ones once it was destroyed, so nothing lies open."""
    cipher = subject_cipher(subject)
    return [cipher.encrypt(part) if cipher else b"" for part in parts]


def subject_unseal(subject: uuid.UUID, sealed: bytes | memoryview) -> bytes | None:
    """The bytes as they came; None where the subject's key was destroyed. Raises InvalidToken for another's."""
    return _opened(subject_cipher(subject), sealed)


class SubjectKeys:
    """Several people's keys, read together: what lies under them is opened without asking again."""

    def __init__(self, subjects: Iterable[uuid.UUID]) -> None:
        self._ciphers = subject_ciphers(subjects)

    def __contains__(self, subject: uuid.UUID) -> bool:
        return subject in self._ciphers

    def unseal(self, subject: uuid.UUID, sealed: bytes | memoryview) -> bytes | None:
        """As `subject_unseal`."""
        return _opened(self._ciphers.get(subject), sealed)


def _opened(cipher: Fernet | None, sealed: bytes | memoryview) -> bytes | None:
    return None if cipher is None or not sealed else cipher.decrypt(bytes(sealed))
