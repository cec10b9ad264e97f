"""A sale that goes wrong: each way is a row of listings/states.py, whose effects are carried out here."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from listings.locks import listings_lock, sale_lock
from listings.models import ListingSeat, Sale, SaleEnding, SaleState
from listings.services.commands import sale_commands_withdraw
from listings.services.ending_alerts import alert_ending, alerts_of_ending_settle
from listings.services.ending_effects import effects_note
from listings.services.ending_stands import ending_note, ending_stand, endings_open
from listings.services.notify import sale_changed
from listings.services.obstacles import hold_key, seats_may_have
from listings.services.pass_on import seats_pass_on
from listings.services.payout_alerts import alerts_of_money_settle
from listings.services.payout_checks import sales_check
from listings.services.projections import offer_no_more
from listings.services.sale_alerts import alerts_settle
from listings.services.sale_scene import sale_facts, seats_detach
from listings.states import LIFTABLE, SALE_ENDINGS, SALE_LIVE, EndingRow, SeatEffect, ending_may_be
from portfolios.locks import seats_lock
from portfolios.models import GameStatus, OwnerState, Seat
from portfolios.services.ledger import seats_move
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict

# Why its marketplace takes a sale back, where that was known before it did.
_CAUSES = frozenset({SaleEnding.GAME_OFF, SaleEnding.REJECTED})
_TAKEN_BACK = frozenset({SaleEnding.CANCELLED, SaleEnding.PROMISE_CANCELLED})


def ending_apply(
    *, actor: Actor, sale: Sale, ending: SaleEnding, reason: str, seats: Sequence[Seat] = (),
    charge: Decimal | None = None,
) -> None:  # fmt: skip
    """Do to a sale what its ending's row says. The caller holds the locks of seats, listing and sale, and saves it.

    `seats`: those that it may have; only the ones that it has are freed. Nothing that was paid is touched: what is
    taken back comes as lines of later payouts. What it does to lots, budget and settlement is written down
    (effects_note). Nothing is listed again.
    """
    row, was_live, was = SALE_ENDINGS[ending], sale.state in SALE_LIVE or sale.missing, sale.ending
    # Its marketplace let go of it before it heard that we reject it: it never had the seats all the same.
    why = SaleEnding.REJECTED if sale.state == SaleState.CONFLICT and ending in _TAKEN_BACK else ending
    if row.seats is SeatEffect.FREED:
        key = hold_key(sale.account_id, sale.platform_sale_id)
        own = [seat for seat in seats if seat.held_by == key]
        seats_move(actor=actor, seats=own, to_state=OwnerState.AVAILABLE, reason="the sale was cancelled")
        seats_detach(sale)
    sale.state = row.to_state or sale.state
    sale.missing, sale.missed_at = False, None
    sale.told_charge = sale.told_charge if charge is None else charge
    if ending in LIFTABLE:
        ending_note(sale, ending, reason, there=actor.kind is ActorKind.MARKETPLACE)
        ending_stand(sale, told=ending)
        return
    if ending not in _TAKEN_BACK or sale.ending not in _CAUSES:
        sale.ending, sale.ending_reason = why, reason[:300]
    sale.ended_at = now()
    effects_note(sale)
    # A complaint is decided with the sale that it is about.
    ending_note(sale, SaleEnding.CLAIM, "")
    alerts_settle(sale)
    alerts_of_ending_settle(sale)
    if sale.state not in SALE_LIVE:
        sale_commands_withdraw(sale)
        sale.asked_again_at = None
    if not row.expects_money:
        alerts_of_money_settle(sale)
    if ending == SaleEnding.REJECTED or (sale.state == SaleState.CANCELLED and was_live):
        # Its marketplace may show the seats again by itself. A conflict that it let go of has our rejection on its way.
        offer_no_more(sale)
    # A rejected sale never lived: it is told all the same, once, and until a person has seen it.
    if was_live or (why == SaleEnding.REJECTED and was != why):
        alert_ending(sale)


@transaction.atomic
def sale_end(
    *, actor: Actor, sale_id: uuid.UUID, ending: SaleEnding, reason: str, charge: Decimal | None = None
) -> Sale:
    """End a sale, under the locks that its row needs; a second time it changes nothing. Raises Conflict.

    A row that leaves the seats alone locks the sale only.
    """
    row = SALE_ENDINGS[ending]
    seats = _locked(Sale.objects.select_related("account").get(pk=sale_id), row)
    sale = sale_lock(sale_id)
    may_be, told = ending_may_be(sale.state, ending), {sale.ending: sale.ending_reason}
    if may_be:
        # It may be known, and something else stand.
        told |= endings_open(sale)
    if told.get(ending) == reason[:300] and charge in {None, sale.told_charge}:
        return sale
    if not may_be:
        raise Conflict(
            f"This sale is {sale.get_state_display()}: it cannot be {ending.label}.", field="ending",
            remedy="Look at the sale again.",
        )  # fmt: skip
    before, had = _facts(sale), [seat for seat in seats if seat.state != OwnerState.AVAILABLE]
    ending_apply(actor=actor, sale=sale, ending=ending, reason=reason, seats=seats, charge=charge)
    _kept(actor, sale, "sale.ended", before, reason)
    seats_pass_on(actor=actor, seats=had, number=sale.platform_sale_id, platform=sale.platform, but=sale)
    return sale


@transaction.atomic
def ending_lift(*, actor: Actor, sale_id: uuid.UUID, reason: str) -> Sale:
    """The complaint or the charge that stands is settled, and the sale goes on as before it came.

    Raises Conflict where neither stands.
    """
    sale = sale_lock(sale_id)
    if sale.ending not in LIFTABLE or sale.ending == SaleEnding.GAME_OFF or sale.state not in SALE_LIVE:
        raise Conflict(
            "Nothing is open on this sale.", field="ending", remedy="Only a complaint or a charge can be settled."
        )
    ending_settle(actor=actor, sale=sale, ending=SaleEnding(sale.ending), reason=reason)
    return sale


def ending_settle(*, actor: Actor, sale: Sale, ending: SaleEnding, reason: str) -> None:
    """A complaint or a charge on a locked sale is settled, whether or not it stands; keeps the sale."""
    before = _facts(sale)
    ending_note(sale, ending, "")
    if ending == SaleEnding.PENALTY:
        sale.charge_settled = max(sale.charged, Decimal(0))
    _restand(actor, sale, "sale.settled", before, reason)


def _restand(actor: Actor, sale: Sale, verb: str, before: dict[str, Any], reason: str) -> None:
    """Keep a locked sale with what stands by now; one that is told no more, or is over, says what it said."""
    if sale.state in SALE_LIVE:
        ending_stand(sale)
    _kept(actor, sale, verb, before, reason)
    sales_check([sale.pk])


def sales_of_game_end(game_id: uuid.UUID, what: str) -> None:
    """A game was moved: where it was called off, its sales end so; where it is on again, they go on.

    The caller holds the locks of the game's seats.
    """
    said, off = Q(ending=SaleEnding.GAME_OFF), Q(game__status=GameStatus.CANCELLED)
    of_game = Sale.objects.filter(off & ~said | said & ~off, game_id=game_id, state__in=SALE_LIVE).order_by("pk")
    for sale_id in list(of_game.values_list("pk", flat=True)):
        sale = sale_lock(sale_id)
        verb = "sale.settled" if sale.ending == SaleEnding.GAME_OFF else "sale.ended"
        _restand(Actor.system(), sale, verb, _facts(sale), what)


def _locked(sale: Sale, row: EndingRow) -> list[Seat]:
    """The seats of the sale's listing and those that it holds, they and the listing locked, where the row frees them.

    A sale of a listing that nobody knows holds all that it may be of.
    """
    if row.seats is not SeatEffect.FREED:
        return []
    of_listing = ListingSeat.objects.filter(listing__sales=sale).values_list("seat_id", flat=True)
    seats = seats_lock(seats_may_have(sale) | set(of_listing))
    listings_lock(filter(None, [sale.listing_id]))
    return seats


def _facts(sale: Sale) -> dict[str, Any]:
    return {
        **sale_facts(sale), "ending": sale.ending, "told_charge": sale.told_charge, "claim": sale.claim_reason,
        "penalty": sale.penalty_reason, "charge_settled": sale.charge_settled,
    }  # fmt: skip


def _kept(actor: Actor, sale: Sale, verb: str, before: dict[str, Any], reason: str) -> None:
    sale.version += 1
    sale.save()
    sale_changed(sale)
    audit_record(
        actor=actor, verb=verb, object_type="sale", object_id=sale.pk, subject=sale.account.user_id, before=before,
        after=_facts(sale), reason=reason,
    )  # fmt: skip
