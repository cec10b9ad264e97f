"""Users and their memberships. One global login per mail address; what a person may see is per tenant."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower

from seatsync.core.clock import now
from seatsync.core.ids import uuid7
from seatsync.core.models import BaseModel
from seatsync.tenants.models import Tenant


class UserManager(BaseUserManager["User"]):
    """Creates users by mail address, stored lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with this address; without a password none can sign in by one."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        """A user who may do everything in the admin: whoever can make one vouches for the address."""
        fields = {"email_verified_at": now(), **fields, "is_staff": True, "is_superuser": True}
        with transaction.atomic(using=self._db):
            user = self.create_user(email, password, **fields)
            Membership.objects.create(user=user, tenant=Tenant.objects.get(is_default=True), role=Role.SUPPORT)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Look the address up without regard to case."""
        return self.get(email__iexact=username)


class KycStatus(models.TextChoices):
    """How far the identity check has come; live selling needs `approved`."""

    NONE = "none", "not started"
    PENDING = "pending", "in review"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"


class SubscriptionTier(models.TextChoices):
    """What the person pays for."""

    FREE = "free", "Free"
    PRO = "pro", "Pro"
    PREMIUM = "premium", "Premium"


class User(AbstractBaseUser, PermissionsMixin):
    """A person. django-otp sets `is_verified` and `otp_device` on request.user, so no field bears those names."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    full_name = models.CharField(max_length=150, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    kyc_status = models.CharField(max_length=10, choices=KycStatus.choices, default=KycStatus.NONE)
    subscription_tier = models.CharField(max_length=10, choices=SubscriptionTier.choices, default=SubscriptionTier.FREE)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "users"
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="user_email_lower")]

    def __str__(self) -> str:
        return self.email

    @property
    def initials(self) -> str:
        """Up to two letters for the account button."""
        words = self.full_name.split() or [self.email]
        return "".join(word[0] for word in words[:2]).upper()


class Role(models.TextChoices):
    """What a person is in a tenant."""

    HOLDER = "holder", "Season-ticket holder"
    MANAGER = "manager", "Tenant manager"
    SUPPORT = "support", "Support staff"


class Membership(BaseModel):
    """A person's place in one tenant; one per person and tenant."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.HOLDER)
    plan = models.CharField(max_length=40, blank=True)
    consents = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "memberships"
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "tenant"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"


class LeavingWhy(models.TextChoices):
    """Why accounts at marketplaces are given up: each begins with the same drain, and none drops a key before it."""

    DISCONNECT = "disconnect", "its holder gave it up"
    ERASURE = "erasure", "its holder is to be erased"
    DOWNGRADE = "downgrade", "the plan became a smaller one"
    SUSPENSION = "suspension", "selling is suspended"
    DUNNING = "dunning", "the plan was not paid"


# Who leaves for one of these connects no account until it is taken back. How many a smaller plan allows, billing says.
LEAVING_BARS = (LeavingWhy.ERASURE, LeavingWhy.DUNNING)


class Leaving(BaseModel):
    """That a person leaves, and why; in force until it is taken back."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="leavings")
    # The tenant that he leaves; none: he leaves all of them.
    tenant = models.ForeignKey(
        "tenants.Tenant", null=True, blank=True, on_delete=models.PROTECT, related_name="leavings"
    )
    why = models.CharField(max_length=12, choices=LeavingWhy.choices)
    reason = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "leavings"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "tenant", "why"], condition=models.Q(ended_at=None), nulls_distinct=False,
                name="leaving_once",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.user}: {self.get_why_display()}" + (f", in {self.tenant}" if self.tenant else "")


class RefreshFamily(BaseModel):
    """A chain of refresh tokens that began with one sign-in; reuse of an old one revokes the whole family."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE)
    current_jti = models.UUIDField(default=uuid.uuid4, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name_plural = "refresh families"
        db_table = "refresh_families"

    def __str__(self) -> str:
        return f"refresh family of {self.user}"
