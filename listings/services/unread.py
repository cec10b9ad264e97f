"""Sales that were announced to an account and not read before its holder took it into his own hands.

Nobody can read them any more: what was held for one waits for his word, as any unclear sale does.
"""

from decimal import Decimal

from listings.models import Sale
from listings.services.refs import listing_called
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import NoticeKind, RemoteSale, RemoteSaleState
from marketplaces.models import InboundEvent
from marketplaces.registry import traits_of

ANNOUNCED = "it was announced, and its account was left before it could be read: say what it took, if anything"


def announced_keep(event: InboundEvent) -> None:
    """Keep an announced sale as an unclear one, with no amount and no number of tickets; one that is known stays."""
    account, number = event.account, event.resource_id
    if not number or event.kind == NoticeKind.PROVISIONAL_CANCELLED:
        return
    if Sale.objects.filter(account=account, platform_sale_id=number).exists():
        return
    listing, traits = listing_called(account, key=event.external_id), traits_of(account.platform)
    nothing = Decimal("0.00")
    remote = RemoteSale(
        sale_id=number, external_id=event.external_id, listing_id=listing.listing_id if listing else "", event_id="",
        quantity=0, section=listing.section if listing else "", row=listing.row if listing else "", seats=(),
        gross=nothing, fees=nothing, proceeds=nothing, currency=traits.currency if traits else "USD",
        state=RemoteSaleState.AWAITING_FULFILMENT, remote_status=event.topic, sold_at=event.received_at,
        doubt=ANNOUNCED, gross_known=False, proceeds_known=False,
    )  # fmt: skip
    sale_apply(account=account, remote=remote, noticed_at=event.received_at)
