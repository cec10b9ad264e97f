"""Adoption: a listing that was made at its marketplace by hand becomes one of ours, kept in step from then on."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from listings.locks import listings_lock
from listings.models import CommandState, Listing, ListingSeat, ListingStatus, PriceHistory, Sale, SplitType
from listings.selectors import sold_among
from listings.services.allocation import together
from listings.services.delist import listing_take_down
from listings.services.delivery_terms import entered_for, terms_of
from listings.services.doubled import Named, check_own
from listings.services.notify import listing_changed
from listings.services.practice import offered_for_real, practice_make_way
from listings.services.projections import projections_shrink
from listings.services.recognise import recognise, told_of_listing, told_of_sale
from listings.services.seat_ids import all_seat_ids
from listings.services.sweep_order import sweep_order_met
from listings.states import HAS_MORE
from marketplaces.contracts import RemoteListing, RemoteSale
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_name, traits_of
from marketplaces.selectors import fee_version, proceeds_at
from portfolios.locks import seats_lock, seats_lock_whole
from portfolios.models import OwnerState, Seat
from portfolios.services.groups import seat_group_for
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.core.money import round_money


def adoption_problem(seats: Sequence[Seat], price: Decimal, currency: str) -> str:
    """Why a listing or a sale of these seats cannot be one of ours; empty where it can."""
    if len({(seat.season_ticket_id, seat.game_id, seat.row) for seat in seats}) != 1:
        return "its seats are not of one season ticket and row"
    if price <= 0:
        return "it has no price"
    if currency != seats[0].currency:
        return f"it is priced in {currency}, and your season ticket in {seats[0].currency}"
    return ""


def kept_problem(account: MarketplaceAccount, seats: Sequence[Seat]) -> str:
    """Why it needs a word of their holder whether these seats are still for sale there; empty where it does not.

    Seats that a buyer has are no such question: the listing is adopted to come down. On paper nothing is kept of what
    is on sale for real (I-20).
    """
    if account.paper and (real := offered_for_real(seats)) is not None:
        return f"seat {real.seat.seat_number} is offered for real at {platform_name(real.listing.platform)}"
    for seat in seats:
        if seat.state not in {OwnerState.AVAILABLE, OwnerState.HELD, OwnerState.SOLD}:
            return f"seat {seat.seat_number} is {seat.get_state_display()}"
    return ""


def delivery_known(account: MarketplaceAccount, told: str, seats: Sequence[Seat]) -> str:
    """What the tickets of a listing of these seats that was made there are (a DeliveryType); "" where nobody has said.

    As its marketplace tells (`told`), the only kind that is listed there at all, or what their holder has entered.
    """
    traits = traits_of(account.platform)
    kinds = traits.deliveries if traits else ()
    return told or (kinds[0].value if len(kinds) == 1 else entered_for(seats[0].season_ticket))


def delivery_take(listing: Listing, item: RemoteListing) -> None:
    """What its marketplace tells of a locked listing's tickets that was made there; the caller saves it."""
    if listing.made_there and item.delivery is not None:
        listing.delivery = item.delivery.value


def listing_adopt(
    *, actor: Actor, account: MarketplaceAccount, seats: Sequence[Seat], listing_id: str, remote_key: str,
    price: Decimal, currency: str, proceeds: Decimal | None = None, all_in: Decimal | None = None,
    price_seen: bool = True, expires_at: datetime | None = None, delivery: str = "",
) -> Listing:  # fmt: skip
    """A listing that its marketplace shows, as one of ours: active, at its own price, with what buyers have taken out.

    Nobody moves its price until the holder gives it a floor and a ceiling. `price_seen`: the listing itself said it;
    what was worked out of a sale is replaced by a sweep (`listing_price_take`), which is ordered at once, since it may
    show more seats. `expires_at`: when it says it ends. `delivery`: what its tickets are (a DeliveryType); where a sale
    was met that tells nothing of it, what holds for its season ticket, until a sweep is told. The caller holds a
    transaction and the seats' locks. Raises Conflict where `adoption_problem` says why not, or another connection of
    the account has it, or PracticeHas.
    """
    if problem := adoption_problem(seats, price, currency):
        raise Conflict(f"It cannot be kept in step: {problem}.", field="seats", remedy="Choose other seats.")
    day, seat = seats[0].game.game_date.isoformat(), str(seats[0].seat_number)
    check_own(account, Named(listing_id, remote_key, seats[0].row, day, seat))
    if not account.paper:
        practice_make_way(seats)
    known = Listing.objects.filter(account=account, listing_id=listing_id).first() if listing_id else None
    if known is not None:
        return known
    ordered = sorted(seats, key=lambda seat: seat.seat_number)
    first, moment = ordered[0], now()
    listing = Listing.objects.create(
        tenant_id=first.tenant_id, account=account, mode=account.mode, season_ticket_id=first.season_ticket_id,
        seat_group=seat_group_for(seats=ordered) if together(ordered) else None, game_id=first.game_id,
        game_date=first.game.game_date, platform=account.platform, listing_id=listing_id, made_there=True,
        remote_key=remote_key, section=first.section, row=first.row, quantity=len(ordered), price=price,
        live_price=price if price_seen else None, original_price=price,
        proceeds=proceeds or proceeds_at(price, fee_version(account.platform)),
        all_in=all_in, currency=currency, floor=price, ceiling=price, status=ListingStatus.ACTIVE,
        split_type=SplitType.ANY, published_at=moment, expires_there=expires_at,
        delivery=delivery or terms_of(first.season_ticket).delivery,
    )  # fmt: skip
    ListingSeat.objects.bulk_create(
        [ListingSeat(tenant_id=listing.tenant_id, listing=listing, seat=seat) for seat in ordered]
    )
    PriceHistory.objects.create(
        time=moment, tenant_id=listing.tenant_id, listing_id=listing.pk, mode=listing.mode, price=price,
        currency=currency, platform=listing.platform,
    )  # fmt: skip
    audit_record(
        actor=actor, verb="listing.adopt", object_type="listing", object_id=listing.pk,
        subject=listing.season_ticket.user_id, after={"listing_id": listing_id, "price": price, "seats": len(ordered)},
    )  # fmt: skip
    _without_the_taken(listing, ordered)
    listing_changed(listing)
    if not price_seen:
        sweep_order_met(account, listing)
    return listing


@transaction.atomic
def listing_rest_adopt(*, account: MarketplaceAccount, known: Listing, item: RemoteListing) -> bool:
    """Seats that a listing still shows which was met by the sale of its others are its own too, and still on offer.

    Its price is the one that it shows: a sale may have told what its seller gets alone. Returns whether it is so; not
    where the seats are not certain or not for sale. The list may be older than the sale: what is known of it meanwhile
    (`listing_covers_sale`) is no rest.
    """
    match, of_it = recognise(account, told_of_listing(item)), set(all_seat_ids(known))
    rest = [seat for seat in match.seats if seat.pk not in of_it]
    if match.why or not rest or adoption_problem(rest, item.price, item.currency):
        return False
    if {(seat.season_ticket_id, seat.game_id) for seat in rest} != {(known.season_ticket_id, known.game_id)}:
        return False
    rest = seats_lock_whole(rest)
    (listing,) = listings_lock([known.pk])
    waiting = listing.commands.filter(state__in=[CommandState.PENDING, CommandState.IN_FLIGHT])
    if (
        listing.status not in HAS_MORE
        or {seat.pk for seat in rest} & set(all_seat_ids(listing))
        or waiting.exists()
        or kept_problem(account, rest)
    ):
        return False
    rest.sort(key=lambda seat: seat.seat_number)
    ListingSeat.objects.bulk_create(
        [ListingSeat(tenant_id=listing.tenant_id, listing=listing, seat=seat) for seat in rest]
    )
    before = {"status": listing.status, "price": listing.price}
    listing.status, listing.status_reason, listing.sold_at = HAS_MORE[listing.status], "", None
    listing.quantity, listing.seat_group = len(rest), seat_group_for(seats=rest) if together(rest) else None
    delivery_take(listing, item)
    listing_price_take(listing, item)
    audit_record(
        actor=Actor.marketplace(account.tenant_id, account.pk), verb="listing.adopt_rest", object_type="listing",
        object_id=listing.pk, subject=account.user_id, before=before,
        after={"status": listing.status, "price": item.price, "seats": len(rest)},
    )  # fmt: skip
    _without_the_taken(listing, rest)
    listing_changed(listing)
    return True


def listing_price_take(listing: Listing, item: RemoteListing) -> None:
    """Save a locked listing that was met by its sale at the price that it shows: nobody has decided on another.

    A floor or a ceiling that its holder has given it meanwhile stays, as far as that price allows.
    """
    floor, ceiling = (None if bound == listing.price else bound for bound in (listing.floor, listing.ceiling))
    listing.price = listing.live_price = listing.original_price = item.price
    listing.floor, listing.ceiling = min(floor or item.price, item.price), max(ceiling or item.price, item.price)
    listing.proceeds = item.proceeds or proceeds_at(item.price, fee_version(listing.platform))
    listing.all_in = item.all_in
    listing.version += 1
    listing.save()
    PriceHistory.objects.create(
        time=now(), tenant_id=listing.tenant_id, listing_id=listing.pk, mode=listing.mode, price=item.price,
        currency=listing.currency, platform=listing.platform,
    )  # fmt: skip


def _without_the_taken(listing: Listing, seats: list[Seat]) -> None:
    """Seats that were sold before we knew of the listing leave it as they would have when they were sold."""
    taken = {seat.pk: seat for seat in seats if seat.state != OwnerState.AVAILABLE}
    by_sale: dict[Sale, list[Seat]] = {}
    for row in sold_among(taken):
        by_sale.setdefault(row.sale, []).append(taken.pop(row.seat_id))
    for sale, sold in by_sale.items():
        projections_shrink([listing], sold, sale=sale)
    if taken:
        listing_take_down(listing, reason="a seat of it is held for a sale")


def listing_of_unknown_sale(account: MarketplaceAccount, sale: RemoteSale) -> Listing | None:
    """The listing of a sale that is known to no listing of ours, where its seats are ours for certain; else None.

    It is made as it must have been: the saga needs one, and its rest may be on show. The caller holds a transaction.
    """
    match = recognise(account, told_of_sale(sale))
    if match.why or not match.seats or sale.quantity != len(match.seats):
        return None
    price = round_money(sale.gross / sale.quantity)
    seats = seats_lock_whole(match.seats)
    if adoption_problem(seats, price, sale.currency):
        return None
    return listing_adopt(
        actor=Actor.marketplace(account.tenant_id, account.pk), account=account, seats=seats,
        listing_id=sale.listing_id, remote_key=sale.external_id, price=price, currency=sale.currency, price_seen=False,
    )  # fmt: skip


def listing_covers_sale(listing: Listing, sale: RemoteSale) -> None:
    """A listing made there was met when a part of it was sold already: a sale of that part belongs to it as well."""
    named = {int(seat) for seat in sale.seats if seat.isdecimal()}
    known = set(listing.listing_seats.values_list("seat__seat_number", flat=True))
    missing = named - known
    if not listing.made_there or not missing:
        return
    match = recognise(listing.account, told_of_sale(sale))
    own = [
        seat for seat in match.seats
        if not match.why and seat.season_ticket_id == listing.season_ticket_id and seat.game_id == listing.game_id
        and seat.seat_number in missing
    ]  # fmt: skip
    if len(own) != len(missing):
        return
    # With those that it has, in one go: the saga asks for all of them next, and locks have one order.
    locked = {seat.pk: seat for seat in seats_lock([*all_seat_ids(listing), *(seat.pk for seat in own)])}
    ListingSeat.objects.bulk_create(
        [ListingSeat(tenant_id=listing.tenant_id, listing=listing, seat=locked[seat.pk]) for seat in own]
    )
