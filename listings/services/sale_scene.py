"""One sale as its marketplace tells it, beside what we have of it; and writing it down."""

import json
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from listings.locks import sale_lock
from listings.models import (
    CommandState,
    Listing,
    MarketplaceCommand,
    Sale,
    SaleEnding,
    SaleProof,
    SaleSeat,
    SaleState,
)
from listings.payables import paid_there, state_by_money
from listings.services.ending_effects import effects_note
from listings.services.ending_stands import ending_note, ending_stand
from listings.services.hand_over_due import dues_take
from listings.services.labels import label_order
from listings.services.notify import sale_changed
from listings.services.obstacles import hold_key
from listings.services.payout_checks import sales_check
from listings.services.sale_alerts import alert_amounts, alert_sold_elsewhere_down
from listings.states import HANDED_OVER, TAKES_DOWN
from marketplaces.contracts import Buyer, RemoteSale, RemoteSaleState
from marketplaces.delivery import STEPS, DeliveryStep, step_of
from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import fee_version, payout_calendar
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.money import CENT
from seatsync.core.subjects import Unseal, subject_seal, subject_unseal

STATE_OF = {
    RemoteSaleState.PROVISIONAL: SaleState.PROVISIONAL,
    RemoteSaleState.AWAITING_CONFIRM: SaleState.CONFIRMED,
    RemoteSaleState.AWAITING_FULFILMENT: SaleState.CONFIRMED,
    RemoteSaleState.IN_DELIVERY: SaleState.FULFILLED,
    RemoteSaleState.COMPLETE: SaleState.COMPLETE,
    RemoteSaleState.CANCELLED: SaleState.CANCELLED,
}


def delivered_note(sale: Sale) -> None:
    """Note when we first heard that the tickets were handed over; the caller saves the sale."""
    if sale.state in HANDED_OVER and sale.delivered_at is None:
        sale.delivered_at = now()


@dataclass(slots=True)
class Scene:
    """What one run of the saga works on, all of it locked."""

    account: MarketplaceAccount
    remote: RemoteSale
    listing: Listing | None
    seats: list[Seat]
    noticed_at: datetime
    # The sale as we have it, where we have it already.
    sale: Sale | None = None
    # A person who decides what the marketplace does not tell.
    person: Actor | None = None
    # Read anew, because an earlier word contradicted what we have.
    fresh: bool = False
    # The seats of which nobody knows whether the sale took them.
    may_be_of: list[uuid.UUID] = field(default_factory=list)
    # What the audit says of it before the next change.
    before: dict[str, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.sale is not None:
            self.knows(self.sale)

    def knows(self, sale: Sale) -> None:
        """This is the sale as we have it."""
        self.sale, self.before = sale, sale_facts(sale)

    @property
    def actor(self) -> Actor:
        """Who does what is done here."""
        return self.person or Actor.marketplace(self.account.tenant_id, self.account.pk)

    @property
    def key(self) -> str:
        """What the sale's seats say in `held_by`."""
        return hold_key(self.account.pk, self.remote.sale_id)


def sale_store(scene: Scene, state: str, reason: str) -> Sale:
    """Insert the sale, or bring the one that we have to this state."""
    if scene.sale is not None:
        return _restate(scene, scene.sale, state, reason)
    remote, moment = scene.remote, now()
    sale = Sale(
        tenant_id=scene.account.tenant_id,
        account=scene.account,
        mode=scene.account.mode,
        listing=scene.listing,
        game_id=scene.listing.game_id if scene.listing else None,
        platform=scene.account.platform,
        platform_sale_id=remote.sale_id,
        quantity=remote.quantity,
        currency=remote.currency,
        fee_version=fee_version(scene.account.platform, on=remote.sold_at.date()),
        payout_calendar=payout_calendar(scene.account.platform, mode=scene.account.mode, on=remote.sold_at.date()),
        delivered_at=moment if state in HANDED_OVER else None,
        state=state,
        remote_status=remote.remote_status[:60],
        remote_state=remote.state.value,
        state_reason=reason[:300],
        may_be_of=scene.may_be_of,
        sold_at=remote.sold_at,
        noticed_at=scene.noticed_at,
        read_back_at=moment,
    )
    dues_take(sale, remote)
    step_take(sale, remote)
    # Its game may have been called off before anybody told of it.
    ending_stand(sale)
    amounts_take(sale, remote)
    sale_changed(sale)
    return sale


def amounts_take(sale: Sale, remote: RemoteSale) -> None:
    """Save the sale with the amounts as its marketplace tells them (I-25); a guess replaces none that were told.

    `rounding` is what they leave. More than a cent a ticket is no rounding: it is kept as well, and said.
    """
    new = sale._state.adding
    moved = new or money_moved(sale, remote)
    if moved:
        if new or remote.gross_known:
            sale.gross, sale.fees, sale.proceeds = remote.gross, remote.fees, remote.proceeds
            sale.gross_told = remote.gross_known
        else:
            # What reaches the seller is told at last; the price was told before.
            sale.gross, sale.proceeds = max(sale.gross, remote.proceeds), remote.proceeds
            sale.fees = sale.gross - sale.proceeds
        sale.proceeds_told = remote.proceeds_known
        sale.rounding = sale.gross - sale.fees - sale.proceeds
    sale.save()
    if moved and sale.ending:
        effects_note(sale)
    unexplained = abs(sale.rounding) > CENT * max(sale.quantity, 1)
    if unexplained or not new:
        alert_amounts(sale, unexplained=unexplained)
    if moved and not new:
        # What came of it may be short, or too much, of what it brings by now.
        sales_check([sale.pk])


def money_moved(sale: Sale, remote: RemoteSale) -> bool:
    """Whether other amounts are told than we have; a guess replaces none that were told."""
    if sale.proceeds_told != remote.proceeds_known:
        return remote.proceeds_known
    told = (remote.gross, remote.fees, remote.proceeds)
    return remote.gross_known and (not sale.gross_told or (sale.gross, sale.fees, sale.proceeds) != told)


def _restate(scene: Scene, known: Sale, state: str, reason: str) -> Sale:
    sale, remote = sale_lock(known.pk), scene.remote
    if sale.state == SaleState.CANCELLED:
        # It stands again: what is taken down for it is measured anew.
        sale.noticed_at, sale.last_delist_at, sale.notice_to_last_delist_ms = scene.noticed_at, None, None
    sale.listing, sale.game_id = scene.listing, scene.listing.game_id if scene.listing else None
    sale.quantity = remote.quantity
    sale.state, sale.state_reason = state_by_money(sale, SaleState(state)), reason[:300]
    sale.may_be_of = scene.may_be_of
    if state != SaleState.CANCELLED:
        # It stands (again): what ended it is over, and what is open on it is not.
        complaint_over(sale)
        ending_stand(sale)
    delivered_note(sale)
    sale.remote_status, sale.remote_state, sale.read_back_at = remote.remote_status[:60], remote.state.value, now()
    dues_take(sale, remote)
    step_take(sale, remote)
    sale.version += 1
    amounts_take(sale, remote)
    sale_changed(sale)
    return sale


def complaint_over(sale: Sale) -> None:
    """What its marketplace itself complained of is over with its next clear word; what a person reported is not."""
    if sale.claimed_there:
        ending_note(sale, SaleEnding.CLAIM, "")


def step_take(sale: Sale, remote: RemoteSale) -> bool:
    """What stands between the sale and its buyer, as it is told; whether that is news. The caller saves the sale.

    A marketplace that asks for the tickets of a sale which was handed over asks for them again.
    """
    before = (sale.delivery_step, sale.delivery_note, sale.asked_again_at is not None)
    sale.delivery_step, sale.delivery_note = remote.step.value, remote.step_note[:300]
    if sale.delivery_step != before[0]:
        # A parcel that is wanted again has a label of its own.
        sale.label_sealed = b"" if remote.step is DeliveryStep.LABELS else sale.label_sealed
        label_order(sale)
    again = STEPS[remote.step].again or (sale.state in HANDED_OVER and asks_again(sale, remote))
    if not again:
        sale.asked_again_at = None
    elif sale.asked_again_at is None:
        # Its people were reminded of the first time.
        sale.asked_again_at, sale.reminded = now(), 0
    if remote.buyer is not None:
        told = json.dumps([remote.buyer.name, remote.buyer.email, remote.buyer.phone]).encode()
        if buyer_of(sale) != remote.buyer:
            (sale.buyer_sealed,) = subject_seal(sale.account.user_id, told)
            return True
    return before != (sale.delivery_step, sale.delivery_note, sale.asked_again_at is not None)


def asks_again(sale: Sale, remote: RemoteSale) -> bool:
    """Whether its marketplace wants the tickets of a sale that was handed over."""
    asks = remote.state is RemoteSaleState.AWAITING_FULFILMENT and bool(STEPS[remote.step].ways)
    return sale.state in HANDED_OVER and asks and remote.step is not DeliveryStep.UNTOLD


def buyer_of(sale: Sale, unseal: Unseal = subject_unseal) -> Buyer | None:
    """To whom the tickets go; None where that was not told, or its holder's key was destroyed."""
    content = unseal(sale.account.user_id, sale.buyer_sealed)
    return None if content is None else Buyer(*json.loads(content))


def as_told(sale: Sale) -> RemoteSale:
    """What its marketplace told of a sale, from our own row; that it wants a confirmation is not said again."""
    return RemoteSale(
        sale_id=sale.platform_sale_id, external_id=sale.listing.external_id if sale.listing else "",
        listing_id=sale.listing.listing_id if sale.listing else "", event_id="", quantity=sale.quantity,
        section=sale.listing.section if sale.listing else "", row=sale.listing.row if sale.listing else "", seats=(),
        gross=sale.gross, fees=sale.fees, proceeds=sale.proceeds, currency=sale.currency,
        state=_how_far(sale), remote_status=sale.remote_status, sold_at=sale.sold_at,
        confirm_by=sale.confirm_by, ship_by=None if sale.ship_by_reckoned else sale.ship_by,
        step=step_of(sale.delivery_step), step_note=sale.delivery_note,
        gross_known=sale.gross_told, proceeds_known=sale.proceeds_told,
    )  # fmt: skip


def _how_far(sale: Sale) -> RemoteSaleState:
    """How far a sale has come, by all that was told and paid of it; whom its marketplace paid has delivered."""
    if sale.remote_state == RemoteSaleState.PROVISIONAL:
        return RemoteSaleState.PROVISIONAL
    if sale.remote_state == RemoteSaleState.COMPLETE or paid_there(sale):
        return RemoteSaleState.COMPLETE
    handed_over = sale.delivered_at is not None or sale.remote_state == RemoteSaleState.IN_DELIVERY
    return RemoteSaleState.IN_DELIVERY if handed_over else RemoteSaleState.AWAITING_FULFILMENT


def mark_if_nothing_to_take_down(sale: Sale) -> None:
    """A sale of seats that were offered nowhere else is down everywhere at once."""
    down = MarketplaceCommand.objects.filter(sale=sale, kind__in=TAKES_DOWN)
    open_commands = down.filter(by_hand=False)
    if not open_commands.exists():
        sale.notice_to_last_delist_ms = 0
        sale.last_delist_at = sale.noticed_at
        sale.save(update_fields=["notice_to_last_delist_ms", "last_delist_at", "updated_at"])


def sale_delists_done(sale: Sale) -> bool:
    """Note when the last command that took these seats off elsewhere is finished; returns whether that is now.

    The caller holds the sale's lock.
    """
    if sale.last_delist_at is not None:
        return False
    down = MarketplaceCommand.objects.filter(sale=sale, kind__in=TAKES_DOWN)
    # What a person has to take down is nobody's speed but his: its time is shown apart.
    pending = down.filter(by_hand=False).exclude(state__in=[CommandState.DONE, CommandState.SUPERSEDED])
    if pending.exists():
        return False
    sale.last_delist_at = now()
    elapsed = sale.last_delist_at - sale.noticed_at
    sale.notice_to_last_delist_ms = max(0, round(elapsed.total_seconds() * 1000))
    sale.version += 1
    sale.save(update_fields=["last_delist_at", "notice_to_last_delist_ms", "version", "updated_at"])
    sale_changed(sale)
    alert_sold_elsewhere_down(sale)
    return True


def hands_take_over(sale: Sale) -> None:
    """What a worker was to take down for a locked sale is its holder's now: from here on it is his time, not ours."""
    if sale.last_delist_at is not None:
        return
    if MarketplaceCommand.objects.filter(sale=sale, kind__in=TAKES_DOWN, by_hand=False).exists():
        sale_delists_done(sale)
        return
    mark_if_nothing_to_take_down(sale)
    alert_sold_elsewhere_down(sale)


def seats_attach(sale: Sale, seats: Iterable[Seat], *, live: bool) -> None:
    """Note which seats a sale is of; `live`: it has them. One that it had before and lost is its own again."""
    SaleSeat.objects.bulk_create(
        [SaleSeat(tenant_id=sale.tenant_id, sale=sale, seat=seat, live=live) for seat in seats],
        update_conflicts=True, unique_fields=["sale", "seat"], update_fields=["live"],
    )  # fmt: skip


def seats_detach(sale: Sale, seats: Collection[Seat] | None = None) -> None:
    """A sale has its seats (or these of them) no more, and what was handed over with it may go with another one."""
    rows, proofs = SaleSeat.objects.filter(sale=sale, live=True), SaleProof.objects.filter(sale=sale, live=True)
    if seats is not None:
        rows, proofs = rows.filter(seat__in=seats), proofs.filter(seat__in=seats)
    rows.update(live=False)
    proofs.update(live=False)


def sale_facts(sale: Sale) -> dict[str, Any]:
    """What the audit says of a sale before and after a change."""
    return {"state": sale.state, "gross": Decimal(sale.gross), "quantity": sale.quantity}


def sale_record(scene: Scene, sale: Sale, verb: str) -> None:
    """Into the audit, in the name of whoever acts in this scene."""
    sale_audit(scene.actor, sale, verb, before=scene.before, reason=scene.remote.remote_status)
    scene.before = sale_facts(sale)


def sale_audit(actor: Actor, sale: Sale, verb: str, *, before: dict[str, Any] | None, reason: str) -> None:
    """Into the audit: what a sale was before and is now, and who made it so."""
    audit_record(
        actor=actor, verb=verb, object_type="sale", object_id=sale.pk, subject=sale.account.user_id, before=before,
        after=sale_facts(sale), reason=reason,
    )  # fmt: skip
