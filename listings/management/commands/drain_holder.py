"""`manage.py drain_holder EMAIL --why erasure|downgrade|dunning [--tenant SLUG]`: what he sells comes down first."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplaces.models import MarketplaceAccount
from seatsync.accounts.models import User
from seatsync.accounts.services.leaving import WHYS, holder_leave
from seatsync.core.actors import Actor
from seatsync.tenants.models import Tenant


class Command(BaseCommand):
    """Begins the drain of one person's accounts, of all tenants or of one; jobs carry it out.

    Open sales stay deliverable and paid.
    """

    help = "Take down all that a person sells, before he is erased, downgraded or no longer served."

    def add_arguments(self, parser: CommandParser) -> None:
        """The person, why, and which tenant."""
        parser.add_argument("email")
        parser.add_argument("--why", required=True, choices=[one.value for one in WHYS])
        parser.add_argument("--tenant", default="", help="The slug of the tenant that he leaves; without it, all.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints how many accounts are being drained by now; raises CommandError for an unknown address or tenant."""
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"No user has the address {options['email']}. Look at the users in the admin.")
        tenant, accounts, where = None, MarketplaceAccount.objects.filter(user=user), ""
        if options["tenant"]:
            tenant = Tenant.objects.filter(slug=options["tenant"], memberships__user=user).first()
            if tenant is None:
                raise CommandError(f"{user.email} is in no tenant {options['tenant']!r}. Look at the memberships.")
            accounts, where = accounts.filter(tenant=tenant), f" in {tenant.slug}"
        holder_leave(
            actor=Actor.system(name="drain_holder"), user_id=user.pk, why=options["why"],
            tenant_id=tenant.pk if tenant else None,
        )  # fmt: skip
        drained = accounts.exclude(closing_at=None).count()
        self.stdout.write(
            f"{drained} account{'' if drained == 1 else 's'} of {user.email}{where} being drained ({options['why']})."
        )
