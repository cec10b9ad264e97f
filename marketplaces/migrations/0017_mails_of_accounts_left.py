"""What came last to an account by hand is a mail: of one that was left by now, no webhook of before counts."""

from django.db import migrations
from django.db.models import Max


def keep(apps, schema_editor):
    accounts = apps.get_model("marketplaces", "MarketplaceAccount").objects
    events = apps.get_model("marketplaces", "InboundEvent").objects
    for pk in list(accounts.filter(mode="assisted").values_list("pk", flat=True)):
        last = events.filter(account_id=pk, topic="mail").aggregate(last=Max("received_at"))["last"]
        accounts.filter(pk=pk).update(last_webhook_at=last)


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0016_account_polled")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
