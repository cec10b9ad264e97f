"""What one buyer was given goes to no other (I-10): which sales have a ticket, a link or a number already."""

import re
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from listings.models import CommandState, Sale, SaleProof
from listings.services.sale_scene import buyer_of
from listings.services.seat_tickets import fingerprint
from listings.states import SALE_LIVE
from marketplaces.delivery import HandOver
from marketplaces.registry import platform_name
from seatsync.core.errors import InvalidInput

# A receipt is the holder's own and may be for several buyers' tickets; the other numbers lead one buyer to his.
OF_ONE_BUYER = frozenset({HandOver.MOBILE_TRANSFER, HandOver.TRACKING, HandOver.RESERVATION_CODE})


class Twice(Exception):
    """A ticket, a link or a number that another live sale has."""

    def __init__(self, sale: Sale, other: SaleProof) -> None:
        super().__init__()
        self.sale, self.other = sale, other


def sale_name(sale: Sale) -> str:
    """A sale as its marketplace calls it."""
    return f"{platform_name(sale.platform)} sale {sale.platform_sale_id}"


def given_with_others(sale: Sale, marks: Iterable[str]) -> QuerySet[SaleProof]:
    """What of these is with other live sales, of whatever tenant."""
    return _with_others(sale).filter(fingerprint__in=list(marks))


def _with_others(sale: Sale) -> QuerySet[SaleProof]:
    """What other live sales have. What a buyer was sent he has, also where it was replaced since."""
    sent = Q(command__state__in=[CommandState.DONE, CommandState.IN_FLIGHT]) | Q(command__outcome_unknown=True)
    with_buyers = SaleProof.objects.filter(Q(live=True) | sent & Q(sale__state__in=SALE_LIVE))
    return with_buyers.exclude(sale=sale).select_related("sale__account")


def number_mark(sale: Sale, number: str) -> str:
    """By which a number is found again among its holder's sales, in one spelling."""
    return fingerprint(f"{sale.account.user_id} {re.sub(r'[ -]', '', number).upper()}".encode())


def number_free(sale: Sale, mark: str) -> bool:
    """Whether no other sale of its holder has this number; where one has, its buyer is this sale's.

    Raises Twice where the buyers are two, and InvalidInput where that is not known.
    """
    others = _with_others(sale).filter(number_mark=mark)
    for other in others:
        own, theirs = buyer_of(sale), buyer_of(other.sale)
        if own is None or theirs is None:
            raise InvalidInput(
                f"{sale_name(other.sale)} has this number, and it is not known that its buyer is this one's.",
                field="confirmation", remedy="Give the number of this sale's own hand-over.",
            )  # fmt: skip
        if (own.email.casefold() or own) != (theirs.email.casefold() or theirs):
            raise Twice(sale, other)
    return not others
