"""A sale of seats that were another buyer's: what happened, what was done by when, and what it may cost its holder."""

from dataclasses import dataclass
from datetime import datetime

from listings.models import CommandKind, CommandState, Sale, SaleEnding, SaleState
from listings.selectors import sale_zone, sold_among
from listings.services.obstacles import OFFERED_FOR_REAL
from listings.services.sale_alerts import conflict_asks, reject_by, sale_what
from marketplaces.registry import platform_name
from seatsync.core.money import money_text
from seatsync.core.venue_time import local


@dataclass(frozen=True, slots=True)
class ConflictTold:
    """In sentences; `asks` is empty once nothing is left to do. `other`: the sale that has its seats, if any."""

    happened: str
    did: str
    asks: str
    cost: str
    other: Sale | None

    @property
    def body(self) -> str:
        """All of it, one after the other."""
        return " ".join(filter(None, (self.happened, self.did, self.asks, self.cost)))


def conflict_told(sale: Sale) -> ConflictTold | None:
    """What is to be said of a sale that is a conflict, or was rejected as one; None of any other."""
    open_still = sale.state == SaleState.CONFLICT and not sale.ending
    if not open_still and sale.ending != SaleEnding.REJECTED:
        return None
    name = platform_name(sale.platform)
    other = _other(sale)
    whose = "another buyer's already"
    if other is not None:
        whose += f", by sale {other.platform_sale_id} on {platform_name(other.platform)}"
    elif OFFERED_FOR_REAL in sale.state_reason:
        whose = "offered for real, which no sale on paper touches"
    return ConflictTold(
        happened=f"{name} sold {sale_what(sale)} at {_at(sale, sale.sold_at)}, when a seat of it was {whose}.",
        did=_did(sale, name),
        asks=conflict_asks(sale) if open_still else "",
        cost=_cost(sale, name),
        other=other,
    )


def _did(sale: Sale, name: str) -> str:
    heard, due = f"We heard of it at {_at(sale, sale.noticed_at)}", reject_by(sale)
    if sale.ending != SaleEnding.REJECTED or sale.ended_at is None:
        until = f"; it can be rejected until {_at(sale, due)}" if due else ""
        return f"{heard}{until}."
    done = sale.commands.filter(kind=CommandKind.REJECT_SALE, state=CommandState.DONE).order_by("finished_at").first()
    at = sale.ended_at if done is None else done.finished_at or sale.ended_at
    took = f"{name} took it back itself" if done is None else f"{name} took the rejection"
    if done is not None and done.by_hand:
        took = "you said that it is rejected there"
    late = "" if due is None else f", {'before' if at <= due else 'after'} its deadline of {_at(sale, due)}"
    return f"{heard}, and at {_at(sale, at)} {took}{late}."


def _cost(sale: Sale, name: str) -> str:
    """What sellers are charged who do not deliver: up to twice the sale, and sometimes the account (DOMAIN.md 4.2)."""
    twice = f", {money_text(sale.gross * 2, sale.currency)}" if sale.price_told else ""
    charged = f" So far {money_text(sale.charged, sale.currency)} was charged." if sale.charged else ""
    return f"No money comes of it. {name} may charge for it, up to twice its price{twice}: see its payouts.{charged}"


def _other(sale: Sale) -> Sale | None:
    """The sale that has a seat of it."""
    row = sold_among(sale.sale_seats.values_list("seat_id", flat=True)).exclude(sale=sale).first()
    return None if row is None else row.sale


def _at(sale: Sale, moment: datetime) -> str:
    return f"{local(moment, sale_zone(sale) or 'UTC'):%-d %b %H:%M %Z}"
