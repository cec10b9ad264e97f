"""The dated figures that are known: fees, limits and how failed commands are tried again (I-26)."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal

from marketplaces.models import FeeVersion, LimitVersion, RetryVersion
from marketplaces.registry import adapter_list
from marketplaces.selectors import RETRIES

# (platform, percent, valid from, source, checked on); facts of public record.
FEES = (
    ("stubhub", Decimal("10.000"), date(2023, 1, 1), "10.0 % below list in a recorded sale, 2023", date(2026, 11, 22)),
    ("seatgeek", Decimal("5.000"), date(2026, 3, 1), "5 % of subtotal on 8,506 of 8,507 orders of one broker",
     date(2026, 11, 22)),
    ("gametime", Decimal("0.000"), date(2026, 1, 1),
     "Gametime's API (reconstructed): a purchase's price is taken for what a ticket brings, and no fee is told",
     date(2026, 11, 22)),
)  # fmt: skip
_SINCE, _CHECKED = date(2020, 1, 1), date(2026, 11, 22)
_LIMIT_SOURCES = {"vividseats": "Broker Portal API (reconstructed): ten reads of listings a second"}
_OWN_LIMIT = "No figure is published: a measure of our own, to be mended when one is known"
_OWN_RETRIES = "A measure of our own: a few minutes for what can wait, seconds for a seat that is still on show"


def figures_load() -> int:
    """Date what is not dated yet; returns how many rows. A row that is there is never changed."""
    return fees_load() + _limits_load() + _retries_load()


def fees_load() -> int:
    """The fees that are known, with their sources; returns how many rows are new."""
    made = (
        FeeVersion.objects.get_or_create(
            platform=platform, side="seller", valid_from=valid_from,
            defaults={"percent": percent, "source": source, "checked_on": checked_on},
        )
        for platform, percent, valid_from, source, checked_on in FEES
    )  # fmt: skip
    return sum(new for _, new in made)


def _limits_load() -> int:
    """What each adapter declares: its limit, and the paces of its requests."""
    added = 0
    for adapter in adapter_list():
        traits = adapter.traits
        source = _LIMIT_SOURCES.get(traits.key, _OWN_LIMIT)
        added += _limit(
            traits.key, "", traits.default_per_second, source, burst=traits.default_burst,
            reserved=traits.reserved_tokens,
        )  # fmt: skip
        for request, every_s in traits.paces.items():
            added += _limit(traits.key, request, 1 / every_s, f"Published for {request}, and a little slower")
    return added


def _limit(platform: str, request: str, per_second: float, source: str, *, burst: int = 1, reserved: int = 0) -> int:
    _, new = LimitVersion.objects.get_or_create(
        platform=platform, request=request, valid_from=_SINCE,
        defaults={
            "per_second": Decimal(str(round(per_second, 5))), "burst": burst, "reserved": reserved, "source": source,
            "checked_on": _CHECKED,
        },
    )  # fmt: skip
    return int(new)


def _retries_load() -> int:
    added = 0
    for urgent, retries in RETRIES.items():
        figures = {name: Decimal(str(value)) for name, value in asdict(retries).items()}
        _, new = RetryVersion.objects.get_or_create(
            platform="", urgent=urgent, valid_from=_SINCE,
            defaults=figures | {"source": _OWN_RETRIES, "checked_on": _CHECKED},
        )  # fmt: skip
        added += new
    return added
