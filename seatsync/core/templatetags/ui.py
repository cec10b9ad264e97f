"""How figures, moments and states are written on pages: one way for each, so that templates hold no logic."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from seatsync.core import charts
from seatsync.core.clock import now
from seatsync.core.money import money_text
from seatsync.core.venue_time import day_told, local

register = template.Library()

# status or state -> (shape class, word); words the models already have are kept by the caller.
_SHAPES = {
    "draft": "off", "publishing": "busy", "active": "on", "paused": "off", "delisting": "busy", "sold": "done",
    "cancelled": "off", "expired": "off", "error": "warn", "provisional": "busy", "confirmed": "on",
    "fulfilled": "done", "complete": "done", "conflict": "warn", "needs_person": "warn", "pending": "busy",
    "in_flight": "busy", "done": "done", "superseded": "off", "available": "", "held": "busy", "attending": "kept",
    "transferred": "off", "donated": "off", "swapped": "off", "relinquished": "off", "ACTIVE": "on",
    "RAISE_ONLY": "warn", "NO_NEW_LISTINGS": "warn", "HALTED": "warn", "firing": "warn", "recovered": "done",
    "no_data": "off", "failed": "warn", "received": "busy", "ignored": "off", "postponed": "warn", "final": "done",
    "scheduled": "",
}  # fmt: skip


@register.filter
def money(value: Decimal | None, currency: str = "USD") -> str:
    """An amount to the cent ("$84.00", "-$3.10"); empty where there is none."""
    return "" if value is None else money_text(value, currency, 2)


@register.filter
def times(value: Decimal, count: int) -> Decimal:
    """An amount for each of so many, all together."""
    return value * count


@register.filter
def money0(value: Decimal | None, currency: str = "USD") -> str:
    """An estimate's bound, to the whole unit."""
    return "" if value is None else money_text(value, currency, 0)


@register.simple_tag
def delta(value: Decimal | None, currency: str = "USD") -> SafeString:
    """A signed amount with arrow, colour, and a word for screen readers."""
    if value is None:
        return SafeString("")
    if value == 0:
        return format_html('<span class="muted">{}</span>', money_text(value, currency, 2))
    kind, arrow, word = ("gain", "▲", "gain") if value > 0 else ("loss", "▼", "loss")
    sign = "+" if value > 0 else ""
    return format_html(
        '<span class="{} nowrap"><span aria-hidden="true">{}</span> {}{}<span class="sr"> {}</span></span>',
        kind, arrow, sign, money_text(value, currency, 2), word,
    )  # fmt: skip


@register.simple_tag
def seats(views: Iterable[Any]) -> SafeString:
    """Seats as small squares: number, look, and the state as a word. A season has hundreds, hence no template each."""
    return format_html_join(
        "",
        '<span class="seat {}" title="Seat {}: {}"><span class="sr">Seat </span>{}<span class="sr">, {}</span></span>',
        ((seat.css, seat.number, seat.word, seat.number, seat.word) for seat in views),
    )


@register.simple_tag
def part(found: Any, currency: str = "USD") -> str:
    """Some seats and their cost, to the cent so that the parts add up on the page: "4 seats, cost $160.00"."""
    return f"{found.seats} seat{'' if found.seats == 1 else 's'}, cost {money_text(found.cost, currency, 2)}"


@register.filter
def signed(value: Decimal | None, currency: str = "USD") -> str:
    """A signed amount without judgement: "+$2.00" over, "-$2.00" under."""
    if value is None:
        return ""
    return ("+" if value > 0 else "") + money_text(value, currency, 2)


@register.simple_tag
def state(value: str, word: str = "") -> SafeString:
    """A status as shape and word."""
    return format_html(
        '<span class="badge {}">{}</span>', _SHAPES.get(value, ""), word or value.replace("_", " ").lower()
    )


@register.simple_tag
def first_focused(form: BaseForm) -> str:
    """Give the focus to the form's first field, or to the first that has an error; shows nothing."""
    fields = form.visible_fields()
    wrong = [bound for bound in fields if bound.errors]
    for bound in (wrong or fields)[:1]:
        bound.field.widget.attrs["autofocus"] = True
    return ""


@register.filter
def fraction_percent(value: Decimal | float | None) -> str:
    """0.8 as "80 %"."""
    return "" if value is None else f"{float(value) * 100:.0f}\N{NO-BREAK SPACE}%"


@register.filter
def milliseconds(value: int | None) -> str:
    """A duration in words: "840 ms", "2.3 s", "4 min"."""
    if value is None:
        return ""
    if value < 1000:
        return f"{value} ms"
    return f"{value / 1000:.1f} s" if value < 120_000 else f"{value / 60_000:.0f} min"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "under 1 min"


@register.filter
def age(moment: datetime | None) -> SafeString:
    """How long ago, with the exact moment on hover: "3 h ago"; a missing moment is "never"."""
    if moment is None:
        return SafeString('<span class="muted">never</span>')
    return format_html(
        '<time datetime="{}" title="{}">{} ago</time>',
        moment.isoformat(), f"{moment:%-d %b %Y %H:%M} UTC", _span((now() - moment).total_seconds()),
    )  # fmt: skip


@register.filter
def age_short(moment: datetime | None) -> SafeString:
    """How long ago, for dense tables: "3 min", with the exact moment on hover."""
    if moment is None:
        return SafeString("")
    return format_html(
        '<time datetime="{}" title="{} ago, {}">{}</time>',
        moment.isoformat(), span := _span((now() - moment).total_seconds()), f"{moment:%-d %b %Y %H:%M} UTC", span,
    )  # fmt: skip


@register.filter
def until(moment: datetime | None) -> SafeString:
    """How long until a deadline: "in 3 h", or "2 h late"."""
    if moment is None:
        return SafeString("")
    left = (moment - now()).total_seconds()
    words = f"in {_span(left)}" if left >= 0 else f"{_span(-left)} late"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{moment:%-d %b %Y %H:%M} UTC", words
    )


@register.filter
def moment(value: datetime | None, zone: str = "") -> SafeString:
    """A moment to the second, for histories: in the IANA zone where one is given, else in UTC."""
    if value is None:
        return SafeString("")
    there = local(value, zone or "UTC")
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), f"{there:%-d %b %H:%M:%S %Z}")


@register.filter
def on_day(value: datetime | None, zone: str = "") -> str:
    """The day of a moment that was told, in the IANA zone where one is given: "4 Dec 2026"."""
    return "" if value is None else f"{day_told(value, zone):%-d %b %Y}"


@register.filter
def venue_moment(value: datetime | None, zone: str) -> SafeString:
    """A moment to come by the clock of an IANA zone, to the minute: "26 Nov 18:00 PST"."""
    if value is None:
        return SafeString("")
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), f"{local(value, zone):%-d %b %H:%M %Z}")


@register.filter
def local_time(game: Any) -> str:
    """A game's start at its venue: "7:10 pm"."""
    start: datetime = game.starts_at.astimezone(ZoneInfo(game.venue.timezone))
    return f"{start:%-I:%M} {start:%p}".replace("AM", "am").replace("PM", "pm")


@register.simple_tag
def venue_clock(moment: datetime, zone: str) -> str:
    """A moment at a venue, with the zone's name: "7:10 pm PDT"."""
    start = local(moment, zone)
    return f"{start:%-I:%M} {start:%p} {start:%Z}".replace("AM", "am").replace("PM", "pm")


@register.filter
def day(value: date | None) -> str:
    """A date as "Sun 12 Apr"."""
    return "" if value is None else f"{value:%a %-d %b}"


@register.filter
def days_left(game: Any) -> str:
    """How far off a game is: "in 4 d", "in 3 h", or "played"."""
    left = (game.starts_at - now()).total_seconds()
    return f"in {_span(left)}" if left > 0 else "played"


@register.filter
def is_past(game: Any) -> bool:
    """Whether the game has begun."""
    return bool(game.starts_at <= now())


@register.filter
def reason_text(reason: Any) -> str:
    """One reason of a prediction as a sentence, whether stored as text or with its parts."""
    if isinstance(reason, dict):
        return str(reason.get("text") or reason.get("detail") or reason.get("reason") or "")
    return str(reason)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A dictionary's value by a variable key."""
    return mapping.get(key) if mapping else None


@register.simple_tag
def sort_link(request: HttpRequest, key: str) -> str:
    """The page's own address sorted by `key`; a second use turns the order round."""
    query = request.GET.copy()
    query["sort"] = f"-{key}" if request.GET.get("sort") == key else key
    query.pop("page", None)
    return f"?{query.urlencode()}"


@register.simple_tag
def sort_state(request: HttpRequest, key: str) -> SafeString:
    """The aria-sort attribute of a column head."""
    chosen = request.GET.get("sort", "")
    if chosen.lstrip("-") != key:
        return SafeString("")
    return SafeString(f'aria-sort="{"descending" if chosen.startswith("-") else "ascending"}"')


@register.simple_tag
def page_link(request: HttpRequest, number: int) -> str:
    """The page's own address at another page number."""
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@register.inclusion_tag("components/sparkline.html")
def sparkline(values: Iterable[Any], label: str = "") -> dict[str, Any]:
    """A small line of values with a text summary."""
    return {"spark": charts.spark(list(values)), "label": label}


@register.inclusion_tag("components/line_chart.html")
def line_chart(
    lines: Iterable[charts.Line], title: str, height: int = 190, *, zone: str = "UTC", currency: str = "USD"
) -> dict[str, Any]:
    """Prices over time as SVG with axes, a key and a text summary; times are those of the venue's zone."""
    chart = charts.line_chart(list(lines), height=height, zone=zone, currency=currency)
    return {"chart": chart, "title": title, "currency": currency}


@register.inclusion_tag("components/interval.html")
def interval(low: Decimal, value: Decimal, high: Decimal, marks: Iterable[charts.Mark] = ()) -> dict[str, Any]:
    """A value in its interval on one axis, with other prices marked."""
    return {"scale": charts.interval(low, value, high, list(marks))}
