"""What a price would bring on each account, before anything is listed: as its marketplace says, else by the fee table.

Beside it stands what a price must keep to there (I-12). Both are asked while somebody types a price, so they are only
asked where that costs no wait: with a token that is there, a grant that stands, and for a moment at most. Whoever did
not answer is left alone for a while.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

import structlog
from django.core.cache import cache
from redis import RedisError

from listings.models import Listing, ListingSeat, ListingStatus, SplitType
from listings.services.delivery_terms import promise, terms_of
from listings.services.event_bounds import LEFT_ALONE_S, event_bounds_ask, left_alone
from listings.services.execute import draft_without_tickets
from listings.services.publish import listing_new
from marketplaces.bounds import bounds_of_all
from marketplaces.contracts import Capability, Draft, Preview
from marketplaces.errors import MarketplaceError, MustWait, PriceRefused, TemporaryError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, platform_can
from marketplaces.selectors import Net, NetBasis, nets_by_fee
from marketplaces.services.links import link_standing
from portfolios.models import Game, Seat
from portfolios.selectors import event_mapping_get, section_mapping_get, ticket_sellers
from portfolios.services.ledger import seats_for
from seatsync.core.actors import Actor
from seatsync.core.http import calls_within

# How long one marketplace may take for an answer, and how long that stands.
ASK_WITHIN_S, KEPT_S = 1.0, 300
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
    sellers, game, currency = ticket_sellers(seats[0].season_ticket), seats[0].game, seats[0].currency
    told = [
        _told(line, seats, price) if line.account.user_id in sellers else line for line in nets_bounded(lines, game)
    ]
    known = _known_of_refused([line for line in told if line.basis in _RECKONED], seats, price)
    told = [known.get(line.account.pk, line) for line in told]
    return [replace(line, outside=_outside(line, price, currency)) for line in nets_bounded(told, game)]


_RECKONED = (NetBasis.FEES, NetBasis.UNTOLD)


def _known_of_refused(lines: Sequence[Net], seats: Sequence[Seat], price: Decimal) -> dict[uuid.UUID, Net]:
    """What a marketplace that tells nothing now said of this price when a listing of these seats was refused for it."""
    accounts = {line.account.pk: line.account for line in lines}
    offers = ListingSeat.objects.filter(seat__in=seats, offered=True).values("listing")
    refused = Listing.objects.filter(
        pk__in=offers, account__in=accounts, price=price, net_told_price=price, status=ListingStatus.ERROR,
        quantity=len(seats),
    )  # fmt: skip
    return {
        one.account_id: Net(
            accounts[one.account_id], price, one.proceeds, NetBasis.PREVIEW, told_at=one.net_previewed_at
        )
        for one in refused.order_by("net_told_at")
    }


def _outside(line: Net, price: Decimal, currency: str) -> str:
    """Why nothing is listed over an account at this price, as far as is known before (I-12)."""
    if line.bounds is None:
        return ""
    of_currency = line.bounds.currency_problem(currency)
    if of_currency is not None:
        return f"{of_currency.detail} {of_currency.remedy}"
    problem = line.bounds.event_problem(price, currency) or line.bounds.least_problem(price, currency)
    return problem.detail if problem is not None else ""


def nets_bounded(lines: Sequence[Net], game: Game) -> list[Net]:
    """The same, each with what a price for this game must keep to there."""
    known = bounds_of_all((game, line.account.platform, line.account.paper) for line in lines)
    return [replace(line, bounds=known[game.pk, line.account.platform, line.account.paper]) for line in lines]


def _told(line: Net, seats: list[Seat], price: Decimal) -> Net:
    account = line.account
    if account.mode == Mode.ASSISTED or not platform_can(account.platform, Capability.PREVIEW):
        return line
    if line.bounds is not None and line.bounds.currency_problem(seats[0].currency) is not None:
        return line
    known, asked = line.bounds, line.bounds is None or not line.bounds.stands
    try:
        draft = _draft(account, seats, price)
        if asked:
            _bounds_ask(account, draft)
        preview = _preview(account, draft)
    except PriceRefused as error:
        if not asked and known is not None and not known.event_outside(draft.price, draft.currency):
            # By what was told before it would be taken.
            _bounds_ask(account, draft)
        # A net that is reckoned would say that it can be listed so.
        return Net(account, price, None, NetBasis.REFUSED, refusal=str(error))
    except (MarketplaceError, RedisError) as error:
        log.info("net.not_told", account_id=str(account.pk), platform=account.platform, error=str(error))
        return line
    if preview is None or not 0 <= preview.proceeds <= price:
        return line
    return Net(account, price, preview.proceeds, NetBasis.PREVIEW, all_in=preview.all_in)


def _bounds_ask(account: MarketplaceAccount, draft: Draft) -> None:
    """Have the event's bounds told, where that costs no wait."""
    try:
        link = link_standing(account)
    except MarketplaceError:
        return
    if link is not None:
        event_bounds_ask(adapter_get(account.platform), link, account, draft, within_s=ASK_WITHIN_S)


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
    adapter, alone = adapter_get(account.platform), left_alone(account)
    question = (draft.event_id, draft.section, draft.row, draft.seats, draft.price, draft.delivery, draft.in_hand_at)
    key = f"net:{account.pk}:{sha256(repr(question).encode()).hexdigest()}"
    known: Preview | str | None = cache.get(key)
    if isinstance(known, str):
        raise PriceRefused(known)
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
    except PriceRefused as error:
        cache.set(key, str(error), KEPT_S)
        raise
    except MustWait:
        # It may be asked again as soon as there is a token.
        return None
    except TemporaryError:
        cache.set(alone, True, LEFT_ALONE_S)
        raise
    cache.set(key, told, KEPT_S)
    return told
