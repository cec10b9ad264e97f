"""What a price would bring on each account, before anything is listed: as its marketplace says, else by the fee table.

It is asked while somebody types a price, so it is only asked where that costs no wait: with a token that is there, a
grant that stands, and for a moment at most. Whoever did not answer is left alone for a while.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

import structlog
from django.core.cache import cache
from redis import RedisError

from listings.models import SplitType
from listings.services.delivery_terms import promise, terms_of
from listings.services.execute import draft_without_tickets
from listings.services.publish import listing_new
from marketplaces.contracts import Capability, Draft, Preview
from marketplaces.errors import MarketplaceError, MustWait, PriceRefused, TemporaryError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, platform_can
from marketplaces.selectors import Net, NetBasis, nets_by_fee
from marketplaces.services.links import link_standing
from portfolios.models import Seat
from portfolios.selectors import event_mapping_get, section_mapping_get, ticket_sellers
from portfolios.services.ledger import seats_for
from seatsync.core.actors import Actor
from seatsync.core.http import calls_within

# How long one marketplace may take, how long its answer stands, and how long one that did not answer is not asked.
ASK_WITHIN_S, KEPT_S, LEFT_ALONE_S = 1.0, 300, 30
log = structlog.get_logger(__name__)


def nets_preview(
    *, actor: Actor, accounts: Sequence[MarketplaceAccount], price: Decimal | None, seat_ids: Sequence[uuid.UUID] = ()
) -> list[Net]:
    """What a ticket of these seats at this price would bring over each account, in their order.

    Without seats side by side of one game, or a price, nobody is asked. Raises NotFound or NotAllowed for seats that
    are not the actor's to list. No transaction may be open.
    """
    lines = nets_by_fee(accounts, price)
    if price is None or not seat_ids:
        return lines
    seats = seats_for(actor, seat_ids, verb="list")
    if len({(seat.season_ticket_id, seat.game_id, seat.section, seat.row) for seat in seats}) != 1:
        return lines
    sellers = ticket_sellers(seats[0].season_ticket)
    return [_told(line, seats, price) if line.account.user_id in sellers else line for line in lines]


def _told(line: Net, seats: list[Seat], price: Decimal) -> Net:
    account = line.account
    if account.mode == Mode.ASSISTED or not platform_can(account.platform, Capability.PREVIEW):
        return line
    try:
        preview = _preview(account, _draft(account, seats, price))
    except PriceRefused as error:
        # A net that is reckoned would say that it can be listed so.
        return Net(account, price, None, NetBasis.REFUSED, refusal=str(error))
    except (MarketplaceError, RedisError) as error:
        log.info("net.not_told", account_id=str(account.pk), platform=account.platform, error=str(error))
        return line
    if preview is None or not 0 <= preview.proceeds <= price:
        return line
    return Net(account, price, preview.proceeds, NetBasis.PREVIEW, all_in=preview.all_in)


def _draft(account: MarketplaceAccount, seats: list[Seat], price: Decimal) -> Draft:
    """The seats as they would be listed; without an event of theirs there the marketplace goes by their words."""
    first = seats[0]
    game, paper, platform = first.game, account.paper, account.platform
    listing = listing_new(account, seats, game, price, price, price, SplitType.ANY, "list")
    promise(listing, terms_of(first.season_ticket))
    mapping = event_mapping_get(game, platform, paper=paper)
    event_id = mapping.remote_event_id if mapping is not None and mapping.fits else ""
    section = section_mapping_get(game.venue, first.section, platform, paper=paper)
    draft = draft_without_tickets(listing, event_id, [seat.seat_number for seat in seats])
    return replace(draft, section=section.remote_section if section is not None else first.section)


def _preview(account: MarketplaceAccount, draft: Draft) -> Preview | None:
    """Its marketplace's answer, or the one that it gave a moment ago; None where it is not asked now.

    Raises MarketplaceError or RedisError.
    """
    adapter, alone = adapter_get(account.platform), f"net-alone:{account.pk}"
    question = (draft.event_id, draft.section, draft.row, draft.seats, draft.price, draft.delivery, draft.in_hand_at)
    key = f"net:{account.pk}:{sha256(repr(question).encode()).hexdigest()}"
    known: Preview | None = cache.get(key)
    if known is not None:
        return known
    if draft.delivery not in adapter.traits.deliveries or cache.get(alone) is not None:
        return None
    link = link_standing(account)
    if link is None:
        return None
    try:
        with calls_within(ASK_WITHIN_S):
            told = adapter.preview(link, draft)
    except MustWait:
        # It may be asked again as soon as there is a token.
        return None
    except TemporaryError:
        cache.set(alone, True, LEFT_ALONE_S)
        raise
    cache.set(key, told, KEPT_S)
    return told
