"""How often a person had an item worked off anew."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('marketplaces', '0008_account_file_version'),
    ]

    operations = [
        migrations.AddField(
            model_name='inboundevent',
            name='replays',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
