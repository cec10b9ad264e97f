"""Locks of users and their sign-ins."""

import uuid

from seatsync.accounts.models import RefreshFamily, User
from seatsync.core.locks import Level, lock_announce


def user_lock(user_id: uuid.UUID) -> User | None:
    """Lock a user and read him fresh; None for an unknown id."""
    lock_announce(Level.PEOPLE)
    return User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user_id).first()


def refresh_family_lock(family_id: str) -> RefreshFamily | None:
    """Lock a sign-in and read it fresh; None for an unknown id."""
    lock_announce(Level.PEOPLE)
    return RefreshFamily.objects.select_for_update(of=("self",), no_key=True).filter(pk=family_id).first()
