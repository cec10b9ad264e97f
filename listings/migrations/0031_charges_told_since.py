"""What a holder said was kept from him names the payout with which his marketplace tells of it since."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("listings", "0030_payouts_that_came_back")]

    operations = [
        migrations.AddField(
            model_name="payout",
            name="told_with",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="said_before",
                to="listings.payout",
            ),
        ),
    ]  # fmt: skip
