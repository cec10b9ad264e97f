"""A seat of a listing or of a sale carries its tenant."""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
UPDATE listing_seats SET tenant_id = listings.tenant_id FROM listings WHERE listings.id = listing_seats.listing_id;
UPDATE sale_seats SET tenant_id = sales.tenant_id FROM sales WHERE sales.id = sale_seats.sale_id;
"""


def _tenant(**options):
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant", **options)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("listings", "0003_tenants_and_keys")]

    operations = [
        migrations.AddField("listingseat", "tenant", _tenant(null=True)),
        migrations.AddField("saleseat", "tenant", _tenant(null=True)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED", migrations.RunSQL.noop),
        migrations.AlterField("listingseat", "tenant", _tenant()),
        migrations.AlterField("saleseat", "tenant", _tenant()),
    ]
