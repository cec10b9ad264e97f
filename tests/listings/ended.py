"""A sale that goes wrong on a scripted platform, and what is seen of it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from analytics.selectors.overview import season_overview
from listings.models import Sale
from listings.services.payouts import account_sync_payouts
from listings.services.sale_report import sale_report
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSale, RemoteSaleState
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.market import Market


@dataclass
class Ended:
    """A market, and a sale of two seats on alpha."""

    market: Market
    remote: RemoteSale

    @classmethod
    def promised(cls, market: Market) -> Self:
        """Two seats on alpha that a buyer was promised and has not paid for."""
        alpha, _ = market.published(market.holding.seats[:2])
        remote = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL)
        market.webhook(remote)
        return cls(market, remote)

    @property
    def sale(self) -> Sale:
        return Sale.objects.select_related("account", "listing", "payout_calendar").get(
            platform_sale_id=self.remote.sale_id
        )

    @property
    def seats(self) -> list[str]:
        own = Seat.objects.filter(game=self.market.holding.game).order_by("seat_number")
        return list(own.values_list("state", flat=True))

    def says(self, state: RemoteSaleState, status: str = "") -> None:
        """Its marketplace tells of it anew."""
        moved = self.market.alpha.move(self.remote.sale_id, state)
        if status:
            self.market.alpha.sales[moved.sale_id] = moved = replace(moved, remote_status=status)
        sale_apply(account=self.market.accounts["alpha"], remote=moved)
        self.market.work()

    def pays(
        self, reference: str, *, gross: str = "168.00", fee: str = "16.80", penalty: str = "0.00",
        note: str = "Late delivery",
    ) -> None:  # fmt: skip
        net = Decimal(gross) - Decimal(fee) - Decimal(penalty)
        line = PaymentLine(
            self.remote.sale_id, Decimal(gross), Decimal(fee), Decimal(penalty), net,
            note if Decimal(penalty) else "",
        )  # fmt: skip
        self.market.alpha.paid.append(RemotePayment(reference, now(), net, "USD", (line,)))
        account_sync_payouts(account=self.market.accounts["alpha"])

    def alert(self, kind: str) -> Alert:
        return Alert.objects.get(kind=kind, user_id=self.market.holding.user.pk)

    def overview(self) -> Any:
        return season_overview(self.market.holding.actor, self.market.holding.ticket)

    def shown(self) -> list[str]:
        return [*self.market.alpha.shown(), *self.market.beta.shown()]

    def report(self, what: str, **more: Any) -> Sale:
        arguments: dict[str, Any] = {"reason": "they wrote so", **more}
        return sale_report(actor=self.market.holding.actor, sale_id=self.sale.pk, what=what, **arguments)
