"""Seats that a sale lets go: they may be another one's, which is not clear either and came while they were taken."""

import uuid
from collections.abc import Sequence

from listings.locks import sale_lock
from listings.models import Sale, SaleState
from listings.services.notify import sale_changed
from listings.services.obstacles import hold_key
from listings.services.sale_alerts import alert_unclear
from listings.services.sale_scene import sale_audit, sale_facts
from listings.services.wake import READ_SALE
from marketplaces.registry import platform_name
from portfolios.models import OwnerState, Seat
from portfolios.services.ledger import seats_move
from seatsync.core.actors import Actor
from seatsync.core.jobs import enqueue_on_commit


def seats_pass_on(*, actor: Actor, seats: Sequence[Seat], number: str, platform: str, but: Sale | None = None) -> None:
    """Hold those of these seats that are free by now for the unclear sales that may have them; whoever came first.

    `number`: the sale that let them go, or (`but`) has not all of them. The caller holds the seats' locks, and of no
    command. Every listing of them came down when the unclear sale was stored, and what is not free is not listed.
    """
    free = {seat.pk: seat for seat in seats if seat.state == OwnerState.AVAILABLE}
    for sale in _waiting(list(free.values()), but):
        own = [free.pop(pk) for pk in sale.may_be_of if pk in free]
        if own:
            _hold(actor, sale, own, f"{platform_name(platform)} sale {number}")


def _waiting(free: Sequence[Seat], but: Sale | None) -> list[Sale]:
    """The unclear sales that may have any of these seats, locked; none that is missing: it has its own."""
    if not free:
        return []
    unclear = Sale.objects.may_have(free).filter(missing=False)
    others: list[uuid.UUID] = list((unclear.exclude(pk=but.pk) if but else unclear).values_list("pk", flat=True))
    # After the one that let them go, whatever their keys: whoever waits the other way round is told to try again.
    locked = [sale_lock(pk) for pk in sorted(others)]
    # Asked under the locks: one may have become clear meanwhile.
    waiting = [sale for sale in locked if sale.state == SaleState.NEEDS_PERSON and not sale.missing]
    return sorted(waiting, key=lambda sale: (sale.noticed_at, sale.pk))


def _hold(actor: Actor, sale: Sale, seats: list[Seat], whose: str) -> None:
    seats_move(
        actor=actor, seats=seats, to_state=OwnerState.HELD, held_by=hold_key(sale.account_id, sale.platform_sale_id),
        reason=f"{whose} let them go, and {platform_name(sale.platform)} sale {sale.platform_sale_id} may have them",
    )  # fmt: skip
    before = sale_facts(sale)
    what = "seats of it go, which are" if len(seats) > 1 else "a seat of it go, which is"
    news = f"since then {whose} let {what} held for it"
    sale.state_reason = f"{sale.state_reason[: 298 - len(news)]}; {news}"
    sale.version += 1
    sale.save(update_fields=["state_reason", "version", "updated_at"])
    alert_unclear(sale, sale.state_reason)
    sale_changed(sale)
    sale_audit(actor, sale, "sale.seats_held", before=before, reason=sale.state_reason)
    # Its marketplace may say by now what it took; of an account by hand nobody can be asked.
    enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
