"""What keeps a sale from its seats: who has them, and how sure that is."""

import uuid
from collections.abc import Sequence
from enum import StrEnum

from django.db.models import QuerySet

from listings.models import Sale, SaleState
from listings.selectors import sold_among
from marketplaces.models import MarketplaceAccount, Mode
from portfolios.models import OwnerState, Seat

# Why a sale on paper is rejected of seats that nobody has (I-20).
OFFERED_FOR_REAL = "a seat of this sale is offered for real"


class Obstacle(StrEnum):
    """None of these, or the worst of them."""

    # Somebody else has a seat: a live sale, its holder, whoever it was given to.
    TAKEN = "taken"
    # A sale of another marketplace (or of this account, worked by hand) that nobody could allocate yet holds a seat, or
    # a promise of this one does, which may be over there by now: it sold the seat again.
    UNCLEAR = "unclear"


def hold_key(account_id: uuid.UUID, platform_sale_id: str) -> str:
    """What a seat's `held_by` says while this sale has it."""
    return f"sale:{account_id.hex}:{platform_sale_id}"


def seats_held_for(account: MarketplaceAccount, platform_sale_id: str) -> set[uuid.UUID]:
    """The ids of the seats that a sale holds, or has."""
    key = hold_key(account.pk, platform_sale_id)
    return set(Seat.objects.filter(tenant_id=account.tenant_id, held_by=key).values_list("pk", flat=True))


def seats_may_have(sale: Sale) -> set[uuid.UUID]:
    """The ids of the seats that a sale holds, and of those that it may be given before we have their locks.

    An unclear sale is given what another one lets go.
    """
    return seats_held_for(sale.account, sale.platform_sale_id) | set(sale.may_be_of)


def obstacle_of(key: str, account: MarketplaceAccount, seats: Sequence[Seat]) -> Obstacle | None:
    """Why the sale with this hold key may not take these locked seats; None where it may.

    A seat that was only announced as sold, and whose sale was not read yet, keeps no sale from it that was read: the
    announcement names no seats, so it held more than its own, and it may be of a sale that does not exist.
    """
    foreign = [seat for seat in seats if seat.state != OwnerState.AVAILABLE and seat.held_by != key]
    sold = sold_among(seat.pk for seat in foreign)
    promised = set(promises_on(account, foreign).values_list("sale_seats__seat_id", flat=True))
    taken = {row.seat_id for row in sold} - promised
    unclear = False
    for seat in foreign:
        if seat.pk in taken or seat.state != OwnerState.HELD or not seat.held_by.startswith("sale:"):
            return Obstacle.TAKEN
        unclear = unclear or seat.pk in promised or _held_unclear(seat, account)
    return Obstacle.UNCLEAR if unclear else None


def promises_on(account: MarketplaceAccount, seats: Sequence[Seat]) -> QuerySet[Sale]:
    """The promises of this account that have any of these seats."""
    return Sale.objects.filter(
        account=account, state=SaleState.PROVISIONAL, sale_seats__seat__in=seats, sale_seats__live=True
    )


def _held_unclear(seat: Seat, account: MarketplaceAccount) -> bool:
    """Whether another stored sale holds the seat. One at the same account is told apart by its marketplace.

    Of an account by hand no marketplace tells its sales apart: two mails may be of the same seats.
    """
    _, account_hex, platform_sale_id = seat.held_by.split(":", 2)
    if account_hex == account.pk.hex and account.mode != Mode.ASSISTED:
        return False
    return Sale.objects.filter(account_id=uuid.UUID(account_hex), platform_sale_id=platform_sale_id).exists()
