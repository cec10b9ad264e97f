"""The one sign-in service, behind the page's form and the API's tokens: lockout, verified address, membership, MFA."""

import uuid
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import check_password, make_password

from seatsync.accounts.models import Membership, User
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.audit import audit_record
from seatsync.core.errors import SeatSyncError, TooManyRequests
from seatsync.core.limiters import take

FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS = 5, 20
WINDOW_S = 300.0
# Checked where no such user exists, so that the answer takes as long.
_NOBODY = make_password("nobody has this password")


class SignInRefused(SeatSyncError):
    """The address or the password is not right; which of the two is never said."""

    status = 401
    code = "sign_in_refused"
    title = "Not signed in"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and whether a second factor is still due."""

    user: User
    tenant_id: uuid.UUID
    mfa_due: bool


def sign_in(*, email: str, password: str, tenant_id: uuid.UUID, address: str) -> SignedIn:
    """Check a password. Raises SignInRefused (always the same words) or TooManyRequests after too many failures."""
    lockout_check(email=email, address=address)
    user = User.objects.filter(email__iexact=email.strip()).first()
    good = check_password(password, user.password if user else _NOBODY)
    if user is None or not good or not may_enter(user, tenant_id):
        lockout_count(email=email, address=address)
        raise SignInRefused("The mail address or the password is not right.", remedy="Check both and send them again.")
    audit_record(
        actor=Actor(ActorKind.USER, str(user.pk), tenant_id, user.pk), verb="sign_in", object_type="user",
        object_id=user.pk, after={"address": address},
    )  # fmt: skip
    return SignedIn(user, tenant_id, mfa_due=has_mfa(user))


def may_enter(user: User, tenant_id: uuid.UUID) -> bool:
    """Active, with a verified address and a membership of this tenant."""
    member = Membership.objects.filter(user=user, tenant_id=tenant_id).exists()
    return user.is_active and user.email_verified_at is not None and member


def has_mfa(user: User) -> bool:
    """Whether the person has a second factor."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def _buckets(email: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    return (
        (f"sign-in:account:{email.strip().lower()}", FAILURES_PER_ACCOUNT),
        (f"sign-in:address:{address}", FAILURES_PER_ADDRESS),
    )


def lockout_check(*, email: str, address: str) -> None:
    """Raises TooManyRequests while too many failures lie behind; asking costs nothing."""
    for bucket, most in _buckets(email, address):
        grant = take(bucket, capacity=most, per_second=most / WINDOW_S, tokens=0)
        if grant.tokens_left < 1:
            raise TooManyRequests("Too many failed attempts. Wait a few minutes.", retry_after_s=WINDOW_S / most)


def lockout_count(*, email: str, address: str) -> None:
    """Count one failure against the account and the address."""
    for bucket, most in _buckets(email, address):
        take(bucket, capacity=most, per_second=most / WINDOW_S)
