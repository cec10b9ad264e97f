"""What was received says in which market (I-20), also once its account is worked otherwise."""

from django.db import migrations, models

MODES = [("paper", "paper"), ("live", "live"), ("assisted", "by hand")]
# The market that an account's keys were of, where they are still there, is that of what came over them.
FILL = """
UPDATE {table} SET mode = COALESCE(NULLIF(accounts.keys_of, ''), accounts.mode)
FROM marketplace_accounts accounts WHERE accounts.id = {table}.account_id;
SET CONSTRAINTS ALL IMMEDIATE
"""


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0030_same_account_confirmed")]

    operations = [
        step
        for model, table, check in (
            ("inbounddelivery", "inbound_deliveries", "inbound_delivery_mode"),
            ("inboundevent", "inbound_events", "inbound_mode"),
        )
        for step in (
            migrations.AddField(
                model_name=model,
                name="mode",
                field=models.CharField(choices=MODES, default="", editable=False, max_length=10),
                preserve_default=False,
            ),
            migrations.RunSQL(FILL.format(table=table), migrations.RunSQL.noop),
            migrations.AddConstraint(
                model_name=model,
                constraint=models.CheckConstraint(
                    condition=models.Q(("mode__in", ["paper", "live", "assisted"])), name=check
                ),
            ),
        )
    ]
