"""Mappings know their event's date, and what its platform says of it."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def dates_fill(apps, schema_editor):
    """What was confirmed was checked against its game's date: that is the event's, until its platform tells."""
    mappings, games = apps.get_model("portfolios", "EventMapping"), apps.get_model("portfolios", "Game")
    dates = games.objects.filter(pk=OuterRef("game_id")).values("game_date")
    mappings.objects.filter(event_date=None).update(event_date=Subquery(dates))


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0010_undone_mappings")]

    operations = [
        migrations.AddField("eventmapping", "event_date", models.DateField(blank=True, null=True)),
        migrations.AddField("eventmapping", "accepted_date", models.DateField(blank=True, null=True)),
        migrations.AddField("eventmapping", "told_state", models.CharField(blank=True, default="", max_length=12), preserve_default=False),
        migrations.AddField("eventmapping", "told_word", models.CharField(blank=True, default="", max_length=40), preserve_default=False),
        migrations.AddField("eventmapping", "told_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(dates_fill, migrations.RunPython.noop),
    ]
