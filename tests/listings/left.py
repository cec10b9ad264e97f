"""Accounts that were left and are connected again, and what was sold and announced there before."""

from dataclasses import replace
from decimal import Decimal

from listings.models import Payout, Sale
from listings.services.payouts import payout_apply
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import EventWords, PaymentLine, RemotePayment, RemoteSale, RemoteSaleState
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import account_leave
from seatsync.accounts.models import Role, User
from seatsync.core.clock import now
from tests.factories import MembershipFactory, TenantFactory
from tests.market import Market


def connected(market: Market, key: str, mode: Mode, user: User | None = None, **changes: object) -> MarketplaceAccount:
    """Another row of an account there, that tells of itself."""
    account = MarketplaceAccount.objects.create(
        tenant_id=market.holding.ticket.tenant_id, user=user or market.holding.user, platform=key, mode=mode,
        access_token="again", webhook_secret="again", sales_synced_until=now(),
        **{"stock_taken_at": now(), **changes},
    )  # fmt: skip
    market.accounts[key] = account
    return account


def elsewhere(market: Market) -> MarketplaceAccount:
    """An account at alpha that the holder has in another tenant, of which he is a member too."""
    tenant = TenantFactory.create()
    MembershipFactory.create(user=market.holding.user, tenant=tenant, role=Role.HOLDER)
    return MarketplaceAccount.objects.create(
        tenant=tenant, user=market.holding.user, platform="alpha", access_token="token", webhook_secret="there",
        stock_taken_at=now(), sales_synced_until=now(),
    )  # fmt: skip


def sold_and_left(market: Market) -> RemoteSale:
    """Two seats were sold at alpha, and its account was left after that; by now they are on their way to the buyer."""
    alpha, _ = market.published(market.holding.seats[:2])
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    market.work()
    account_leave(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    game = market.holding.game
    words = EventWords(f"{game.opponent.name} at {game.home_team.name}", game.venue.name, game.game_date.isoformat())
    later = replace(
        remote, state=RemoteSaleState.IN_DELIVERY, remote_status="OnTheWay", section="131", row="27", event=words
    )
    market.alpha.sales[remote.sale_id] = later
    return later


def paid_together(sales: list[Sale], reference: str) -> RemotePayment:
    """What these sales bring, in one payout; announced, where it has no reference yet."""
    lines = tuple(PaymentLine(one.platform_sale_id, one.gross, one.fees, Decimal(0), one.proceeds) for one in sales)
    net = sum((one.net for one in lines), Decimal(0))
    return RemotePayment(reference, now() if reference else None, net, "USD", lines)


def announced_together(market: Market) -> tuple[Payout, list[Sale]]:
    """A payout of two sales that was announced before their account was left; the first one is handed over."""
    alpha, _ = market.published()
    remotes = [market.alpha.sell(alpha.external_id, seats) for seats in ((1, 2), (3, 4))]
    for remote in remotes:
        market.webhook(remote)
    market.work()
    sales, account = list(Sale.objects.order_by("platform_sale_id")), market.accounts["alpha"]
    handed = market.alpha.move(sales[0].platform_sale_id, RemoteSaleState.IN_DELIVERY)
    sale_apply(account=account, remote=handed)
    payout_apply(account=account, remote=paid_together(sales, ""))
    account_leave(actor=market.holding.actor, account_id=account.pk)
    return Payout.objects.get(), sales
