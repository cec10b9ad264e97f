"""A brake belongs to a tenant: a person of two tenants brakes each by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0004_seats_say_their_tenant'),
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='tradingstate',
            name='trading_state_once',
        ),
        migrations.AddConstraint(
            model_name='tradingstate',
            constraint=models.UniqueConstraint(fields=('tenant', 'scope', 'scope_id'), name='trading_state_once'),
        ),
    ]
