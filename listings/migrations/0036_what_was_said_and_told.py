"""What a holder said was kept stays, and how much of it his marketplace tells, where it came to nothing since."""

from django.db import migrations, models
from django.db.models import F, Q


def keep(apps, schema_editor):
    payouts = apps.get_model("listings", "Payout").objects
    less = Q(reference__startswith="charged by hand ") | Q(reference__startswith="taken back by hand ")
    payouts.filter(less, net__lt=0).update(said=-F("net"))
    # What was said of those that came to nothing is in the audit alone, sealed; with what it was told is the best that
    # is known where one payout tells of one of them.
    for payout in payouts.filter(told_with__isnull=False).select_related("told_with"):
        sale_ids = payout.lines.values_list("sale_id", flat=True)
        line = payout.told_with.lines.filter(sale__in=sale_ids).first()
        alone = not payouts.filter(told_with=payout.told_with).exclude(pk=payout.pk).exists()
        if line is not None and alone:
            payouts.filter(pk=payout.pk).update(told_amount=line.penalty or -line.net)


class Migration(migrations.Migration):
    dependencies = [("listings", "0035_claims_told_before")]

    operations = [
        migrations.AddField(
            model_name="payout",
            name="told_amount",
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True),
        ),
        migrations.AddField(
            model_name="payout",
            name="said",
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
