"""Deliveries and events carry their tenant, events UUID keys and the usual times."""

import django.utils.timezone
from django.db import migrations, models

from seatsync.core.keys import uuid_key

_FILL = """
UPDATE alert_deliveries SET tenant_id = alerts.tenant_id FROM alerts WHERE alerts.id = alert_deliveries.alert_id;
SET CONSTRAINTS ALL IMMEDIATE
"""


class Migration(migrations.Migration):
    dependencies = [("live", "0001_initial")]

    operations = [
        # Events do not say whose they are. They are hints of the last day: a page that misses them refetches all.
        migrations.RunSQL("DELETE FROM live_events", migrations.RunSQL.noop),
        uuid_key("liveevent", "live_events"),
        migrations.AddField("liveevent", "tenant_id", models.UUIDField(default=None), preserve_default=False),
        migrations.AddField(
            "liveevent", "created_at", models.DateTimeField(auto_now_add=True, default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField("liveevent", "updated_at", models.DateTimeField(auto_now=True)),
        migrations.AddField("alertdelivery", "tenant_id", models.UUIDField(null=True)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField("alertdelivery", "tenant_id", models.UUIDField()),
    ]
