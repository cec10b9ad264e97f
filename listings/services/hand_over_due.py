"""By when a sale's tickets are to be handed over: as its marketplace told it, else as its published rule fixes it."""

import uuid
from datetime import date, datetime
from functools import cache

from django.db import transaction

from listings.locks import sale_lock
from listings.models import Sale, SaleState
from listings.selectors import to_hand_over
from listings.services.notify import sale_changed
from listings.services.sale_alerts import REMINDERS, sale_settle_kinds
from marketplaces.contracts import RemoteSale
from marketplaces.deadlines import HandOverRule
from marketplaces.models import HandOverVersion
from marketplaces.registry import platform_name
from marketplaces.selectors import hand_over_rule
from portfolios.models import GameStatus
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record


def dues_take(sale: Sale, remote: RemoteSale) -> None:
    """Its deadlines as they are told; one to hand over that is not told is reckoned. The caller saves the sale.

    What was reckoned stands in `ship_by_reckoned`, with the row that it was reckoned by (I-26).
    """
    sale.confirm_by = remote.confirm_by
    _take(sale, remote.ship_by)


def dues_same(sale: Sale, remote: RemoteSale) -> bool:
    """Whether these are the deadlines that we have; what is reckoned no word of theirs changes but a deadline."""
    told = remote.ship_by
    same = told is None if sale.ship_by_reckoned else sale.ship_by == told
    return same and sale.confirm_by == remote.confirm_by


def _take(sale: Sale, told: datetime | None) -> None:
    before = sale.ship_by
    due, rule = (told, None) if told is not None else _reckoned(sale, _rule(sale.platform, sale.sold_at.date()))
    sale.ship_by, sale.ship_by_reckoned, sale.ship_by_rule = due, told is None and due is not None, rule
    if sale.ship_by != before and sale.reminded:
        # Its people were reminded of another one.
        sale.reminded = 0
        sale_settle_kinds(sale, *REMINDERS)


def _rule(platform: str, on: date) -> tuple[HandOverRule, HandOverVersion | None] | None:
    """The rule that was in force on the day of a sale."""
    return hand_over_rule(platform, on=on)


def _reckoned(
    sale: Sale, known: tuple[HandOverRule, HandOverVersion | None] | None
) -> tuple[datetime | None, HandOverVersion | None]:
    """By a rule that is known and its row; (None, None) where none fixes it, or it is not known when the game is."""
    game = sale.listing.game if sale.listing is not None else sale.game
    if game is None or game.status == GameStatus.POSTPONED or known is None:
        return None, None
    rule, row = known
    due = rule.due(
        sold_at=sale.sold_at, starts_at=game.starts_at, zone=game.venue.timezone,
        in_hand_on=sale.listing.in_hand_on if sale.listing is not None else None,
    )  # fmt: skip
    return due, row if due is not None else None


def due_said(sale: Sale) -> str:
    """How the deadline to hand over is known, in words: "told by StubHub", "by SeatGeek's rule"; "" where none is."""
    if sale.ship_by is None:
        return ""
    name = platform_name(sale.platform)
    if not sale.ship_by_reckoned:
        return f"told by {name}"
    rule = sale.ship_by_rule.rule.words if sale.ship_by_rule is not None else ""
    return f"by {name}'s rule{f' ({rule})' if rule else ''}: it tells none itself"


def sales_due_again(game_id: uuid.UUID, what: str) -> None:
    """A game was moved: what is reckoned of its sales that wait for their tickets is reckoned anew.

    The caller holds the locks of the game's seats.
    """
    waiting = Sale.objects.filter(game_id=game_id, state__in=[SaleState.PROVISIONAL, SaleState.CONFIRMED])
    _reckon(list(waiting.order_by("pk").values_list("pk", flat=True)), what)


def sales_due_fill() -> int:
    """Reckon what is not told of sales that wait and have no deadline yet; returns how many have one now.

    A rule may be known, or a game, only after the sale was told.
    """
    waiting = Sale.objects.filter(to_hand_over(), state=SaleState.CONFIRMED, ship_by=None)
    missing = waiting.select_related("listing__game__venue", "game__venue")
    # Asked every few minutes, of all that wait: of a day's sales at a platform the rule is one.
    rule = cache(_rule)
    found = [sale.pk for sale in missing if _reckoned(sale, rule(sale.platform, sale.sold_at.date()))[0] is not None]
    return _reckon(found, "it was not reckoned before")


def _reckon(sale_ids: list[uuid.UUID], why: str) -> int:
    """Reckon the deadlines of these anew where they are not told; returns how many are others than before."""
    changed = 0
    for sale_id in sale_ids:
        with transaction.atomic():
            changed += _reckon_one(sale_lock(sale_id), why)
    return changed


def _reckon_one(sale: Sale, why: str) -> bool:
    before = sale.ship_by
    if before is not None and not sale.ship_by_reckoned:
        return False
    _take(sale, None)
    if sale.ship_by == before:
        return False
    sale.version += 1
    sale.save(update_fields=["ship_by", "ship_by_reckoned", "ship_by_rule", "reminded", "version", "updated_at"])
    sale_changed(sale)
    audit_record(
        actor=Actor.system(sale.tenant_id), verb="sale.due", object_type="sale", object_id=sale.pk,
        subject=sale.account.user_id, before={"ship_by": before}, after={"ship_by": sale.ship_by}, reason=why,
    )  # fmt: skip
    return True
