"""A season ticket says whose schedule its games are of; the tickets that there are find it at their games."""

from django.db import migrations, models

FILL = """
UPDATE season_tickets SET schedule = found.source
FROM (
    SELECT DISTINCT ON (seats.season_ticket_id) seats.season_ticket_id AS id, games.source
    FROM seats JOIN games ON games.id = seats.game_id ORDER BY seats.season_ticket_id, games.starts_at
) AS found
WHERE found.id = season_tickets.id
"""


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0005_held_by_width")]

    operations = [
        migrations.AddField(
            model_name="seasonticket", name="schedule", field=models.CharField(blank=True, max_length=80)
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
