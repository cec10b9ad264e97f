"""Sales that were announced and not read: their account was left before, or its marketplace was asked in vain.

What was held for one waits for its holder's word, as any unclear sale does; what its marketplace tells later counts.
"""

from decimal import Decimal

from listings.models import Sale
from listings.services.refs import listing_called
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import NoticeKind, RemoteSale, RemoteSaleState
from marketplaces.models import InboundEvent
from marketplaces.registry import traits_of

ANNOUNCED = "it was announced, and its account was left before it could be read: say what it took, if anything"


def announced_keep(event: InboundEvent, why: str = ANNOUNCED) -> None:
    """Keep an announced sale as an unclear one (`why`), of no told amount or number of tickets; a known one stays."""
    account, number = event.account, event.resource_id
    if not number or event.kind == NoticeKind.PROVISIONAL_CANCELLED:
        return
    if Sale.objects.filter(account=account, platform_sale_id=number).exists():
        return
    listing = listing_called(account, key=event.external_id, listing_id=event.listing_id)
    traits, nothing = traits_of(account.platform), Decimal("0.00")
    remote = RemoteSale(
        sale_id=number, external_id=event.external_id, listing_id=listing.listing_id if listing else event.listing_id,
        event_id="",
        quantity=0, section=listing.section if listing else "", row=listing.row if listing else "", seats=(),
        gross=nothing, fees=nothing, proceeds=nothing, currency=traits.currency if traits else "USD",
        state=RemoteSaleState.AWAITING_FULFILMENT, remote_status=event.topic, sold_at=event.received_at,
        doubt=why, gross_known=False, proceeds_known=False,
    )  # fmt: skip
    sale_apply(account=account, remote=remote, noticed_at=event.received_at)
