"""What came in over an account lately is found without reading all that ever did."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('marketplaces', '0009_inbound_replays'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['account', '-received_at'], name='inbound_account_time'),
        ),
    ]
