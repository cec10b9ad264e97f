"""Sales that are promised before they are paid for, at each platform that knows them."""

import pytest

from marketplaces.contracts import Capability, Draft, MarketplaceAdapter, NoticeKind, RemoteSaleState
from marketplaces.registry import adapter_list
from tests.marketplaces.conftest import SECRET, World

PROMISING = [adapter for adapter in adapter_list() if Capability.PROVISIONAL_SALE in adapter.traits.capabilities]


def test_there_is_one() -> None:
    assert PROMISING


@pytest.mark.parametrize("adapter", PROMISING, ids=lambda adapter: adapter.traits.key)
def test_provisional_sale_is_told_settled_and_cancelled(
    adapter: MarketplaceAdapter, world: World, draft: Draft
) -> None:
    link = world.link(adapter.traits.key)
    adapter.register_webhook(link, url="https://seatsync.test/hooks", secret=SECRET)
    adapter.create(link, draft)
    first = world.sell(adapter.traits.key, 2, provisional=True)["sale_id"]
    sale = adapter.fetch_sale(link, first)
    assert sale is not None
    assert sale.state is RemoteSaleState.PROVISIONAL
    world.control("advance", {"sale_id": first, "to": "cancelled"})
    second = world.sell(adapter.traits.key, 4, provisional=True)["sale_id"]
    world.moment += 30
    world.simulator.tick()
    kinds = [adapter.parse_webhook({}, body.encode())[0].kind for _, _, body in world.delivered]
    assert kinds == [
        NoticeKind.PROVISIONAL_SALE, NoticeKind.PROVISIONAL_CANCELLED, NoticeKind.PROVISIONAL_SALE, NoticeKind.SALE,
    ]  # fmt: skip
    assert adapter.confirm(link, second).state is RemoteSaleState.AWAITING_FULFILMENT
