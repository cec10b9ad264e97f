"""API tokens: short access JWTs and rotating refresh tokens in families; reuse of an old one revokes its family."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import transaction

from seatsync.accounts.locks import refresh_family_lock
from seatsync.accounts.models import RefreshFamily, User
from seatsync.accounts.services.sign_in import may_enter
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import SeatSyncError
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise

ALGORITHM = "HS256"
# Where a request carries a token of each kind.
_FIELDS = {"access": "Authorization", "refresh": "refresh", "mfa": "mfa_token"}
_IDS = ("sub", "tid", "fam")
MFA_LIFE = timedelta(minutes=5)


class TokenRefused(SeatSyncError):
    """The token is not good: wrong, old, used before, or revoked."""

    status = 401
    code = "token_refused"
    title = "Not signed in"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token (minutes) and the refresh token (days, single use) that renews it."""

    access: str
    refresh: str
    expires_in_s: int


def _keys() -> list[tuple[str, str]]:
    pairs = [entry.partition(":") for entry in settings.JWT_SECRET_KEYS]
    return [(kid, secret) for kid, _, secret in pairs]


def _encode(claims: dict[str, Any], life: timedelta) -> str:
    kid, secret = _keys()[0]
    moment = now()
    return jwt.encode(
        {**claims, "iat": moment, "exp": moment + life}, secret, algorithm=ALGORITHM, headers={"kid": kid}
    )


def token_decode(token: str, *, kind: str) -> dict[str, Any]:
    """The claims of a good token of this kind; raises TokenRefused."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        secret = dict(_keys()).get(str(kid))
        if secret is None:
            raise _refused(kind, "The token is signed with an unknown key.")
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[ALGORITHM], options={"require": ["exp", "sub", "tid", "typ"]}
        )
    except (jwt.PyJWTError, RecursionError, ValueError) as error:
        raise _refused(kind, "The token is not good.") from error
    if claims["typ"] != kind:
        raise _refused(kind, f"This is no token for {_FIELDS[kind]}.")
    if not all(_is_id(claims[name]) for name in _IDS if name in claims):
        raise _refused(kind, "The token is not good.")
    return claims


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _refused(kind: str, detail: str = "The session has ended.") -> TokenRefused:
    return TokenRefused(detail, field=_FIELDS[kind], remedy="Sign in again.")


def password_mark(user: User) -> str:
    """Changes with the password, so that old tokens end with it."""
    return sha256_hex(user.password)[:16]


def _claims(user: User, tenant_id: uuid.UUID, kind: str) -> dict[str, Any]:
    return {"sub": str(user.pk), "tid": str(tenant_id), "typ": kind, "pwd": password_mark(user)}


def mfa_token(user: User, tenant_id: uuid.UUID) -> str:
    """Proof that the password was right; good for the second step alone, five minutes."""
    return _encode(_claims(user, tenant_id, "mfa"), MFA_LIFE)


def mfa_user(token: str, tenant_id: uuid.UUID) -> User:
    """Who proved the password a moment ago, here; raises TokenRefused where the person or the password has gone."""
    claims = token_decode(token, kind="mfa")
    user = User.objects.filter(pk=claims["sub"], is_active=True).first()
    if user is None or password_mark(user) != claims.get("pwd") or claims["tid"] != str(tenant_id):
        raise _refused("mfa", "The first step has ended.")
    return user


@transaction.atomic
def tokens_issue(user: User, tenant_id: uuid.UUID) -> TokenPair:
    """A new family with its first pair."""
    life = settings.REFRESH_TOKEN_LIFE
    family = RefreshFamily.objects.create(user=user, tenant_id=tenant_id, expires_at=now() + life)
    return _pair(user, family)


def _pair(user: User, family: RefreshFamily) -> TokenPair:
    life: timedelta = settings.ACCESS_TOKEN_LIFE
    left: timedelta = family.expires_at - now()
    family_claims = {"fam": str(family.pk), "jti": str(family.current_jti)}
    refresh = _encode({**_claims(user, family.tenant_id, "refresh"), **family_claims}, left)
    access = _encode({**_claims(user, family.tenant_id, "access"), "fam": str(family.pk)}, life)
    return TokenPair(access, refresh, int(life.total_seconds()))


def tokens_refresh(token: str) -> TokenPair:
    """Trade a refresh token for a new pair. A spent one revokes its whole family and tells the user."""
    claims = token_decode(token, kind="refresh")
    with transaction.atomic():
        family = refresh_family_lock(claims["fam"]) if "fam" in claims else None
        if family is None or family.revoked_at is not None or family.expires_at <= now():
            raise _refused("refresh")
        user = User.objects.filter(pk=family.user_id, is_active=True).first()
        if user is None or not may_enter(user, family.tenant_id) or password_mark(user) != claims.get("pwd"):
            raise _refused("refresh")
        if str(family.current_jti) == claims.get("jti"):
            family.current_jti = uuid.uuid4()
            family.save(update_fields=["current_jti", "updated_at"])
            return _pair(user, family)
    # Outside the transaction above: the revocation must stand although the caller gets an error.
    family_revoke(family, "a refresh token was used twice")
    raise _refused("refresh", "This refresh token was used before. All sessions of that sign-in have ended.")


def family_revoke(family: RefreshFamily, reason: str) -> None:
    """End every token of a sign-in and tell its user."""
    RefreshFamily.objects.filter(pk=family.pk, revoked_at=None).update(revoked_at=now(), revoked_reason=reason[:80])
    alert_raise(
        tenant_id=family.tenant_id,
        user_id=family.user_id,
        kind="account.token_reuse",
        title="A sign-in was ended: its key was used twice",
        body="Somebody else may hold a copy of your key. Change your password if that was not you.",
        severity="critical",
        url=page_link("accounts:settings"),
        dedupe_key=f"token-reuse:{family.pk}",
    )


def access_user(token: str) -> tuple[User, uuid.UUID]:
    """The user and tenant of a good access token; raises TokenRefused."""
    claims = token_decode(token, kind="access")
    user = User.objects.filter(pk=claims["sub"], is_active=True).first()
    if user is None or password_mark(user) != claims.get("pwd"):
        raise _refused("access")
    ended = RefreshFamily.objects.filter(revoked_at__isnull=False)
    if "fam" in claims and ended.filter(pk=claims["fam"]).exists():
        raise _refused("access")
    return user, uuid.UUID(claims["tid"])
