"""Sales of assisted accounts, as their mails tell them."""

import uuid
from dataclasses import replace
from decimal import Decimal

from listings.models import Listing, ListingSeat
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
    listing = _listing_of(account, [seat.pk for seat in match.seats]) if match.seats and not match.why else None
    traits, money = traits_of(account.platform), mail.payout or Decimal("0.00")
    remote = RemoteSale(
        sale_id=mail.order, external_id="", listing_id="", event_id="", quantity=mail.quantity, section=mail.section,
        row=mail.row, seats=tuple(map(str, mail.seats)), gross=money, fees=Decimal("0.00"), proceeds=money,
        currency=traits.currency if traits else "USD", state=RemoteSaleState.AWAITING_FULFILMENT,
        remote_status="told by mail", sold_at=mail.sent_at or now(), gross_known=False, event=words,
    )  # fmt: skip
    return (
        remote if listing is None else replace(remote, external_id=listing.external_id, listing_id=listing.listing_id)
    )


def _listing_of(account: MarketplaceAccount, seat_ids: list[uuid.UUID]) -> Listing | None:
    """The account's open listing that offers all of these seats."""
    offers = ListingSeat.objects.filter(
        listing__account=account, listing__status__in=OPEN, seat_id__in=seat_ids, offered=True
    ).values_list("listing_id", flat=True)
    found = [pk for pk in set(offers) if list(offers).count(pk) == len(seat_ids)]
    return Listing.objects.get(pk=found[0]) if len(found) == 1 else None
