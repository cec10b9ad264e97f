"""The dated figures that are known: fees, limits, deadlines, and how failed commands are tried again (I-26)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from marketplaces.models import FeeVersion, HandOverVersion, LimitVersion, ListUntilVersion, RetryVersion
from marketplaces.registry import adapter_list
from marketplaces.selectors import RETRIES, list_untils_declared
from seatsync.core.clock import now

_SINCE, _CHECKED = date(2020, 1, 1), date(2026, 11, 22)
_OWN_LIMIT = "No figure is published: a measure of our own, to be mended when one is known"
_OWN_RETRIES = "A measure of our own: a few minutes for what can wait, seconds for a seat that is still on show"


def figures_load() -> int:
    """Date what is not dated yet; returns how many rows. A row that is there is never changed.

    A figure that is declared otherwise than before is in force from today (UTC) on, unless staff have dated their own.
    """
    return fees_load() + _limits_load() + _retries_load() + deadlines_load()


def fees_load() -> int:
    """The fees that are known, with their sources; returns how many rows are new."""
    made = (
        FeeVersion.objects.get_or_create(
            platform=adapter.traits.key, side="seller", valid_from=fee.valid_from,
            defaults={"percent": fee.percent, "source": fee.source, "checked_on": fee.checked_on},
        )
        for adapter in adapter_list()
        for fee in adapter.traits.fees
    )  # fmt: skip
    return sum(new for _, new in made)


def _limits_load() -> int:
    """What each adapter declares: its limit, and the paces of its requests."""
    added = 0
    for adapter in adapter_list():
        traits = adapter.traits
        added += _limit(
            traits.key, "", traits.default_per_second, traits.limit_source, burst=traits.default_burst,
            reserved=traits.reserved_tokens,
        )  # fmt: skip
        for request, every_s in traits.paces.items():
            burst = traits.pace_bursts.get(request, 1)
            quota = traits.day_quotas.get(request)
            added += _limit(traits.key, request, 1 / every_s, traits.paces_source, burst=burst, per_day=quota)
    return added


def _limit(
    platform: str, request: str, per_second: float, source: str, *, burst: int = 1, reserved: int = 0,
    per_day: int | None = None,
) -> int:  # fmt: skip
    rate = Decimal(str(round(per_second, 5)))
    told = {"per_second": rate, "burst": burst, "reserved": reserved, "per_day": per_day}
    return _date(LimitVersion, {"platform": platform, "request": request}, told, source or _OWN_LIMIT)


def _retries_load() -> int:
    return sum(
        _date(
            RetryVersion, {"platform": "", "urgent": urgent},
            {name: Decimal(str(value)) for name, value in asdict(retries).items()}, _OWN_RETRIES,
        )
        for urgent, retries in RETRIES.items()
    )  # fmt: skip


def deadlines_load() -> int:
    """Until when tickets may be on sale and by when they are to be handed over; returns how many rows are new."""
    until = sum(
        _date(
            ListUntilVersion, {"platform": key, "delivery": kind.value, "uploaded": known.uploaded},
            {
                "hours": None if known.cut_off.shipping_days else known.cut_off.hours,
                "shipping_days": known.cut_off.shipping_days or None, "basis": known.basis.value,
            },
            known.source, known.checked_on,
        )
        for key, declared in list_untils_declared().items()
        for known in declared
        for kind in known.deliveries
    )  # fmt: skip
    by = sum(
        _date(
            HandOverVersion, {"platform": adapter.traits.key},
            {"kind": known.rule.kind.value, "steps": known.rule.stored()}, known.source, known.checked_on,
        )
        for adapter in adapter_list()
        if (known := adapter.traits.hand_over_by) is not None
    )  # fmt: skip
    return until + by


def _date(
    model: type[LimitVersion | RetryVersion | ListUntilVersion | HandOverVersion], of: Mapping[str, Any],
    told: Mapping[str, Any], source: str, checked_on: date = _CHECKED,
) -> int:  # fmt: skip
    """Date what is told, where nothing is dated yet, or the newest row is ours and says otherwise; how many rows."""
    newest = model.objects.filter(**of).order_by("-valid_from").first()
    ours = newest is None or newest.source == source
    if not ours or (newest is not None and all(getattr(newest, name) == value for name, value in told.items())):
        return 0
    since = _SINCE if newest is None else now().date()
    _, new = model.objects.get_or_create(
        **of, valid_from=since, defaults={**told, "source": source, "checked_on": checked_on}
    )
    return int(new)
