"""People: users, memberships, sign-in, tokens."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Django app of the user tables; fills live's address port."""

    name = "seatsync.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Tell live how to find a user's mail address and a request's actor (live knows users by id only)."""
        from seatsync.accounts.selectors import request_actor, user_email
        from seatsync.live.access import caller_finder_set
        from seatsync.live.ports import addresses

        addresses.fill(user_email)
        caller_finder_set(request_actor)
