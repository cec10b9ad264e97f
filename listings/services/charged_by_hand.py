"""What is charged or taken back for a sale where nobody reads payouts: its holder says so, as a payout of less."""

import uuid
from decimal import Decimal
from itertools import count

from django.db import transaction

from listings.models import CHARGED_BY_HAND, TAKEN_BY_HAND, Payout, PayoutLine, Sale
from listings.payables import name_by_hand, payouts_told
from listings.services.far_off import charge_check
from listings.services.payouts import amount_check, payment_less, payout_came, payout_noted
from marketplaces.locks import account_lock
from marketplaces.registry import platform_name
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed

CHARGED, TAKEN_BACK = "charged", "taken_back"
_BEGINS = {CHARGED: CHARGED_BY_HAND, TAKEN_BACK: TAKEN_BY_HAND}
KINDS = tuple(_BEGINS)
# Room in the column for the count of those that a sale has.
LONGEST_NAME = 74


def may_say_charged(actor: Actor, sale: Sale) -> bool:
    """Whether this person may say what was charged for a sale: the owner of an account whose payouts nobody reads."""
    return sale.account.is_of(actor) and not payouts_told(sale.account)


@transaction.atomic
def sale_charged(
    *, actor: Actor, sale_id: uuid.UUID, what: str, amount: Decimal, reason: str, confirmed: bool = False
) -> Payout:  # fmt: skip
    """The account's owner says that `amount` was charged for a sale, or taken back of what came: a payout of less.

    `amount` is positive, in the sale's currency; another amount is said of that payout (`payout_receive`), and nothing
    that was paid is touched. A charge on a sale that stands is a penalty. `confirmed`: the amount is meant, however
    much more it is than the sale brings. Raises NotFound, NotAllowed, InvalidInput, or Conflict where its payouts are
    read, or just this was said already.
    """
    sale = Sale.objects.select_related("account").get_for(actor, sale_id)
    account, said = sale.account, reason.strip()[:200]
    if not account.is_of(actor):
        raise NotAllowed("You may look at this sale. Whose account it is says what was charged.")
    if payouts_told(account):
        name = platform_name(sale.platform)
        raise Conflict(f"{name} says itself what it charges.", field="sale", remedy="Its payouts are read every hour.")
    if what not in KINDS:
        raise InvalidInput(f"{what!r} is unknown.", field="what", remedy=f"Use {' or '.join(KINDS)}.")
    if not said:
        raise InvalidInput("The reason is missing.", field="reason", remedy="Copy the sentence that says it.")
    amount_check(amount)
    charge_check(amount, sale, field="amount", confirmed=confirmed)
    # Said twice at once it was charged once: whoever comes second finds the first one's.
    account_lock(account.pk)
    known = PayoutLine.objects.filter(payout__reference__startswith=_BEGINS[what], sale=sale, note=said)
    if (line := known.select_related("payout").first()) is not None:
        raise Conflict(
            f"That was said already, with payout {line.payout.reference}.", field="reason",
            remedy="Another amount is put right on the payouts page; another charge has its own reason.",
        )  # fmt: skip
    name = _name_free(sale, _BEGINS[what])
    remote = payment_less(name, sale.platform_sale_id, amount, sale.currency, said)
    payout = payout_noted(account=account, remote=remote)
    payout.said = amount
    payout.save(update_fields=["said", "updated_at"])
    return payout_came(actor=actor, payout=payout, amount=None)


def _name_free(sale: Sale, begins: str) -> str:
    """What the payout is called: by its sale, with a number from the second on; a long order number is cut."""
    whole = name_by_hand(begins, sale, LONGEST_NAME)
    names = (whole if number == 1 else f"{whole} ({number})" for number in count(1))
    return next(name for name in names if not Payout.objects.filter(account=sale.account, reference=name).exists())
