"""Scoping: every owned row has a tenant, and every query for a caller goes through `visible_to`."""

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models

from seatsync.core.actors import Actor, ActorKind
from seatsync.core.errors import NotFound

if TYPE_CHECKING:
    import uuid

M = TypeVar("M", bound=models.Model)


Q = TypeVar("Q", bound=models.QuerySet[Any])


def manager_of(rows: type[Q]) -> Q:
    """The manager with a queryset's methods, typed as the queryset: the stubs' own type of it knows none of them."""
    return cast(Q, rows.as_manager())


class OwnedQuerySet(models.QuerySet[M]):
    """A queryset of rows that carry `tenant`; subclasses say who inside the tenant sees a row in `_for_user`."""

    def visible_to(self, actor: Actor) -> Self:
        """Rows this actor may know of. Strangers get an empty set, hence 404."""
        if actor.kind is ActorKind.SYSTEM and actor.tenant_id is None:
            return self
        if actor.tenant_id is None:
            return self.none()
        scoped = self.filter(tenant_id=actor.tenant_id)
        if actor.kind is not ActorKind.USER:
            return scoped
        if actor.user_id is None:
            return self.none()
        return scoped._for_user(actor.user_id)

    def _for_user(self, user_id: "uuid.UUID") -> Self:
        return self.filter(user_id=user_id)

    def get_for(self, actor: Actor, pk: Any) -> M:
        """The visible row with this key; raises NotFound for a stranger's, an unknown or a malformed key."""
        found: M | None
        try:
            found = self.visible_to(actor).filter(pk=pk).first()
        except (ValueError, TypeError, ValidationError):  # a malformed key
            found = None
        if found is None:
            raise NotFound(f"No {self.model._meta.verbose_name} with this id.")
        return found
