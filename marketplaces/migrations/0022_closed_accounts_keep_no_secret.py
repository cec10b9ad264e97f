"""Accounts that were closed before kept what proved their webhooks, which at some platforms is the token itself."""

from django.db import migrations


def secrets_forget(apps, schema_editor):
    accounts = apps.get_model("marketplaces", "MarketplaceAccount").objects
    accounts.filter(is_active=False).exclude(webhook_secret="").update(webhook_secret="")


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0021_deadlines_are_dated")]

    operations = [migrations.RunPython(secrets_forget, migrations.RunPython.noop)]
