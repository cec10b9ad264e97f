"""A brake says on which season ticket and game it stands: what joined them in its scope id cannot be read back."""

import uuid
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def name_places(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Find each brake's ticket and game; a brake whose ticket is gone brakes nothing, and goes."""
    brakes, seats = apps.get_model("listings", "TradingState"), apps.get_model("portfolios", "Seat")
    pairs = seats.objects.values_list("season_ticket_id", "game_id").order_by().distinct()
    games = {uuid.uuid5(ticket, str(game)): (ticket, game) for ticket, game in pairs}
    tickets = set(apps.get_model("portfolios", "SeasonTicket").objects.values_list("pk", flat=True))
    for brake in brakes.objects.filter(scope__in=["game", "season"]):
        if brake.scope == "season" and brake.scope_id in tickets:
            brake.season_ticket_id = brake.scope_id
        elif brake.scope == "game" and brake.scope_id in games:
            brake.season_ticket_id, brake.game_id = games[brake.scope_id]
        else:
            brake.delete()
            continue
        brake.save(update_fields=["season_ticket", "game"])


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0010_words_of_commands"),
        ("portfolios", "0008_seat_without_held_until"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="tradingstate",
            name="game",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to="portfolios.game"
            ),
        ),
        migrations.AddField(
            model_name="tradingstate",
            name="season_ticket",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to="portfolios.seasonticket"
            ),
        ),
        migrations.RunPython(name_places, migrations.RunPython.noop),
    ]
