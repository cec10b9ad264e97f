"""Money for sales over assisted accounts: nobody reads their payouts, so their holder says that it came."""

import uuid
from decimal import Decimal

from listings.models import Payout, Sale, SaleEnding
from listings.payables import OWED, tells_payouts
from listings.services.payouts import amount_check, payout_apply, payout_receive
from marketplaces.contracts import PaymentLine, RemotePayment
from marketplaces.models import Mode
from marketplaces.registry import platform_name
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed


def sale_paid(*, actor: Actor, sale_id: uuid.UUID, amount: Decimal | None = None) -> Payout:
    """The owner of an assisted account says that a sale's money came: a payout of that one sale, received by hand.

    `amount` is what came, in the sale's currency, where it is not what the sale was to bring, or that is not told.
    Raises NotFound, NotAllowed, InvalidInput, or Conflict where nothing is owed, or its payouts are read.
    """
    sale = Sale.objects.select_related("account").get_for(actor, sale_id)
    account, name = sale.account, platform_name(sale.platform)
    if account.user_id != actor.user_id and not actor.is_staff:
        raise NotAllowed("You may look at this sale. Whose account it is says what came.")
    if account.mode != Mode.ASSISTED:
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
    # Announced first: whoever is cut off here finds it among the announced ones, and says it there.
    line = PaymentLine(sale.platform_sale_id, sale.gross, sale.fees, Decimal(0), sale.proceeds)
    announced = RemotePayment(f"by hand {sale.platform_sale_id}"[:80], None, sale.proceeds, sale.currency, (line,))
    payout_apply(account=account, remote=announced)
    payout = Payout.objects.get(account=account, reference=announced.reference)
    return payout_receive(actor=actor, payout_id=payout.pk, amount=amount)
