"""A person's own profile."""

import re
import uuid

from django.core.exceptions import ValidationError
from django.db import transaction

from seatsync.accounts.locks import user_lock
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import FieldProblem, InvalidInput, NotFound

PHONE = r"^\+?[0-9 ()-]{6,20}$"
PHONE_REMEDY = "Write the number like +1 206 555 0123."


@transaction.atomic
def profile_update(*, actor: Actor, full_name: str, phone: str) -> User:
    """Set the actor's own name and phone; a new number loses its verification. Raises NotFound or InvalidInput."""
    user = user_lock(actor.user_id or uuid.UUID(int=0))
    if user is None:
        raise NotFound("No such person.")
    if phone and re.fullmatch(PHONE, phone) is None:
        raise InvalidInput(f"{phone!r} is not a phone number.", field="phone", remedy=PHONE_REMEDY)
    changed = [name for name, value in (("full_name", full_name), ("phone", phone)) if getattr(user, name) != value]
    if "phone" in changed:
        user.phone_verified_at = None
    user.full_name, user.phone = full_name, phone
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        problems = tuple(
            FieldProblem(name, " ".join(texts), "Mend it and save again.") for name, texts in error.message_dict.items()
        )
        raise InvalidInput("The profile was not saved.", problems=problems) from error
    user.save(update_fields=["full_name", "phone", "phone_verified_at", "updated_at"])
    audit_record(actor=actor, verb="profile.update", object_type="user", object_id=user.pk, after={"changed": changed})
    return user
