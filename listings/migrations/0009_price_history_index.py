"""The index that the model names: tables made before series got their indexes lack it."""

from django.db import migrations

INDEX = 'CREATE INDEX IF NOT EXISTS price_history_listing ON price_history (listing_id, "time" DESC)'


class Migration(migrations.Migration):
    dependencies = [("listings", "0008_owned_prices")]

    operations = [migrations.RunSQL(INDEX, migrations.RunSQL.noop)]
