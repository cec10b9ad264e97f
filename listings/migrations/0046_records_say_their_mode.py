"""Commands, prices, what was found and what sweeps said tell in which market (I-20), whatever becomes of accounts."""

from django.db import migrations, models

MODES = [("paper", "paper"), ("live", "live"), ("assisted", "by hand")]
OF_ACCOUNT = """
UPDATE {table} SET mode = COALESCE(NULLIF(accounts.keys_of, ''), accounts.mode)
FROM marketplace_accounts accounts WHERE accounts.id = {table}.account_id
"""
OF_LISTING = "UPDATE {table} SET mode = listings.mode FROM listings WHERE listings.id = {table}.listing_id"
OF_SALE = """
UPDATE {table} SET mode = sales.mode FROM sales WHERE sales.id = {table}.sale_id AND {table}.listing_id IS NULL
"""


# What was written twice has its keys looked at again, which must be over before the table is altered.
CHECKED = "SET CONSTRAINTS ALL IMMEDIATE"


def stamp(model: str, table: str, check: str, *fills: str) -> list[migrations.operations.base.Operation]:
    return [
        migrations.AddField(
            model_name=model,
            name="mode",
            field=models.CharField(choices=MODES, default="", editable=False, max_length=10),
            preserve_default=False,
        ),
        *(migrations.RunSQL(fill.format(table=table), migrations.RunSQL.noop) for fill in (*fills, CHECKED)),
        migrations.AddConstraint(
            model_name=model,
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["paper", "live", "assisted"])), name=check
            ),
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0045_how_listings_are_shown_there"),
        ("marketplaces", "0031_records_say_their_mode"),
    ]

    operations = [
        *stamp("accountsweep", "account_sweeps", "account_sweep_mode", OF_ACCOUNT),
        *stamp("foundlisting", "found_listings", "found_mode", OF_ACCOUNT),
        *stamp("marketplacecommand", "marketplace_commands", "command_mode", OF_ACCOUNT, OF_LISTING, OF_SALE),
        migrations.AddField(
            model_name="pricehistory", name="mode", field=models.CharField(default="", editable=False, max_length=10)
        ),
        migrations.RunSQL(OF_LISTING.format(table="price_history"), migrations.RunSQL.noop),
    ]
