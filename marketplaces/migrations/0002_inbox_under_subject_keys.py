"""What was received moves under each holder's own key, as bytes; every item gets its tenant."""

import django.db.models.deletion
import orjson
from cryptography.fernet import Fernet
from django.db import migrations, models

import seatsync.core.crypto
import seatsync.core.ids
from seatsync.core import crypto


def _cipher(apps, subject):
    row, _ = apps.get_model("core", "SubjectKey").objects.get_or_create(
        subject=subject, defaults={"key_encrypted": crypto.encrypt(crypto.new_key())}
    )
    return Fernet(crypto.decrypt(row.key_encrypted)) if row.destroyed_at is None else None


def seal(apps, schema_editor):
    for event in apps.get_model("marketplaces", "InboundEvent").objects.select_related("account").iterator():
        cipher = _cipher(apps, event.account.user_id)
        parts = [event.body.encode(), (event.headers or "{}").encode()]
        event.body_encrypted, event.headers_encrypted = [cipher.encrypt(part) if cipher else b"" for part in parts]
        event.tenant_id = event.account.tenant_id
        event.save(update_fields=["body_encrypted", "headers_encrypted", "tenant"])


def unseal(apps, schema_editor):
    """Back to text; bytes that are no text lose what they were."""
    for event in apps.get_model("marketplaces", "InboundEvent").objects.select_related("account").iterator():
        cipher = _cipher(apps, event.account.user_id)
        sealed = [bytes(event.body_encrypted), bytes(event.headers_encrypted)]
        body, headers = [cipher.decrypt(part) if cipher and part else b"" for part in sealed]
        event.body = body.decode(errors="replace").replace("\x00", "")
        event.headers = orjson.dumps(orjson.loads(headers or b"{}")).decode()
        event.save(update_fields=["body", "headers"])


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_audit_links"),
        ("tenants", "0001_initial"),
        ("marketplaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="InboundDelivery",
            fields=[
                ("id", models.UUIDField(default=seatsync.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("body_encrypted", models.BinaryField()),
                ("received_at", models.DateTimeField()),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="marketplaces.marketplaceaccount")),
                ("tenant", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant")),
            ],
            options={"verbose_name_plural": "inbound deliveries", "db_table": "inbound_deliveries"},
        ),
        migrations.AddField("marketplaceaccount", "last_error_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "inboundevent", "delivery",
            models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="items", to="marketplaces.inbounddelivery"),
        ),
        migrations.AddField(
            "inboundevent", "tenant", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant")
        ),
        migrations.AddField("inboundevent", "body_encrypted", models.BinaryField(default=b""), preserve_default=False),
        migrations.AddField("inboundevent", "headers_encrypted", models.BinaryField(default=b""), preserve_default=False),
        migrations.AlterField("inboundevent", "body", seatsync.core.crypto.EncryptedTextField(blank=True)),
        migrations.RunPython(seal, unseal),
        migrations.AlterField(
            "inboundevent", "tenant", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant")
        ),
        migrations.RemoveField("inboundevent", "body"),
        migrations.RemoveField("inboundevent", "headers"),
    ]
