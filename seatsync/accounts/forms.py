"""Input of the settings pages, and the steps of a sign-in on a page or in the admin."""

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django_otp.admin import OTPAdminAuthenticationForm

from seatsync.accounts.models import User
from seatsync.accounts.services.profile import PHONE, PHONE_REMEDY
from seatsync.accounts.services.sign_in import (
    Door,
    SignInRefused,
    lockout_take,
    request_door,
    second_factor,
    sign_in_finish,
)
from seatsync.core.errors import TooManyRequests
from seatsync.core.forms import Form

if TYPE_CHECKING:
    _AdminForm = AdminAuthenticationForm
else:
    _AdminForm = object


class ProfileForm(Form):
    """Name and phone."""

    full_name = forms.CharField(label="Name", max_length=150, required=False)
    phone = forms.RegexField(
        PHONE,
        label="Phone",
        required=False,
        max_length=20,
        help_text="For marketplaces that ask for one. With country code.",
        error_messages={"invalid": PHONE_REMEDY},
    )


class ProofStage(EmailVerificationStage):
    """Has an address proved by code where the user's is not; allauth's own table of addresses follows."""

    def handle(self) -> tuple[Any, bool]:
        """Nothing to do, or the page that asks for the code."""
        user = self.login.user
        if user is not None:
            if User.objects.filter(pk=user.pk, email_verified_at__isnull=False).exists():
                return None, True
            # Else allauth would call it proved and ask for nothing.
            EmailAddress.objects.filter(user=user).update(verified=False)
        found: tuple[Any, bool] = super().handle()
        return found


class _ByService:
    """The sign-in service says whether a code is right."""

    user: User
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        """The code, and the factor that it proves."""
        code = str(self.cleaned_data["code"])
        try:
            self.authenticator = second_factor(door=request_door(context.request), user=self.user, code=code)
        except TooManyRequests as error:
            raise get_adapter().validation_error("too_many_login_attempts") from error
        except SignInRefused as error:
            raise ValidationError(error.words) from error
        return code


class CodeForm(_ByService, AuthenticateForm):
    """The second factor of a sign-in."""


class CodeAgainForm(_ByService, ReauthenticateForm):
    """The second factor of somebody who is in."""


class _StaffDoor(_AdminForm):
    """The admin's sign-in: what it asks for, and then what the sign-in service says."""

    def door(self) -> Door:
        """The door of the form's request."""
        if self.request is None:
            raise TypeError("nobody enters without a request")
        return request_door(self.request)

    def clean(self) -> dict[str, Any]:
        """What was typed, once the person may enter."""
        door = self.door()
        try:
            cleaned: dict[str, Any] = super().clean()
            user = self.get_user()
            if isinstance(user, User):
                sign_in_finish(door=door, user=user)
        except TooManyRequests as error:
            raise ValidationError(error.words) from error
        except SignInRefused as error:
            raise self.get_invalid_login_error() from error
        return cleaned


class StaffForm(_StaffDoor, AdminAuthenticationForm):
    """By password alone."""


class StaffCodeForm(_StaffDoor, OTPAdminAuthenticationForm):
    """By password and the code of a device."""

    def clean_otp(self, user: User) -> None:
        """Count a wrong code as a wrong password is counted."""
        try:
            super().clean_otp(user)
        except ValidationError as error:
            if error.code == "invalid_token":
                lockout_take(email=user.email, address=self.door().address)
            raise
