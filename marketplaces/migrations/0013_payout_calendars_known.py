"""The payout calendars as they are known: of the platforms little is published, and of what is not, nothing is said."""

from datetime import date

from django.db import migrations

_CHECKED = date(2026, 11, 26)
# Platform, mode, kind, days, weekday, source.
_ROWS = (
    ("stubhub", "live", "unknown", None, None,
     "StubHub Sales API 2.249: payments and payments/next are told, no calendar; none found elsewhere"),
    ("seatgeek", "live", "weekly", None, None,
     "SeatGeek Seller Direct API 1.0.0, remittances: weekly invoices; the weekday is not told (read in a summary)"),
    ("vividseats", "live", "after_game", None, None,
     "Payment after the event (a help page of Stage Front, third party); how many days later is not told"),
    ("gametime", "live", "unknown", None, None, "Nothing found; the API tells no payouts"),
    ("ticketmaster", "live", "unknown", None, None, "Nothing found; its reseller handbook could not be read"),
    ("stubhub", "paper", "after_game", 5, None, "The simulator's own calendar, not StubHub's"),
    ("seatgeek", "paper", "weekly", 0, 2, "The simulator's own calendar, not SeatGeek's"),
    ("vividseats", "paper", "after_game", 10, None, "The simulator's own calendar, not Vivid Seats'"),
    ("ticketmaster", "paper", "after_delivery", 7, None, "The simulator's own calendar, not Ticketmaster's"),
    ("gametime", "paper", "after_delivery", 3, None, "The simulator's own calendar, not Gametime's"),
)  # fmt: skip


def seed(apps, schema_editor):
    calendars = apps.get_model("marketplaces", "PayoutCalendarVersion")
    for platform, mode, kind, days, weekday, source in _ROWS:
        calendars.objects.get_or_create(
            platform=platform, mode=mode, valid_from=date(2020, 1, 1),
            defaults={
                "kind": kind, "days": days, "weekday": weekday, "source": source, "checked_on": _CHECKED,
            },
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0012_payout_calendars")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
