"""`manage.py drain_holder EMAIL --why erasure|downgrade|dunning`: everything that a person sells comes down first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplaces.models import MarketplaceAccount
from seatsync.accounts.models import User
from seatsync.accounts.services.leaving import WHYS, holder_leave
from seatsync.core.actors import Actor


class Command(BaseCommand):
    """Begins the drain of all of one person's accounts; jobs carry it out, and open sales stay deliverable and paid."""

    help = "Take down all that a person sells, before he is erased, downgraded or no longer served."

    def add_arguments(self, parser: CommandParser) -> None:
        """The person, and why."""
        parser.add_argument("email")
        parser.add_argument("--why", required=True, choices=[one.value for one in WHYS])

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints how many accounts are being drained by now; raises CommandError for an unknown address."""
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"No user has the address {options['email']}. Look at the users in the admin.")
        holder_leave(actor=Actor.system(name="drain_holder"), user_id=user.pk, why=options["why"])
        drained = MarketplaceAccount.objects.filter(user=user).exclude(closing_at=None).count()
        self.stdout.write(
            f"{drained} account{'' if drained == 1 else 's'} of {user.email} being drained ({options['why']})."
        )
