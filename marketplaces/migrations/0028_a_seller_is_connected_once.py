from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0027_sellers_connected_before")]

    operations = [
        migrations.AddConstraint(
            model_name="marketplaceaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True), models.Q(("seller_key", ""), _negated=True)),
                fields=("platform", "mode", "seller_key"),
                name="account_seller_once",
                violation_error_message="This account there is connected already.",
            ),
        ),
    ]
