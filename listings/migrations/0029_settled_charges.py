"""What of a sale's charges is settled is kept: it lacks, and is asked for no more."""

import uuid

from django.db import migrations, models
from django.db.models import F


def keep(apps, schema_editor):
    sales = apps.get_model("listings", "Sale").objects
    # A charge on a sale that stands is a penalty, whose reason is kept until it is settled; one that came before the
    # sale stood has none, and was not.
    said = apps.get_model("core", "AuditEntry").objects.filter(verb="sale.settled", object_type="sale")
    ids = [uuid.UUID(text) for text in said.values_list("object_id", flat=True).distinct()]
    settled = sales.filter(charged__gt=0, penalty_reason="", state__in=["confirmed", "fulfilled", "complete"])
    settled.filter(pk__in=ids).update(charge_settled=F("charged"))


class Migration(migrations.Migration):
    dependencies = [("listings", "0028_tickets_sent_and_numbers"), ("core", "0003_audit_never_emptied")]

    operations = [
        migrations.AddField(
            model_name="sale",
            name="charge_settled",
            field=models.DecimalField(decimal_places=2, default=0, max_digits=10),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
