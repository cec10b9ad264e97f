"""`manage.py create_staff EMAIL`: a staff user with a second factor, printed once."""

import getpass
import os
import warnings
from base64 import b32encode
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from seatsync.accounts.models import User


class Command(BaseCommand):
    """The password comes from SEATSYNC_STAFF_PASSWORD or is asked for; the authenticator's address is printed."""

    help = "Create a staff user for the admin, with an authenticator to scan."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
        except ValidationError as error:
            raise CommandError(f"{options['email']!r} is no mail address. Give one like name@example.com.") from error
        if User.objects.filter(email__iexact=options["email"]).exists():
            raise CommandError(f"{options['email']} has an account already. Choose another address.")
        password = os.environ.get("SEATSYNC_STAFF_PASSWORD") or self._asked()
        if len(password) < 10:
            raise CommandError("The password is shorter than 10 characters. Choose a longer one.")
        with transaction.atomic():
            device = self._made(options["email"], password)
        self.stdout.write(f"Scan this with an authenticator app: {device.config_url}")

    @staticmethod
    def _made(email: str, password: str) -> TOTPDevice:
        user = User.objects.create_superuser(email, password)
        device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
        # One entry in the app for every door: the admin's, the pages' and the API's.
        TOTP.activate(user, b32encode(device.bin_key).decode())
        return device

    @staticmethod
    def _asked() -> str:
        try:
            with warnings.catch_warnings():
                # Without a terminal getpass warns, and would show or wait for what is typed.
                warnings.simplefilter("error", getpass.GetPassWarning)
                return getpass.getpass("Password: ")
        except (EOFError, getpass.GetPassWarning) as error:
            raise CommandError(
                "There is no terminal to ask for the password. Run it in one, or set SEATSYNC_STAFF_PASSWORD."
            ) from error
