"""Sales that were there before are expected to be paid by the calendar that is in force."""

from django.db import migrations


def fill(apps, schema_editor):
    sales = apps.get_model("listings", "Sale")
    calendars = apps.get_model("marketplaces", "PayoutCalendarVersion")
    for calendar in calendars.objects.order_by("valid_from"):
        own = sales.objects.filter(platform=calendar.platform, sold_at__date__gte=calendar.valid_from)
        own = own.filter(mode="paper") if calendar.mode == "paper" else own.exclude(mode="paper")
        own.update(payout_calendar=calendar)


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0017_payouts_expected"),
        ("marketplaces", "0013_payout_calendars_known"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
