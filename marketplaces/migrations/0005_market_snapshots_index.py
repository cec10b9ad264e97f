"""The index that the model names: tables made before series got their indexes lack it."""

from django.db import migrations

INDEX = 'CREATE INDEX IF NOT EXISTS snapshot_game_time ON market_snapshots (game_id, "time" DESC)'


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0004_market_snapshots_hourly")]

    operations = [migrations.RunSQL(INDEX, migrations.RunSQL.noop)]
