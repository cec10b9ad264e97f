"""A sale keeps what was understood of its marketplace's word; a payout has one line a sale, and one for what is none's."""

from django.db import migrations, models

# The first of a payout's lines that are no sale's takes the others' amounts.
MERGE = """
WITH merged AS (
    SELECT payout_id, (array_agg(id ORDER BY id))[1] AS kept, sum(gross) AS gross, sum(fee) AS fee,
        sum(penalty) AS penalty, sum(net) AS net
    FROM payout_lines WHERE platform_sale_id = '' GROUP BY payout_id HAVING count(*) > 1
), gone AS (
    DELETE FROM payout_lines USING merged
    WHERE payout_lines.payout_id = merged.payout_id AND platform_sale_id = '' AND payout_lines.id <> merged.kept
)
UPDATE payout_lines SET gross = merged.gross, fee = merged.fee, penalty = merged.penalty, net = merged.net
FROM merged WHERE payout_lines.id = merged.kept
"""


class Migration(migrations.Migration):
    dependencies = [("listings", "0006_price_history_hourly")]

    operations = [
        migrations.AddField(model_name="sale", name="remote_state", field=models.CharField(blank=True, max_length=20)),
        migrations.RemoveConstraint(model_name="payoutline", name="payout_line_once"),
        migrations.RunSQL(MERGE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="payoutline",
            constraint=models.UniqueConstraint(fields=("payout", "platform_sale_id"), name="payout_line_once"),
        ),
    ]
