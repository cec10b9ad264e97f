"""Django's way to a password check, which pages and the admin take: the sign-in service decides."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from seatsync.accounts.models import User
from seatsync.accounts.services.sign_in import SignInRefused, request_door, sign_in


class SignInBackend(ModelBackend):
    """Asks the sign-in service; permissions and sessions are Django's own."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        """The user, whose further steps the caller takes; None where the service refuses. Raises TooManyRequests."""
        email = credentials.get("email") or username
        # Outside a request there is no tenant to enter.
        if request is None or not email or not password:
            return None
        try:
            return sign_in(door=request_door(request), email=email, password=password, may_prove=True).user
        except SignInRefused:
            return None
