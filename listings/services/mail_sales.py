"""Sales of assisted accounts, as their mails tell them."""

import uuid
from collections import Counter
from decimal import Decimal

from listings.models import Listing, ListingSeat
from listings.services.by_hand import amounts_of
from listings.services.recognise import Told, recognise
from listings.services.sale_saga import sale_apply
from listings.states import OPEN
from marketplaces.contracts import EventWords, RemoteSale, RemoteSaleState
from marketplaces.errors import PermanentError
from marketplaces.mails import SaleMail, sale_in
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.registry import traits_of
from marketplaces.selectors import inbound_body
from seatsync.core.clock import now


def mail_apply(event: InboundEvent) -> None:
    """Bring the ledger to what a forwarded mail says: seats that are certain are sold, anything else asks a person.

    Raises PermanentError for a mail that cannot be read any more.
    """
    raw = inbound_body(event)
    mail = sale_in(raw) if raw is not None else None
    if mail is None:
        raise PermanentError("the mail names no sale")
    sale_apply(account=event.account, remote=_told(event.account, mail), noticed_at=event.received_at)


def _told(account: MarketplaceAccount, mail: SaleMail) -> RemoteSale:
    words = EventWords(mail.event, mail.event, mail.local_date)
    match = recognise(account, Told("", words, mail.section, mail.row, mail.seats, mail.quantity))
    listing = _listing_of(account, [seat.pk for seat in match.seats], certain=not match.why)
    gross, net = mail.payout or Decimal("0.00"), mail.payout
    if net is None and listing is not None:
        gross, net = amounts_of(listing, mail.quantity, listing.price)
    known = net is not None
    net = gross if net is None else net
    traits = traits_of(account.platform)
    return RemoteSale(
        sale_id=mail.order, external_id=listing.external_id if listing else "",
        listing_id=listing.listing_id if listing else "", event_id="", quantity=mail.quantity, section=mail.section,
        row=mail.row, seats=tuple(map(str, mail.seats)), gross=gross, fees=gross - net, proceeds=net,
        currency=traits.currency if traits else "USD", state=RemoteSaleState.AWAITING_FULFILMENT,
        remote_status="told by mail", sold_at=mail.sent_at or now(), gross_known=mail.payout is None,
        proceeds_known=known, event=words,
    )  # fmt: skip


def _listing_of(account: MarketplaceAccount, seat_ids: list[uuid.UUID], *, certain: bool) -> Listing | None:
    """The account's only open listing that offers all of these seats; where they are not certain, any of them.

    With it an unclear sale holds what it may have taken.
    """
    offers = ListingSeat.objects.filter(
        listing__account=account, listing__status__in=OPEN, seat_id__in=seat_ids, offered=True
    )
    counts = Counter(offers.values_list("listing_id", flat=True))
    found = [pk for pk, count in counts.items() if count == len(seat_ids) or not certain]
    return Listing.objects.get(pk=found[0]) if len(found) == 1 else None
