"""People: users, memberships, sign-in, tokens."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin


class AccountsConfig(AppConfig):
    """Django app of the user tables; fills live's ports and is the admin's door."""

    name = "seatsync.accounts"
    label = "accounts"
    # Beside the sign-in library's own "Accounts" in the admin.
    verbose_name = "People"

    def ready(self) -> None:
        """Tell live how to find a user's mail address and a request's actor (live knows users by id only)."""
        from seatsync.accounts.forms import StaffCodeForm, StaffForm
        from seatsync.accounts.selectors import request_actor, user_email
        from seatsync.live.ports import address_of, caller_actor

        address_of.fill(user_email)
        caller_actor.fill(request_actor)
        # The site lies in core, which does not know the sign-in service.
        admin.site.login_form = StaffCodeForm if settings.ADMIN_REQUIRES_OTP else StaffForm
