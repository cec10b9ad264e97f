"""Telling without a lock which sales of a poll are no news: most of them are as we have them."""

from collections.abc import Sequence

from listings.models import Sale, SaleState
from listings.services.hand_over_due import dues_same
from listings.services.sale_scene import STATE_OF, money_moved
from listings.states import SALE_LIVE
from marketplaces.contracts import RemoteSale, RemoteSaleState
from marketplaces.models import MarketplaceAccount


def sales_new(account: MarketplaceAccount, sales: Sequence[RemoteSale]) -> list[RemoteSale]:
    """Those of these sales that are news, in their order; two queries, however many there are."""
    found = Sale.objects.filter(account=account, platform_sale_id__in={remote.sale_id for remote in sales})
    known = {sale.platform_sale_id: sale for sale in found.prefetch_related("sale_seats__seat")}
    return [remote for remote in sales if remote.sale_id not in known or _news(known[remote.sale_id], remote)]


def _news(sale: Sale, remote: RemoteSale) -> bool:
    """Whether anything is to be done about it; a sale that waits for somebody is judged anew each time."""
    if remote.state is RemoteSaleState.AWAITING_CONFIRM or sale.state == SaleState.NEEDS_PERSON:
        return True
    if sale.remote_state == RemoteSaleState.ISSUE and remote.state is not RemoteSaleState.ISSUE:
        return True  # what was complained of is settled, under whatever word
    if _step_news(sale, remote):
        return True
    over = sale.state in {SaleState.CANCELLED, SaleState.CONFLICT}
    as_we_have = sale.state == STATE_OF.get(remote.state) or over or sale.asked_again_at is not None
    same_state = sale.remote_status == remote.remote_status[:60] and as_we_have
    return not (same_state and _same_money(sale, remote) and (over or _same_seats(sale, remote)))


def _step_news(sale: Sale, remote: RemoteSale) -> bool:
    """Whether a live sale waits for another thing than we have."""
    told = (remote.step.value, remote.step_note[:300])
    return sale.state in SALE_LIVE and (sale.delivery_step, sale.delivery_note) != told


def _same_money(sale: Sale, remote: RemoteSale) -> bool:
    return dues_same(sale, remote) and not money_moved(sale, remote)


def _same_seats(sale: Sale, remote: RemoteSale) -> bool:
    """Where it names seats, a live sale has these; else as many as it says."""
    own = {str(row.seat.seat_number) for row in sale.sale_seats.all() if row.live}
    if not remote.seats:
        return sale.state not in SALE_LIVE or remote.quantity in {0, sale.quantity, len(own)}
    return sale.state in SALE_LIVE and own == set(remote.seats)
