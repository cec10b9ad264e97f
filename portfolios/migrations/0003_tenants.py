"""Shares and the ledger's history carry their tenant."""

import django.db.models.deletion
from django.db import migrations, models

# The history refuses changes; this fills a column that it did not have when it was written.
_FILL = """
UPDATE season_ticket_shares SET tenant_id = season_tickets.tenant_id FROM season_tickets
  WHERE season_tickets.id = season_ticket_shares.season_ticket_id;
ALTER TABLE seat_changes DISABLE TRIGGER seat_changes_append_only;
UPDATE seat_changes SET tenant_id = seats.tenant_id FROM seats WHERE seats.id = seat_changes.seat_id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE seat_changes ENABLE TRIGGER seat_changes_append_only
"""


def _tenant(**options):
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant", **options)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("portfolios", "0002_section_mappings")]

    operations = [
        migrations.AddField("seasonticketshare", "tenant", _tenant(null=True)),
        migrations.AddField("seatchange", "tenant", _tenant(null=True)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField("seasonticketshare", "tenant", _tenant()),
        migrations.AlterField("seatchange", "tenant", _tenant()),
    ]
