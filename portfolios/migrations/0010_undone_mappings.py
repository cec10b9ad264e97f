"""A mapping that was undone keeps its event from no other game."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portfolios', '0009_venue_aliases'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='eventmapping',
            name='event_mapping_remote',
        ),
        migrations.AddConstraint(
            model_name='eventmapping',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed_by__startswith', 'undone by '), _negated=True), fields=('platform', 'remote_event_id'), name='event_mapping_remote'),
        ),
    ]
