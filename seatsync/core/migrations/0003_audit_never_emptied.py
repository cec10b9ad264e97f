from django.db import migrations

from seatsync.core.triggers import never_emptied


class Migration(migrations.Migration):
    """The audit refuses TRUNCATE too; what is to be forgotten loses its subject's key instead."""

    dependencies = [("core", "0002_audit_links")]

    operations = [never_emptied("audit"), never_emptied("audit_links")]
