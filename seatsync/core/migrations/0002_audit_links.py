import django.db.models.deletion
from django.db import migrations, models

from seatsync.core.audit_sql import LINKING, UNLINKING
from seatsync.core.triggers import append_only


class Migration(migrations.Migration):
    """An entry's place in its chain moves from the entry to a link that the database writes at commit."""

    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="auditentry", name="audit_chain_seq"),
        migrations.RemoveField(model_name="auditentry", name="hash"),
        migrations.RemoveField(model_name="auditentry", name="previous_hash"),
        migrations.RemoveField(model_name="auditentry", name="seq"),
        migrations.AddIndex(model_name="auditentry", index=models.Index(fields=["chain"], name="audit_chain")),
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="link", serialize=False, to="core.auditentry")),
                ("chain", models.CharField(max_length=40)),
                ("seq", models.PositiveBigIntegerField()),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "db_table": "audit_links",
                "constraints": [models.UniqueConstraint(fields=("chain", "seq"), name="audit_chain_seq")],
            },
        ),
        migrations.RunSQL(sql=LINKING, reverse_sql=UNLINKING),
        append_only("audit_links"),
    ]
