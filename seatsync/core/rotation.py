"""Rotating the encryption key: what lies under an older key is encrypted anew under the first one.

Only what ENCRYPTION_KEY itself encrypts is walked over: secrets of accounts, and the keys of subjects, under which
everything else of a person lies. No progress is kept: a row under the first key is done, so that a run that was cut off
is gone on with by the next.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.functions import Cast

from seatsync.core.crypto import EncryptedTextField, fernet
from seatsync.core.models import SubjectKey

BATCH = 500


@dataclass(frozen=True, slots=True)
class Column:
    """A column whose texts are encrypted under ENCRYPTION_KEY."""

    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.name}"


@dataclass(slots=True)
class Rotation:
    """What was found in one column: rows with something in it, those encrypted anew, and those that no key opens.

    `beside`: how many of those encrypted anew lay under a key that is none of ENCRYPTION_KEY.
    """

    column: Column
    rows: int = 0
    old: int = 0
    beside: int = 0
    unreadable: list[str] = field(default_factory=list)


def columns() -> list[Column]:
    """Every such column of the product, by table and name."""
    found = [
        Column(model, item.name)
        for model in apps.get_models()
        for item in model._meta.concrete_fields
        if isinstance(item, EncryptedTextField)
    ]
    return sorted([*found, Column(SubjectKey, "key_encrypted")], key=str)


@dataclass(frozen=True, slots=True)
class _Keys:
    first: Fernet
    known: MultiFernet
    # Opened with, and never encrypted with.
    beside: MultiFernet | None


def keys_rotate(
    *, write: bool = True, batch: int = BATCH, beside: Sequence[str] = (),
    on_batch: Callable[[Rotation], None] = lambda _: None,
) -> list[Rotation]:  # fmt: skip
    """Encrypt anew what is not under the first key (`write` False: only count it). Raises ImproperlyConfigured.

    `beside`: keys that are none of ENCRYPTION_KEY, and with which something may have been encrypted all the same.

    Each row is a transaction: of an account whose grant is being renewed the row is waited for, up to a marketplace's
    answer, and no other account's is held meanwhile. A row that was changed meanwhile is left alone: its writer used
    the first key. `batch`: how many are read at a time.
    """
    known = fernet()  # names a malformed key before anything is touched
    others = MultiFernet([Fernet(key) for key in beside]) if beside else None
    keys = _Keys(Fernet(settings.ENCRYPTION_KEYS[0]), known, others)
    found = []
    for column in columns():
        rotation = Rotation(column)
        found.append(rotation)
        for rows in _batches(column, batch):
            for pk, text in rows:
                _renew(rotation, pk, text, keys, write=write)
            on_batch(rotation)
    return found


def _renew(rotation: Rotation, pk: Any, text: str, keys: _Keys, *, write: bool) -> None:
    rotation.rows += 1
    if _opened(keys.first, text) is not None:
        return
    plain = _opened(keys.known, text)
    if plain is None and keys.beside is not None:
        plain = _opened(keys.beside, text)
        rotation.beside += plain is not None
    if plain is None:
        rotation.unreadable.append(str(pk))
        return
    rotation.old += 1
    if write:
        # As it is: the field itself would encrypt it once more.
        renewed = keys.first.encrypt(plain).decode()
        as_it_is = models.Value(renewed, output_field=models.TextField())
        _raw(rotation.column).filter(pk=pk, ciphertext=text).update(**{rotation.column.name: as_it_is})


def _opened(cipher: Fernet | MultiFernet, text: str) -> bytes | None:
    try:
        return cipher.decrypt(text)
    except InvalidToken:
        return None


def _batches(column: Column, size: int) -> Iterator[list[tuple[Any, str]]]:
    last = uuid.UUID(int=0)
    while rows := list(_raw(column).filter(pk__gt=last).order_by("pk").values_list("pk", "ciphertext")[:size]):
        last = rows[-1][0]
        yield [(pk, text) for pk, text in rows if text]


def _raw(column: Column) -> models.QuerySet[Any]:
    """The table's rows with the column's text as it lies in the database."""
    return column.model._base_manager.annotate(ciphertext=Cast(models.F(column.name), models.TextField()))
