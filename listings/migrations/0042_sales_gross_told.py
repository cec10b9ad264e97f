"""Whether a sale's price was told is kept with it; of sales before it follows from where they came."""

from django.db import migrations, models
from django.db.models import F, Q


def tell(apps, schema_editor):
    sales = apps.get_model("listings", "Sale").objects
    # Two marketplaces tell what reaches the seller alone, and so do mails that tell a payout: then no fee is left. What
    # its holder said has its own words, and what was reckoned from a price leaves its fee.
    untold = Q(platform__in=["gametime", "vividseats"]) | Q(remote_status="told by mail")
    alone = sales.filter(untold, proceeds_told=True, gross=F("proceeds"))
    alone.exclude(remote_status="told by hand").update(gross_told=False)


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0041_found_tickets'),
    ]

    operations = [
        migrations.AddField(
            model_name='sale',
            name='gross_told',
            field=models.BooleanField(default=True),
        ),
        migrations.RunPython(tell, migrations.RunPython.noop),
    ]
