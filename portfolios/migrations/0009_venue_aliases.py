"""What marketplaces call a venue."""

import django.db.models.deletion
from django.db import migrations, models

import seatsync.core.ids


class Migration(migrations.Migration):

    dependencies = [
        ('portfolios', '0008_seat_without_held_until'),
    ]

    operations = [
        migrations.CreateModel(
            name='VenueAlias',
            fields=[
                ('id', models.UUIDField(default=seatsync.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('platform', models.CharField(max_length=20)),
                ('name', models.CharField(max_length=120)),
                ('venue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='aliases', to='portfolios.venue')),
            ],
            options={
                'verbose_name_plural': 'venue aliases',
                'db_table': 'venue_aliases',
                'constraints': [models.UniqueConstraint(fields=('venue', 'platform', 'name'), name='venue_alias_once')],
            },
        ),
    ]
