"""The one sign-in service, behind the pages' forms, the admin's and the API's tokens: it alone decides who enters.

A password, then a second factor where there is one, then `sign_in_finish`; every refusal of a step is counted and kept.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import Q
from django.http import HttpRequest

from seatsync.accounts.models import Membership, User
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.addresses import client_address
from seatsync.core.audit import audit_record
from seatsync.core.errors import SeatSyncError, TooManyRequests
from seatsync.core.limiters import take
from seatsync.tenants.requests import request_tenant

FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS = 5, 20
WINDOW_S = 300.0


class SignInRefused(SeatSyncError):
    """The address or the password is not right; which of the two is never said."""

    status = 401
    code = "sign_in_refused"
    title = "Not signed in"


@dataclass(frozen=True, slots=True)
class Door:
    """Where somebody wants to enter: the tenant, and the network address and id of the request."""

    tenant_id: uuid.UUID
    address: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose password was right, and what is still due before `sign_in_finish`."""

    user: User
    mfa_due: bool
    proof_due: bool


def request_door(request: HttpRequest) -> Door:
    """The door that a request stands at."""
    return Door(request_tenant(request).pk, client_address(request), getattr(request, "request_id", ""))


def _right(user: User | None, password: str) -> bool:
    if user is None:
        make_password(password)  # as much work as a check, so that the answer takes as long
        return False
    return check_password(password, user.password)


def sign_in(*, door: Door, email: str, password: str, may_prove: bool = False) -> SignedIn:
    """Check a password. Raises SignInRefused (always the same words) or TooManyRequests after too many failures.

    With `may_prove` an address that is not proved yet does not refuse: the caller goes on to have it proved.
    """
    lockout_take(email=email, address=door.address)
    user = _user(email)
    good = _right(user, password)
    proof_due = user is not None and user.email_verified_at is None
    if user is None or not good or not _belongs(user, door.tenant_id) or (proof_due and not may_prove):
        _refused(door, user, "password" if not good else "entry")
        raise SignInRefused("The mail address or the password is not right.", remedy="Check both and send them again.")
    lockout_give_back(email=email, address=door.address)
    return SignedIn(user, has_mfa(user), proof_due)


def second_factor(*, door: Door, user: User, code: str) -> Authenticator:
    """The factor that this code proves: an app's, or a recovery code. Raises SignInRefused or TooManyRequests."""
    lockout_take(email=user.email, address=door.address)
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    # An app's code is no recovery code, and only the latter is used up by a look.
    for factor in sorted(factors, key=lambda one: one.type != Authenticator.Type.TOTP):
        if factor.wrap().validate_code(code):
            lockout_give_back(email=user.email, address=door.address)
            return factor
    _refused(door, user, "code")
    raise SignInRefused("The code is not right.", field="code", remedy="Use the newest code.")


def sign_in_finish(*, door: Door, user: User) -> None:
    """Let somebody in whose steps are done, and keep it. Raises SignInRefused where the person may not enter here."""
    if not may_enter(user, door.tenant_id):
        _refused(door, user, "entry")
        raise SignInRefused("You cannot enter here.", remedy="Sign in again.")
    audit_record(
        actor=Actor(ActorKind.USER, str(user.pk), door.tenant_id, user.pk, door.request_id), verb="sign_in",
        object_type="user", object_id=user.pk, after={"address": door.address},
    )  # fmt: skip


def may_enter(user: User, tenant_id: uuid.UUID) -> bool:
    """Active, with a verified address and a membership of this tenant, as the tables say now."""
    return _belongs(user, tenant_id) and User.objects.filter(pk=user.pk, email_verified_at__isnull=False).exists()


def has_mfa(user: User) -> bool:
    """Whether the person has a second factor."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def _user(email: str) -> User | None:
    """Whose address this is: the person's own, else a further one that was proved."""
    further = EmailAddress.objects.filter(email__iexact=email.strip(), verified=True).values("user_id")
    found = list(User.objects.filter(Q(email__iexact=email.strip()) | Q(pk__in=further)))
    return min(found, key=lambda user: user.email.lower() != email.strip().lower(), default=None)


def _belongs(user: User, tenant_id: uuid.UUID) -> bool:
    return Membership.objects.filter(user=user, user__is_active=True, tenant_id=tenant_id).exists()


def _refused(door: Door, user: User | None, why: str) -> None:
    # Who tried is not known; it concerns the person whose address was typed.
    audit_record(
        actor=Actor(ActorKind.SYSTEM, "sign_in", door.tenant_id, None, door.request_id), verb="sign_in.refused",
        object_type="user", object_id=user.pk if user else "unknown", subject=user.pk if user else None,
        after={"address": door.address, "why": why},
    )  # fmt: skip


def _buckets(email: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    return (
        (f"sign-in:address:{address}", FAILURES_PER_ADDRESS),
        (f"sign-in:account:{email.strip().lower()}", FAILURES_PER_ACCOUNT),
    )


def lockout_take(*, email: str, address: str) -> None:
    """Count a try against the address and the account before it is judged, so that many at once gain nothing.

    Raises TooManyRequests while too many failures lie behind.
    """
    taken: list[tuple[str, int]] = []
    for bucket, most in _buckets(email, address):
        grant = take(bucket, capacity=most, per_second=most / WINDOW_S)
        if not grant.granted:
            _give_back(taken)
            raise TooManyRequests("Too many failed attempts. Wait a few minutes.", retry_after_s=grant.wait_s)
        taken.append((bucket, most))


def lockout_give_back(*, email: str, address: str) -> None:
    """A try that was no failure does not count."""
    _give_back(_buckets(email, address))


def _give_back(buckets: Iterable[tuple[str, int]]) -> None:
    for bucket, most in buckets:
        take(bucket, capacity=most, per_second=most / WINDOW_S, tokens=-1)
