"""What a marketplace said that a price brings, before it was sent: of which price, and when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("listings", "0042_sales_gross_told")]

    operations = [
        migrations.AddField(
            model_name="listing",
            name="net_told_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="listing",
            name="net_told_price",
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True),
        ),
    ]
