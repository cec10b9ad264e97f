from django.db import migrations

from seatsync.core.series import SummariseSeries


class Migration(migrations.Migration):
    """Prices by the hour; where the series are hypertables, old rows are compressed."""

    # TimescaleDB makes no continuous aggregate inside a transaction.
    atomic = False

    dependencies = [("marketplaces", "0003_account_closing_and_price_basis"), ("core", "0001_initial")]

    operations = [
        SummariseSeries("market_snapshots", by=("game_id", "platform", "kind", "price_basis", "currency"), segment_by=("game_id", "platform")),
    ]
