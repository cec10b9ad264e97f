"""Sales that say by now that there is a complaint or a penalty keep why, as later ones do."""

from django.db import migrations
from django.db.models import F


def keep(apps, schema_editor):
    sales = apps.get_model("listings", "Sale").objects
    sales.filter(ending="claim").update(claim_reason=F("ending_reason"))
    sales.filter(ending="penalty").update(penalty_reason=F("ending_reason"))


class Migration(migrations.Migration):
    dependencies = [("listings", "0024_complaints_and_penalties_are_kept")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
