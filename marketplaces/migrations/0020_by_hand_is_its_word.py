"""What people read of accounts without an interface is "by hand", as everywhere in the product."""

from django.db import migrations, models

MODES = [("paper", "paper"), ("live", "live"), ("assisted", "by hand")]


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0019_why_accounts_close")]

    operations = [
        migrations.AlterField("connectattempt", "mode", models.CharField(choices=MODES, max_length=10)),
        migrations.AlterField(
            "marketplaceaccount", "mode", models.CharField(choices=MODES, default="paper", max_length=10)
        ),
    ]
