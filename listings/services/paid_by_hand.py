"""Money for sales over assisted and closed accounts: nobody reads their payouts, so their holder says that it came."""

import uuid
from decimal import Decimal

from django.db import transaction

from listings.models import BY_HAND, Payout, Sale, SaleEnding, SaleState
from listings.payables import OWED, holder_says_paid, name_by_hand, payouts_made_of, tells_payouts
from listings.services.by_hand import sale_handed_over
from listings.services.far_off import came_check
from listings.services.payouts import amount_check, payout_came, payout_noted, payout_receive
from marketplaces.contracts import PaymentLine, RemotePayment
from marketplaces.locks import account_lock
from marketplaces.registry import platform_name
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed


@transaction.atomic
def sale_paid(
    *, actor: Actor, sale_id: uuid.UUID, amount: Decimal | None = None, handed_over: bool = False,
    confirmed: bool = False,
) -> Payout:  # fmt: skip
    """The owner of an assisted or closed account says that a sale's money came: a payout of it, received by hand.

    `amount` is what came, in the sale's currency, where it is not what the sale was to bring, or that is not told;
    said again it puts right what was said before. `handed_over`: its tickets were handed over too, which is noted
    first where it is not known. `confirmed`: the amount is meant, however far it is from what was expected. Raises
    NotFound, NotAllowed, InvalidInput, or Conflict where nothing is owed, it came already, its payouts are read, or its
    tickets are not handed over, as far as is known.
    """
    sale = Sale.objects.select_related("account").get_for(actor, sale_id)
    account, name = sale.account, platform_name(sale.platform)
    if not account.is_of(actor):
        raise NotAllowed("You may look at this sale. Whose account it is says what came.")
    if not holder_says_paid(account):
        remedy = "They are read every hour." if tells_payouts(sale.platform) else "Say it of the payout."
        raise Conflict(f"{name}'s payouts come by themselves.", field="sale", remedy=remedy)
    if sale.state not in OWED or sale.ending == SaleEnding.GAME_OFF:
        raise Conflict(
            f"Nothing is owed for this sale: it is {sale.why_nothing}.", field="sale", remedy="Look at the sale again."
        )
    if amount is None and not sale.proceeds_told:
        raise InvalidInput(
            f"What reaches you of this sale is not told by {name}.", field="amount", remedy="Write what came."
        )
    if amount is not None:
        amount_check(amount)
        came_check(amount, sale, confirmed=confirmed)
    # Said twice at once it came once: whoever comes second finds the first one's.
    account_lock(account.pk)
    made = payouts_made_of([sale.pk]).first()
    if made is not None and amount is not None and made.reference == name_by_hand(BY_HAND, sale):
        return payout_receive(actor=actor, payout_id=made.pk, amount=amount, confirmed=confirmed)
    if made is not None:
        raise Conflict(
            f"The money of this sale was received already, with payout {made.name}.", field="sale",
            remedy="Nothing is left to say.",
        )  # fmt: skip
    # Money says nothing of the tickets: a sale that is paid is complete, and nobody hands it over any more.
    sale.refresh_from_db(fields=["state"])
    if sale.state == SaleState.CONFIRMED and not handed_over:
        raise Conflict(
            "Its tickets are not handed over, as far as is known.", field="handed_over",
            remedy="Hand them over first, or say with the money that they were.",
        )  # fmt: skip
    line = PaymentLine(sale.platform_sale_id, sale.gross, sale.fees, Decimal(0), sale.proceeds)
    came = RemotePayment(name_by_hand(BY_HAND, sale), None, sale.proceeds, sale.currency, (line,))
    # Before the seats and the sale, as the locks go.
    payout = payout_noted(account=account, remote=came)
    if sale.state == SaleState.CONFIRMED:
        sale_handed_over(actor=actor, sale=sale)
    # What was to come came: that is no other amount.
    return payout_came(actor=actor, payout=payout, amount=None if amount == sale.proceeds else amount)
