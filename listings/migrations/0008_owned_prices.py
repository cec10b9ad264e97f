"""A price point says whose it is; a delist may take longer than 24 days."""

from django.db import migrations, models

FILL = """
UPDATE price_history SET tenant_id = listings.tenant_id FROM listings WHERE listings.id = price_history.listing_id
"""


class Migration(migrations.Migration):
    dependencies = [("listings", "0007_told_states")]

    operations = [
        migrations.AlterField(
            model_name="sale",
            name="notice_to_last_delist_ms",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(model_name="pricehistory", name="tenant_id", field=models.UUIDField(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(model_name="pricehistory", name="tenant_id", field=models.UUIDField()),
    ]
