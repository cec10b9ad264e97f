"""The lease of a command in flight: while it runs nobody else touches the command."""

from datetime import timedelta

from django.conf import settings

from listings.models import CommandState, MarketplaceCommand
from marketplaces.errors import TemporaryError
from seatsync.core.clock import now, seconds_from_now

# Renewing writes a row: not for every item that is read.
_RENEW_AFTER = timedelta(seconds=3)


def lease_seconds() -> float:
    """The total HTTP timeout and five seconds, at most twenty (DESIGN.md 3)."""
    return min(20.0, settings.HTTP_TOTAL_TIMEOUT_S + 5)


def lease_renew(command: MarketplaceCommand) -> None:
    """Say that its worker is alive. Raises TemporaryError where the claim has passed to somebody else."""
    if command.lease_until and command.lease_until - now() > timedelta(seconds=lease_seconds()) - _RENEW_AFTER:
        return
    command.lease_until = seconds_from_now(lease_seconds())
    ours = MarketplaceCommand.objects.filter(pk=command.pk, state=CommandState.IN_FLIGHT, fence=command.fence)
    if not ours.update(lease_until=command.lease_until):
        raise TemporaryError("another worker has this command now")
