"""Reading users: the actor behind a request, and a user's mail address."""

import uuid
from typing import cast

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from seatsync.accounts.models import LEAVING_BARS, Leaving, LeavingWhy, Membership, Role, User
from seatsync.core.actors import Actor, ActorKind
from seatsync.tenants.requests import request_tenant


def user_email(user_id: uuid.UUID) -> str | None:
    """The verified address of an active user, else None."""
    return (
        User.objects.filter(pk=user_id, is_active=True, email_verified_at__isnull=False)
        .values_list("email", flat=True)
        .first()
    )


def leaving_barring(user_id: uuid.UUID, tenant_id: uuid.UUID) -> Leaving | None:
    """Why a person may connect no account in a tenant: he is to be erased, or did not pay; None where nothing bars him.

    What he leaves another tenant for bars him there alone.
    """
    barring = Leaving.objects.filter(user_id=user_id, ended_at=None, why__in=LEAVING_BARS)
    return barring.filter(Q(tenant=None) | Q(tenant_id=tenant_id)).order_by("created_at").first()


def leaving_erased(user_id: uuid.UUID, tenant_id: uuid.UUID) -> bool:
    """Whether a person is to be erased, whole or out of this tenant."""
    erased = Leaving.objects.filter(user_id=user_id, ended_at=None, why=LeavingWhy.ERASURE)
    return erased.filter(Q(tenant=None) | Q(tenant_id=tenant_id)).exists()


def leaves_for(why: str, *, user: str, tenant: str) -> Exists:
    """Whether a row's person leaves its tenant, or all, for this; `user` and `tenant` name the row's columns."""
    leaving = Leaving.objects.filter(user_id=OuterRef(user), why=why, ended_at=None)
    return Exists(leaving.filter(Q(tenant=None) | Q(tenant_id=OuterRef(tenant))))


def actor_for(user: User, tenant_id: uuid.UUID, request_id: str = "") -> Actor:
    """The actor a signed-in person is in this tenant: staff, holder, or nobody where there is no membership."""
    role = Membership.objects.filter(user=user, tenant_id=tenant_id).values_list("role", flat=True).first()
    if user.is_staff or role in {Role.SUPPORT, Role.MANAGER}:
        return Actor(ActorKind.STAFF, str(user.pk), tenant_id, user.pk, request_id)
    return Actor(ActorKind.USER, str(user.pk), tenant_id if role else None, user.pk, request_id)


class _ActedRequest(HttpRequest):
    _seatsync_actor: Actor


def request_actor(request: HttpRequest) -> Actor:
    """The actor behind a page request (kept on the request). The view must require sign-in."""
    cached = getattr(request, "_seatsync_actor", None)
    if isinstance(cached, Actor):
        return cached
    user = request.user
    if not isinstance(user, User):
        raise TypeError("request_actor needs a signed-in user")
    actor = actor_for(user, request_tenant(request).pk, getattr(request, "request_id", ""))
    cast(_ActedRequest, request)._seatsync_actor = actor
    return actor


def staff_ids(tenant_id: uuid.UUID) -> list[uuid.UUID]:
    """The active members who support this tenant's holders: support, managers, and platform staff among them."""
    roles = [Role.SUPPORT, Role.MANAGER]
    members = Membership.objects.filter(tenant_id=tenant_id, user__is_active=True)
    people = members.filter(Q(role__in=roles) | Q(user__is_staff=True)).order_by("user_id")
    return list(people.values_list("user_id", flat=True))


def platform_staff_ids() -> list[uuid.UUID]:
    """The active people who run the platform, and alone may know of more than one tenant."""
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("pk").values_list("pk", flat=True))


def is_platform_staff(actor: Actor) -> bool:
    """Whether the actor runs the platform, and may act on more than one tenant; a tenant's own support may not."""
    if actor.kind is ActorKind.SYSTEM:
        return True
    if not actor.is_staff or actor.user_id is None:
        return False
    return User.objects.filter(pk=actor.user_id, is_staff=True, is_active=True).exists()
