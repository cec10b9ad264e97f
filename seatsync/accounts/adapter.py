"""How allauth works here: it makes a user and a membership of the page's tenant, and the sign-in service decides."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth import authenticate
from django.contrib.sites.requests import RequestSite
from django.http import HttpRequest

from seatsync.accounts.models import Membership, User
from seatsync.accounts.services.sign_in import SignInRefused, request_door, sign_in, sign_in_finish
from seatsync.core.addresses import client_address
from seatsync.core.clock import now
from seatsync.core.errors import TooManyRequests
from seatsync.tenants.requests import request_tenant


class MfaAdapter(DefaultMFAAdapter):
    """Refusals of a second factor say what to do."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right. Type the one that your app shows now, or a recovery code.",
    }


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up makes a membership of the host's tenant."""

    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_code": "This code is not right. Type the one of the newest mail, or ask for another.",
        "incorrect_password": "This password is not right. Type it again, or have it reset.",
    }

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save the user and, where it commits, the membership."""
        saved: User = super().save_user(request, user, form, commit=commit)
        if commit:
            Membership.objects.get_or_create(user=saved, tenant_id=request_tenant(request).pk)
        return saved

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Whose password this is, by the sign-in service, whose counter stands in for allauth's own."""
        try:
            return authenticate(request, **credentials)
        except TooManyRequests as error:
            raise self.validation_error("too_many_login_attempts") from error

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether somebody who is in knows the password; counted as at the door."""
        try:
            return sign_in(door=request_door(context.request), email=user.email, password=password).user.pk == user.pk
        except SignInRefused:
            return False
        except TooManyRequests as error:
            raise self.validation_error("too_many_login_attempts") from error

    def get_login_stages(self) -> list[str]:
        """The library's steps; whether the address is proved is asked where the API asks it."""
        ours = {"allauth.account.stages.EmailVerificationStage": "seatsync.accounts.forms.ProofStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def login(self, request: HttpRequest, user: User) -> None:
        """The last step of every way in: raises SignInRefused where the person may not enter this tenant."""
        sign_in_finish(door=request_door(request), user=user)
        super().login(request, user)

    def format_email_subject(self, subject: str) -> str:
        """The subject under the tenant's name; allauth's own is the host's, as nobody knows us by it."""
        return f"[{request_tenant(self.request).name}] {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails greet in the tenant's name, and still say at which address something was asked for."""
        site = RequestSite(self.request)
        site.name = request_tenant(self.request).name
        super().send_mail(template_prefix, email, {**context, "current_site": site})

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that allauth's limits count by: the client's, not the proxy's."""
        return client_address(request)

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Note on the user that the address was proved; a changed address must be proved again."""
        confirmed = bool(super().confirm_email(request, email_address))
        if confirmed:
            User.objects.filter(pk=email_address.user_id).update(email_verified_at=now())
        return confirmed
