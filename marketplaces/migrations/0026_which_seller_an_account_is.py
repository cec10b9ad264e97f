from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0025_what_a_file_counts")]

    operations = [
        migrations.AddField(
            model_name="marketplaceaccount",
            name="seller_key",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="marketplaceaccount",
            name="stock_begun_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="marketplaceaccount",
            name="stock_listed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="marketplaceaccount",
            name="stock_sales_read",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
