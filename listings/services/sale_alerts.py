"""What people are told about sales and moved games."""

from collections.abc import Sequence
from datetime import datetime

from listings.models import CommandKind, CommandState, Sale, SaleState
from listings.selectors import FOR_HANDS, sale_zone
from listings.services.notify import sale_people
from listings.states import HANDED_OVER, SALE_LIVE, TAKES_DOWN
from marketplaces.delivery import STEPS, step_of
from marketplaces.registry import platform_name
from portfolios.models import Game, SeasonTicket, Seat
from portfolios.services.ledger import watchers
from seatsync.accounts.selectors import platform_staff_ids
from seatsync.core.links import page_link
from seatsync.core.money import money_text
from seatsync.core.templatetags.ui import milliseconds
from seatsync.core.venue_time import local
from seatsync.live.alerts import alert_raise, alerts_raise, alerts_recover, alerts_reword
from seatsync.tenants.selectors import tenant_default

_AGAIN, _TWICE = "sale.again", "sale.twice"
_SOLD, _PROMISED, _UNCLEAR, _AMOUNTS = "sale.sold", "sale.provisional", "sale.unclear", "sale.amounts"
_MISSING, _CONFLICT, _CANCELLED = "sale.missing", "sale.conflict", "sale.cancelled"
_RECOUNTED = "sale.recounted"
# Reminders of what is to be handed over (due_alerts.py).
REMINDERS = DUE, DUE_SOON, LATE = ("sale.due", "sale.due_soon", "sale.late")
# What an alert says or asks for is so while its sale is in this state.
_TRUE_WHILE = {
    _PROMISED: SaleState.PROVISIONAL,
    _SOLD: SaleState.CONFIRMED,
    **dict.fromkeys(REMINDERS, SaleState.CONFIRMED),
    _UNCLEAR: SaleState.NEEDS_PERSON,
    _CONFLICT: SaleState.CONFLICT,
    _CANCELLED: SaleState.CANCELLED,
}


def _name(sale: Sale) -> str:
    return platform_name(sale.platform)


def _seats(sale: Sale) -> str:
    """How many, where that is told."""
    return f"{sale.quantity or ''} seat{'' if sale.quantity == 1 else 's'}".strip()


def sale_what(sale: Sale) -> str:
    """The sale's seats and game, as far as they are known: "2 seats 131 row 27, White Sox at Mariners on 25 Nov"."""
    if sale.listing is None:
        return f"sale {sale.platform_sale_id}"
    return f"{_seats(sale)} {sale.listing.section} row {sale.listing.row}, {sale.listing.game.words}"


def sale_tell(sale: Sale, *, kind: str, title: str, body: str, severity: str) -> None:
    """Tell a sale's people something of it; what is open already under this kind is reworded."""
    people, key = sale_people(sale), f"{kind}:{sale.pk}"
    told = alerts_raise(
        tenant_id=sale.tenant_id,
        user_ids=people,
        mode=sale.mode,
        kind=kind,
        title=title,
        body=body,
        severity=severity,
        object_type="sale",
        object_id=str(sale.pk),
        url=page_link("listings:sale_detail", sale.pk),
        dedupe_key=key,
    )
    # One that was open already says what is true by now.
    if any(alert.count > 1 for alert in told):
        alerts_reword(user_ids=people, dedupe_keys=[key], body=body, title=title)


def sale_settle_kinds(sale: Sale, *kinds: str) -> None:
    """What was told of a sale under these kinds is over."""
    alerts_recover(user_ids=sale_people(sale), dedupe_keys=[f"{kind}:{sale.pk}" for kind in kinds])


def alert_sold(sale: Sale) -> None:
    """Seats were sold, or are promised to a buyer whose payment is awaited."""
    promised = sale.state == SaleState.PROVISIONAL
    # Handed over before we heard of it: nothing is asked of anybody.
    asks = sale.state in {SaleState.PROVISIONAL, SaleState.CONFIRMED}
    what = "Held for a buyer" if promised else "Sold"
    sale_tell(
        sale,
        kind=_PROMISED if promised else _SOLD,
        title=f"{what} on {_name(sale)}: {sale_what(sale)}."[:160],
        body=_sold_body(sale),
        severity="action" if asks else "info",
    )


def alerts_settle(sale: Sale) -> None:
    """The sale has come to another state: the alerts that say or ask otherwise are over."""
    over = [kind for kind, state in _TRUE_WHILE.items() if state != sale.state]
    if sale.state in HANDED_OVER and sale.asked_again_at is not None:
        over = [kind for kind in over if kind not in REMINDERS]
    # Of a game that is off no money comes, and nothing is to be handed over.
    over += [] if sale.stands else [_PROMISED, _SOLD, _AGAIN, *REMINDERS]
    sale_settle_kinds(sale, *over, *(() if sale.state in SALE_LIVE else (_AGAIN, _TWICE, _RECOUNTED)))


def alert_rejected(sale: Sale) -> None:
    """Its marketplace took the rejection: the conflict is over, and nothing is left to look at."""
    sale_settle_kinds(sale, _CONFLICT)


def alert_missing(sale: Sale, *, missing: bool) -> None:
    """A sale that we have is not known at its marketplace, or (not `missing`) is there after all."""
    if not missing:
        sale_settle_kinds(sale, _MISSING)
        return
    sale_tell(
        sale,
        kind=_MISSING,
        title=f"{_name(sale)} knows nothing of sale {sale.platform_sale_id}",
        body="Your seats stay with it. Look at your sales there; cancelled there, it is cancelled here.",
        severity="critical",
    )


def alert_sold_elsewhere_down(sale: Sale) -> None:
    """The last of the other listings is gone: the alert of the sale says so instead of that they are coming down."""
    keys = [f"{kind}:{sale.pk}" for kind in (_PROMISED, _SOLD)]
    alerts_reword(user_ids=sale_people(sale), dedupe_keys=keys, body=_sold_body(sale))


def _sold_body(sale: Sale) -> str:
    elsewhere = "They are being taken off sale elsewhere."
    if sale.last_delist_at == sale.noticed_at:
        hands = taken_down_by_hand(sale)
        elsewhere = "These seats were offered nowhere else."
        if hands:
            elsewhere = f"You took them down at {' and '.join(hands)}."
    elif sale.last_delist_at is not None:
        took = milliseconds(sale.notice_to_last_delist_ms)
        elsewhere = f"They were off sale elsewhere {took} after we heard."
    if by_hand := on_show_by_hand(sale):
        told = "" if sale.last_delist_at == sale.noticed_at else f"{elsewhere} "
        elsewhere = f"{told}Take them down at {' and '.join(by_hand)} with your own hands."
    to_you = money_text(sale.proceeds, sale.currency)
    if sale.reckoned:
        return f"{to_you} to you, reckoned by its fee. {elsewhere}"
    if not sale.proceeds_told:
        return f"{money_text(sale.gross, sale.currency)} less a fee that is not told. {elsewhere}"
    if sale.state == SaleState.PROVISIONAL:
        return f"{to_you} to you once {_name(sale)} has the buyer's payment. {elsewhere}"
    return f"{to_you} to you. {elsewhere}"


def on_show_by_hand(sale: Sale) -> list[str]:
    """Where its seats are on show until a person takes them down: no figure of ours tells when that was."""
    tasks = sale.commands.filter(FOR_HANDS, kind__in=TAKES_DOWN)
    return sorted({platform_name(key) for key in tasks.values_list("account__platform", flat=True)})


def taken_down_by_hand(sale: Sale) -> list[str]:
    """Where a person said that he took its seats off show."""
    tasks = sale.commands.filter(by_hand=True, state=CommandState.DONE, kind__in=TAKES_DOWN)
    return sorted({platform_name(key) for key in tasks.values_list("account__platform", flat=True)})


def alert_again(sale: Sale) -> None:
    """Its marketplace wants tickets that went before, or (nothing is asked again any more) has them, or needs none."""
    if sale.asked_again_at is None or not sale.stands:
        sale_settle_kinds(sale, _AGAIN, *(REMINDERS if sale.state in HANDED_OVER else ()))
        return
    said = f" It says: {sale.delivery_note}." if sale.delivery_note else ""
    sale_tell(
        sale,
        kind=_AGAIN,
        title=f"{_name(sale)} wants the tickets again: {sale_what(sale)}"[:160],
        body=f"{STEPS[step_of(sale.delivery_step)].words}{said}",
        severity="critical",
    )


def alert_recounted(sale: Sale, free: Sequence[Seat]) -> None:
    """Its marketplace names another number of seats than before; `free`: those that are no part of it any more."""
    own = sale.sale_seats.filter(live=True).order_by("seat__seat_number")
    seats = ", ".join(map(str, own.values_list("seat__seat_number", flat=True)))
    body = f"It is of {_seats(sale)} now, for {money_text(sale.gross, sale.currency)}."
    if free:
        numbers = ", ".join(str(seat.seat_number) for seat in free)
        whose = f"Seat {numbers} is" if len(free) == 1 else f"Seats {numbers} are"
        body += f" {whose} yours again, and offered nowhere: publish what you still want to sell."
    sale_tell(
        sale, kind=_RECOUNTED, title=f"{_name(sale)} changed sale {sale.platform_sale_id}: seats {seats}"[:160],
        body=body, severity="action",
    )  # fmt: skip


def alert_twice(sale: Sale) -> None:
    """One ticket was given to two sales: all selling of its holder is halted (I-10)."""
    sale_tell(
        sale,
        kind=_TWICE,
        title=f"One ticket in two sales: {_name(sale)} sale {sale.platform_sale_id}"[:160],
        body="All your selling is halted. Give each seat its own ticket, then lift the brake.",
        severity="critical",
    )


def alert_twice_over(sale: Sale) -> None:
    """Each of its seats has its own ticket by now."""
    sale_settle_kinds(sale, _TWICE)


def alert_twice_staff(sale: Sale, other: Sale) -> None:
    """One ticket in sales of two tenants: only those who run the platform may know of both."""
    for user_id in platform_staff_ids():
        alert_raise(
            tenant_id=tenant_default().pk, user_id=user_id, kind="sale.two_tenants",
            mode=sale.mode,
            title="One ticket was handed over by two tenants",
            body=f"Sales {sale.pk} and {other.pk}: ask both for their proof. The second one's selling is halted.",
            severity="critical", object_type="sale", object_id=str(sale.pk),
            url=page_link("admin:listings_sale_change", sale.pk), dedupe_key=f"two-tenants:{sale.pk}:{other.pk}",
        )  # fmt: skip


def alert_amounts(sale: Sale, *, unexplained: bool) -> None:
    """What a marketplace says of a sale's money does not add up: it is kept as told, and said until it does."""
    if not unexplained:
        sale_settle_kinds(sale, _AMOUNTS)
        return
    gross, fees, proceeds, rest = (
        money_text(value, sale.currency) for value in (sale.gross, sale.fees, sale.proceeds, sale.rounding)
    )
    sale_tell(
        sale,
        kind=_AMOUNTS,
        title=f"{_name(sale)}'s amounts of a sale do not add up",
        body=f"{gross} less {fees} fees is not the {proceeds} that it says you get: {rest} is not explained. Ask it.",
        severity="action",
    )


def conflict_asks(sale: Sale) -> str:
    """What is done about a sale of seats that somebody else has: by us, or by its holder where nobody else can."""
    if sale.commands.filter(kind=CommandKind.REJECT_SALE, by_hand=True).exists():
        return conflict_asks_by_hand(sale)
    return "The sale is being rejected there before its confirm-by time. Look at it now."


def reject_by(sale: Sale) -> datetime | None:
    """Until when a sale of seats that are gone can be refused, as its marketplace told; None where it did not."""
    # What was reckoned says when to deliver, and nothing of a refusal.
    return sale.confirm_by or (None if sale.ship_by_reckoned else sale.ship_by)


def conflict_asks_by_hand(sale: Sale) -> str:
    """What the holder of an account by hand must do there about such a sale, and until when.

    Where its deadline was not told only its marketplace's own site tells it.
    """
    name, due = _name(sale), reject_by(sale)
    until = f"by {local(due, sale_zone(sale) or 'UTC'):%-d %b %H:%M %Z}" if due else "now"
    told = "" if due else f" Until when that can be done only {name} says, under that sale."
    return (
        f"{name} has no interface for us: only you can reject it. Reject sale {sale.platform_sale_id} there {until}, "
        f"then say under By hand that it is done.{told} The tickets are another buyer's: do not hand them over there."
    )


def alert_conflict(sale: Sale) -> None:
    """A marketplace sold seats that somebody else has."""
    sale_tell(
        sale,
        kind=_CONFLICT,
        title=f"Conflict: {_name(sale)} sold seats that are gone: {sale_what(sale)}"[:160],
        body=conflict_asks(sale),
        severity="critical",
    )


def alert_unclear(sale: Sale, reason: str) -> None:
    """A sale needs a person."""
    sale_tell(
        sale,
        kind=_UNCLEAR,
        title=f"{_name(sale)} sale needs you: {sale_what(sale)}"[:160],
        body=f"Nothing was decided, because {reason}.",
        severity="critical",
    )


def alert_game_moved(ticket: SeasonTicket, game: Game, what: str, held: int, *, key: str) -> None:
    """A game was moved while its seats were on offer: what was taken down, and the question what to do now.

    `key` says what was told of it: the same is asked once.
    """
    listings = "1 listing was" if held == 1 else f"{held} listings were"
    for user_id in watchers(ticket.pk):
        alert_raise(
            tenant_id=ticket.tenant_id,
            user_id=user_id,
            kind="game.moved",
            title=f"{game.opponent.name}: {what}"[:160],
            body=f"{listings} taken down. Publish the seats again if you still want to sell them.",
            severity="action",
            object_type="game",
            object_id=str(game.pk),
            url=page_link("analytics:game_detail", game.pk),
            dedupe_key=f"game.moved:{ticket.pk}:{game.pk}:{key}",
        )
