"""A person may leave one tenant alone; who was leaving before this left them all, which no tenant says."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_leavings"), ("tenants", "0002_suspended")]

    operations = [
        migrations.RemoveConstraint(model_name="leaving", name="leaving_once"),
        migrations.AddField(
            model_name="leaving",
            name="tenant",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="leavings", to="tenants.tenant"),
        ),
        migrations.AddConstraint(
            model_name="leaving",
            constraint=models.UniqueConstraint(condition=models.Q(("ended_at", None)), fields=("user", "tenant", "why"), name="leaving_once", nulls_distinct=False),
        ),
    ]
