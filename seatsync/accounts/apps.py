"""People: users, memberships, sign-in, tokens."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Django app of the user tables; fills live's address port."""

    name = "seatsync.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Tell live how to find a user's mail address (live knows users by id only)."""
        from seatsync.accounts.selectors import user_email
        from seatsync.live.ports import addresses

        addresses.fill(user_email)
