from django.db import migrations

from seatsync.core.series import SummariseSeries


class Migration(migrations.Migration):
    """Prices by the hour; where the series are hypertables, old rows are compressed."""

    # TimescaleDB makes no continuous aggregate inside a transaction.
    atomic = False

    dependencies = [("listings", "0005_brakes_by_tenant"), ("core", "0001_initial")]

    operations = [
        SummariseSeries("price_history", by=("listing_id", "platform", "currency"), segment_by=("listing_id",)),
    ]
