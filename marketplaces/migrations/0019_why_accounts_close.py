"""Why an account is given up is kept; of one that was given up before it is not known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0018_price_bounds")]

    operations = [
        migrations.AddField(
            model_name="marketplaceaccount",
            name="closing_why",
            field=models.CharField(blank=True, choices=[("disconnect", "its holder gave it up"), ("erasure", "its holder is to be erased"), ("downgrade", "the plan became a smaller one"), ("suspension", "selling is suspended"), ("dunning", "the plan was not paid")], max_length=12),
        ),
    ]
