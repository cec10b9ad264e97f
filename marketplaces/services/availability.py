"""What clubs have left of their own tickets, where a platform tells it: read now and then, and kept with its time."""

from datetime import timedelta

import structlog
from django.db.models import QuerySet

from marketplaces.contracts import Capability
from marketplaces.errors import MarketplaceError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, adapter_keys, platform_can
from marketplaces.services.links import link_for
from portfolios.models import EventMapping, GameStatus
from portfolios.selectors import seats_sold_by
from portfolios.services.mapping import primary_left_keep
from seatsync.core.clock import now

# Of one round: looked at, and asked. The others come with the next ones.
MOST_ACCOUNTS, MOST_REQUESTS = 500, 50
# As many as one request may name.
MOST_EVENTS = 1000
# What was read this lately is not read again, over whichever account.
READ_EVERY = timedelta(minutes=55)
log = structlog.get_logger(__name__)


def availability_read() -> int:
    """Ask over accounts that can be asked, one request each at most; returns of how many events it was told.

    It is only shown: what cannot be read now is read by a later round, and nobody is told of it.
    """
    able = [key for key in adapter_keys() if platform_can(key, Capability.PRIMARY_LEFT)]
    accounts = MarketplaceAccount.objects.filter(is_active=True, needs_reconnect=False, platform__in=able)
    told, asked = 0, 0
    # By chance, so that nobody's turn is always the last.
    for account in accounts.exclude(mode=Mode.ASSISTED).order_by("?")[:MOST_ACCOUNTS]:
        mappings = list(_due(account)[:MOST_EVENTS])
        if not mappings:
            continue
        asked += 1
        told += _ask(account, mappings)
        if asked == MOST_REQUESTS:
            break
    return told


def _due(account: MarketplaceAccount) -> QuerySet[EventMapping]:
    """The mapped events of the holder's games to come, those longest unread first."""
    own = seats_sold_by(account.user_id, account.tenant_id)
    moment = now()
    to_come = EventMapping.objects.filter(
        platform=account.platform, paper=account.paper, confirmed_at__isnull=False,
        game__in=own.values("game_id"), game__starts_at__gt=moment, game__status=GameStatus.SCHEDULED,
    )  # fmt: skip
    return to_come.exclude(primary_at__gt=moment - READ_EVERY).order_by("primary_at", "pk")


def _ask(account: MarketplaceAccount, mappings: list[EventMapping]) -> int:
    try:
        ids = [mapping.remote_event_id for mapping in mappings]
        left = adapter_get(account.platform).primary_left(link_for(account), ids)
    except MarketplaceError as error:
        # Only authorised clients are told: it is no trouble of the account's.
        log.info("availability.not_told", account_id=str(account.pk), platform=account.platform, error=str(error))
        return 0
    return primary_left_keep(mappings=mappings, left={key: str(value) for key, value in left.items()}, at=now())
