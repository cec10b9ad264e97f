"""When a sweep last saw a listing there as we want it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0014_account_sweeps'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='confirmed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
