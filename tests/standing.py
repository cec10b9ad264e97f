"""Rows that all tests of a module find, made once: each test's own savepoint lies inside."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker


@contextmanager
def standing(blocker: DjangoDbBlocker) -> Iterator[None]:
    """What is written before the fixture yields stays until its module is through, and never happened afterwards."""
    around = transaction.atomic()
    # As Django's own test cases mark theirs, out of the stubs' sight: what is inside has transactions of its own.
    vars(around)["_from_testcase"] = True
    with blocker.unblock(), around:
        yield
        transaction.set_rollback(True)
