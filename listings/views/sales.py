"""Sales: the list, and one sale from notice to payout."""

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from listings.models import CommandKind, CommandState, MarketplaceCommand, Sale, SaleEnding, SaleState
from listings.payables import money_of
from listings.selectors import commands_of_sale, sale_get, sale_zone, sales_with_hands, seats_of_sale
from listings.selectors import sale_list as sales_visible
from listings.services.charged_by_hand import may_say_charged
from listings.services.conflicts import conflict_told
from listings.services.ending_alerts import ending_words
from listings.services.ending_effects import effects_told
from listings.services.fulfil import ways_of
from listings.services.hand_over_due import due_said
from listings.services.hand_overs import hand_overs_told
from listings.services.mail_sales import mail_names
from listings.services.practice import practice_may_end
from listings.services.sale_alerts import on_show_by_hand
from listings.services.sale_report import promised_by_hand, reports_of
from listings.states import LIFTABLE, SALE_ENDINGS, SALE_LIVE, TAKES_DOWN, SeatEffect
from marketplaces.delivery import STEPS, step_of
from marketplaces.models import Mode
from marketplaces.registry import hand_overs_of
from seatsync.accounts.selectors import request_actor
from seatsync.core.clock import now
from seatsync.core.requests import template_for

PAGE_SIZE = 50
# With the look whether it is gone.
_DOWN = TAKES_DOWN | {CommandKind.VERIFY_GONE}
_FINISHED = {CommandState.DONE, CommandState.SUPERSEDED}
_UNCONFIRMED = {SaleState.PROVISIONAL, SaleState.NEEDS_PERSON, SaleState.CONFLICT}
_ON_ITS_WAY = {SaleState.CONFIRMED, SaleState.FULFILLED}
_PATH = [SaleState.PROVISIONAL, SaleState.CONFIRMED, SaleState.FULFILLED, SaleState.COMPLETE]


@login_required
@require_GET
def sale_list(request: HttpRequest) -> HttpResponse:
    """The sales, newest first, a page at a time; ?state= shows one state."""
    sales = sales_visible(request_actor(request))
    state = request.GET.get("state", "")
    if state in SaleState.values:
        sales = sales.filter(state=state)
    page = Paginator(sales_with_hands(sales), PAGE_SIZE).get_page(request.GET.get("page"))
    template = template_for(request, whole="listings/sale_list.html", part="listings/_sale_table.html")
    return render(request, template, {"page": page, "state": state, "states": SaleState.choices})


@login_required
@require_GET
def sale_detail(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """One sale: where it stands, the money, the deadlines, and what was taken down because of it."""
    actor = request_actor(request)
    sale = sale_get(actor, sale_id)
    reached = _PATH.index(SaleState(sale.state)) if sale.state in _PATH else -1
    commands = commands_of_sale(sale)
    told = [command for command in commands if command.kind not in _DOWN]
    on_its_way = sale.state in _ON_ITS_WAY or sale.asked_again_at is not None
    money, takes = money_of(actor, sale), hand_overs_of(sale.platform)
    to_hand_over = bool(ways_of(sale)) or (sale.state == SaleState.CONFIRMED and sale.stands and not takes)
    step = STEPS[step_of(sale.delivery_step)] if sale.stands and on_its_way else None
    asks_nothing = step is not None or sale.state == SaleState.PROVISIONAL
    context = {
        "sale": sale,
        "zone": sale_zone(sale),
        "named": mail_names(sale),
        "seats": seats_of_sale(sale),
        "paid": money.lines,
        "expected": money.expected,
        "late": money.late,
        "lacking": money.lacking,
        "too_much": money.too_much,
        "ending_words": ending_words(sale),
        "effects": effects_told(sale),
        "came": money.came,
        "any_came": money.any_came,
        "paid_words": money.paid_words,
        "may_say_charged": may_say_charged(actor, sale),
        "may_untap": sale.state == SaleState.CONFIRMED and sale.may(actor, "list"),
        "may_report": bool(reports_of(sale)),
        "may_end_practice": practice_may_end(sale) and sale.may(actor, "list"),
        "promised": promised_by_hand(sale),
        "may_settle": sale.ending in LIFTABLE and sale.state in SALE_LIVE and sale.ending != SaleEnding.GAME_OFF,
        "may_offer": _has_freed(sale) and sale.may(actor, "list"),
        "may_ask": asks_nothing and not to_hand_over and sale.account.mode != Mode.ASSISTED,
        "to_hand_over": to_hand_over,
        "step": step,
        "down": [command for command in commands if command.kind in _DOWN],
        "down_waits": any(_waits(command) for command in commands),
        "by_hand": " and ".join(on_show_by_hand(sale)),
        "conflict": conflict_told(sale),
        "sold_there": [command for command in commands if command.sold_there],
        "told": told,
        "given": [line for lines in hand_overs_told(actor, told).values() for line in lines],
        "to_confirm": sale.state in _UNCONFIRMED or any(_confirms(command) for command in told),
        "stages": [(state.label, place <= reached, place == reached) for place, state in enumerate(_PATH)],
        "due_said": due_said(sale),
        "over": sale.state in {SaleState.CONFLICT, SaleState.CANCELLED},
        "waiting": sale.state in {SaleState.PROVISIONAL, SaleState.CONFIRMED},
    }
    template = template_for(request, whole="listings/sale_detail.html", part="listings/_sale_body.html")
    return render(request, template, context)


def _has_freed(sale: Sale) -> bool:
    """Whether the sale's seats are its holder's again by how it ended, and its game is still to come."""
    row = SALE_ENDINGS.get(sale.ending)
    return row is not None and row.seats is SeatEffect.FREED and sale.game is not None and sale.game.starts_at > now()


def _waits(command: MarketplaceCommand) -> bool:
    """Whether seats are still to come down by it."""
    return command.kind in _DOWN and command.state not in _FINISHED


def _confirms(command: MarketplaceCommand) -> bool:
    """Whether the marketplace still waits for this word of ours."""
    return command.kind == CommandKind.CONFIRM_SALE and command.state not in _FINISHED
