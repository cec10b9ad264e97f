"""A seat is one seat in every spelling of its section and row: the ledger's key ignores case, spaces, leading zeros."""

import portfolios.labels
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portfolios', '0003_tenants'),
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='seat',
            name='seat_one_owner',
        ),
        migrations.RemoveIndex(
            model_name='seat',
            name='seat_place',
        ),
        migrations.AddIndex(
            model_name='seat',
            index=models.Index(models.F('game'), portfolios.labels.PlaceKey('section'), portfolios.labels.PlaceKey('row'), models.F('seat_number'), name='seat_place'),
        ),
        migrations.AddConstraint(
            model_name='seat',
            constraint=models.UniqueConstraint(models.F('tenant'), models.F('game'), portfolios.labels.PlaceKey('section'), portfolios.labels.PlaceKey('row'), models.F('seat_number'), name='seat_one_owner'),
        ),
    ]
