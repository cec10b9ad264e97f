"""Lines of payouts carry their tenant; seats of listings and sales have UUID keys and the usual times."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from seatsync.core.keys import uuid_key

_FILL = """
UPDATE payout_lines SET tenant_id = payouts.tenant_id FROM payouts WHERE payouts.id = payout_lines.payout_id;
SET CONSTRAINTS ALL IMMEDIATE
"""


def _tenant(**options):
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant", **options)


def _times(model):
    made = models.DateTimeField(auto_now_add=True, default=django.utils.timezone.now)
    return [
        migrations.AddField(model, "created_at", made, preserve_default=False),
        migrations.AddField(model, "updated_at", models.DateTimeField(auto_now=True)),
    ]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("listings", "0002_payouts")]

    operations = [
        uuid_key("listingseat", "listing_seats"),
        uuid_key("saleseat", "sale_seats"),
        *_times("listingseat"),
        *_times("saleseat"),
        migrations.AddField("payoutline", "tenant", _tenant(null=True)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField("payoutline", "tenant", _tenant()),
    ]
