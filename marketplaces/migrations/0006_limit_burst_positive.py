"""A limit that lets nothing through ever would hold back takedowns too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0005_market_snapshots_index")]

    operations = [
        migrations.RunSQL("UPDATE limit_versions SET burst = 1 WHERE burst = 0", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="limitversion",
            constraint=models.CheckConstraint(condition=models.Q(("burst__gte", 1)), name="limit_burst_positive"),
        ),
    ]
