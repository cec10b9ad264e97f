"""What the last sweep over an account found."""

import django.db.models.deletion
from django.db import migrations, models

import seatsync.core.ids


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0013_push_halts'),
        ('marketplaces', '0008_account_file_version'),
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountSweep',
            fields=[
                ('id', models.UUIDField(default=seatsync.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('began_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField()),
                ('shown', models.PositiveIntegerField()),
                ('drift', models.JSONField(blank=True, default=dict)),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='last_sweep', to='marketplaces.marketplaceaccount')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='tenants.tenant')),
            ],
            options={
                'db_table': 'account_sweeps',
            },
        ),
    ]
