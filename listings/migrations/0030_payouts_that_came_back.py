"""A payout keeps whether its holder alone said that it came, and since when its marketplace says that it came back."""

from django.db import migrations, models
from django.db.models import Q


def keep(apps, schema_editor):
    payouts = apps.get_model("listings", "Payout").objects
    named = Q(reference="next") | Q(reference__startswith="by hand ")
    less = Q(reference__startswith="charged by hand ") | Q(reference__startswith="taken back by hand ")
    # Gametime never says that it has paid.
    said = named | less | Q(received__isnull=False) | Q(platform="gametime")
    payouts.filter(said, paid_at__isnull=False).update(said_by_hand=True)


class Migration(migrations.Migration):
    dependencies = [("listings", "0029_settled_charges")]

    operations = [
        migrations.AddField(
            model_name="payout",
            name="returned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="payout",
            name="said_by_hand",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
