"""`manage.py create_staff EMAIL`: a staff user with a second factor, printed once."""

import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_otp.plugins.otp_totp.models import TOTPDevice

from seatsync.accounts.models import Membership, Role, User
from seatsync.core.clock import now
from seatsync.tenants.selectors import tenant_default


class Command(BaseCommand):
    """The password comes from SEATSYNC_STAFF_PASSWORD or is asked for; the authenticator's address is printed."""

    help = "Create a staff user for the admin, with an authenticator to scan."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(email__iexact=options["email"]).exists():
            raise CommandError(f"{options['email']} has an account already. Choose another address.")
        password = os.environ.get("SEATSYNC_STAFF_PASSWORD") or getpass.getpass("Password: ")
        if len(password) < 10:
            raise CommandError("The password is shorter than 10 characters. Choose a longer one.")
        user = User.objects.create_superuser(options["email"], password, email_verified_at=now())
        Membership.objects.create(user=user, tenant=tenant_default(), role=Role.SUPPORT)
        device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
        self.stdout.write(f"Scan this with an authenticator app: {device.config_url}")
