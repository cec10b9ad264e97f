"""Where a task for one's own hands leads: the game's page there, which SeatSync's own key finds without an account."""

import structlog

from listings.models import Listing
from listings.services.events import event_learn
from marketplaces.errors import MarketplaceError, MustWait
from marketplaces.models import Mode
from marketplaces.registry import adapter_get
from marketplaces.services.links import own_key_link, own_key_searches
from portfolios.selectors import event_mapping_get, event_mapping_undone
from seatsync.core.errors import Busy
from seatsync.core.jobs import enqueue_on_commit

LEARN = "listings.tasks.learn_hand_page"
log = structlog.get_logger()


def hand_page_order(listing: Listing) -> None:
    """Have the game's page found, where it is not known and may be asked for; by a job, once for many listings."""
    if _wanted(listing):
        enqueue_on_commit(LEARN, one_waits=True, game_id=str(listing.game_id), account_id=str(listing.account_id))


def hand_page_learn(listing: Listing) -> bool:
    """Find it and keep it as the game's event there; whether it is known.

    That it cannot be told for certain, or that nobody answers, is nobody's trouble: the task leads to the platform's
    site then, and the next of the game asks again. Raises MustWait.
    """
    if not _wanted(listing):
        return False
    try:
        link = own_key_link(listing.account)
        return bool(event_learn(adapter_get(listing.platform), link, listing.account, listing.game))
    except MustWait:
        raise
    except (MarketplaceError, Busy) as error:
        log.info("hand_page.unknown", platform=listing.platform, game_id=str(listing.game_id), error=str(error))
        return False


def _wanted(listing: Listing) -> bool:
    game, platform = listing.game, listing.platform
    if listing.account.mode != Mode.ASSISTED or not own_key_searches(platform):
        return False
    mapping = event_mapping_get(game, platform, paper=False)
    return not (mapping and mapping.fits) and not event_mapping_undone(game, platform, paper=False)
