"""Bytes under a person's own key: nobody can read them any more once that key is destroyed."""

import uuid

from seatsync.core.audit import subject_cipher


def subject_seal(subject: uuid.UUID, *parts: bytes) -> list[bytes]:
    """Ciphertexts of `parts` under the subject's key; empty ones once it was destroyed, so nothing lies open."""
    cipher = subject_cipher(subject)
    return [cipher.encrypt(part) if cipher else b"" for part in parts]


def subject_unseal(subject: uuid.UUID, sealed: bytes | memoryview) -> bytes | None:
    """The bytes as they came; None where the subject's key was destroyed. Raises InvalidToken for another's."""
    cipher = subject_cipher(subject)
    if cipher is None or not sealed:
        return None
    return cipher.decrypt(bytes(sealed))
