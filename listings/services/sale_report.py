"""A person says what a marketplace wrote of a sale by mail, where its interface does not tell it."""

import uuid
from dataclasses import replace
from decimal import Decimal

from django.db import transaction

from listings.models import PRACTICE_OVER, Sale, SaleEnding, SaleState
from listings.services.endings import ending_lift, sale_end
from listings.services.far_off import charge_check
from listings.services.practice import practice_end, practice_may_end
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import as_told
from listings.states import REPORTABLE, SALE_ENDINGS, SeatEffect, ending_may_be
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import MarketplaceError
from marketplaces.models import Mode
from marketplaces.registry import adapter_get, platform_name
from marketplaces.services.links import link_for
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed

# That a complaint or a charge is settled.
SETTLED = "settled"
# That the buyer of a promised sale has paid.
PAID = "paid"
# That what was sold on paper was practice: its seats are the holder's again, and nobody is asked.
PRACTICE = "practice"
REPORTS: tuple[str, ...] = (*REPORTABLE, SETTLED, PAID, PRACTICE)
_COSTS = frozenset({SaleEnding.PENALTY, SaleEnding.REPLACEMENT})


def sale_report(
    *, actor: Actor, sale_id: uuid.UUID, what: str, reason: str, charge: Decimal | None = None, confirmed: bool = False
) -> Sale:  # fmt: skip
    """Note what a marketplace wrote of a sale, and do to its seats and money what that means (listings/states.py).

    That the seats are the holder's again is believed only where it knows the sale no more: it is asked first, but not
    where a sale on paper was practice.
    `charge`: what it says it will cost, in the sale's currency; `confirmed`: that is meant, however much more it is
    than the sale brings. Raises NotFound, NotAllowed, InvalidInput, or Conflict.
    """
    sale = Sale.objects.select_related("account", "listing__season_ticket").get_for(actor, sale_id)
    if not sale.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not report on it.")
    _check(what, reason, charge)
    if charge is not None:
        charge_check(charge, sale, field="charge", confirmed=confirmed)
    said = reason.strip()
    if what == PRACTICE:
        if not practice_may_end(sale):
            raise Conflict(
                "It is no open sale on paper.", field="what", remedy="Only what was sold on paper was practice."
            )
        return practice_end(actor=actor, sale=sale, reason=f"{PRACTICE_OVER}: {said}")
    if what == PAID:
        return _promise_kept(actor, sale, said)
    if what == SaleEnding.CANCELLED and promised_by_hand(sale):
        what = SaleEnding.PROMISE_CANCELLED
    if what == SETTLED and sale.ending == SaleEnding.GAME_OFF:
        raise Conflict("The game is off.", field="what", remedy="The sale goes on when the game is on again.")
    if what == SETTLED:
        return ending_lift(actor=actor, sale_id=sale.pk, reason=said)
    if SALE_ENDINGS[what].seats is SeatEffect.FREED:
        sale_ask_whether_over(sale, field="what")
    return sale_end(actor=actor, sale_id=sale.pk, ending=SaleEnding(what), reason=said, charge=charge)


def reports_of(sale: Sale) -> list[str]:
    """What may be reported of a sale as it stands, but for what is settled again."""
    if promised_by_hand(sale):
        return [PAID, SaleEnding.CANCELLED]
    practice = [PRACTICE] * practice_may_end(sale)
    return [*(ending for ending in REPORTABLE if ending_may_be(sale.state, ending)), *practice]


def promised_by_hand(sale: Sale) -> bool:
    """Whether a sale was only promised and its account is read no more: what became of it only its holder can say."""
    return sale.state == SaleState.PROVISIONAL and sale.account.mode == Mode.ASSISTED


@transaction.atomic
def _promise_kept(actor: Actor, sale: Sale, reason: str) -> Sale:
    if not promised_by_hand(sale):
        raise Conflict(
            f"This sale is {sale.get_state_display()}.", field="what",
            remedy="Only of one that was promised, at an account by hand, you say that it was paid.",
        )  # fmt: skip
    paid = replace(as_told(sale), state=RemoteSaleState.AWAITING_FULFILMENT, remote_status="paid, told by hand")
    kept = sale_apply(account=sale.account, remote=paid)
    audit_record(
        actor=actor, verb="sale.promise_kept", object_type="sale", object_id=sale.pk, subject=sale.account.user_id,
        after={"reason": reason},
    )  # fmt: skip
    return kept


def _check(what: str, reason: str, charge: Decimal | None) -> None:
    if what not in REPORTS:
        raise InvalidInput(f"{what!r} is nothing to report.", field="what", remedy=f"Use one of: {', '.join(REPORTS)}.")
    if not reason.strip():
        raise InvalidInput("What it wrote is missing.", field="reason", remedy="Copy the sentence that says it.")
    if charge is not None and what not in _COSTS:
        raise InvalidInput("This costs nothing.", field="charge", remedy="Leave the amount out, or report a charge.")
    if charge is not None and charge <= 0:
        raise InvalidInput("The charge must be more than nothing.", field="charge", remedy="Write what it costs you.")


def sale_ask_whether_over(sale: Sale, *, field: str) -> None:
    """Raises Conflict where the sale's marketplace still tells of it, or cannot be asked: its seats are a buyer's.

    Of an assisted account, and of one that was left, nobody can be asked but the person who says so.
    """
    if sale.account.mode == Mode.ASSISTED or not sale.account.is_active:
        return
    name, adapter = platform_name(sale.platform), adapter_get(sale.platform)
    try:
        # Nothing is applied here: who asks may have a transaction, and the seats' locks come first.
        there = adapter.fetch_sale(link_for(sale.account), sale.platform_sale_id)
    except MarketplaceError as error:
        raise Conflict(
            f"{name} could not be asked: {str(error).rstrip('.')}.", field=field,
            remedy="Try again in a minute: no seat is freed unasked.",
        ) from error  # fmt: skip
    if there is not None and there.state is not RemoteSaleState.CANCELLED:
        raise Conflict(
            f"{name} says that the sale stands.", field=field, remedy="Ask it to cancel the sale on its own site."
        )
