"""The authenticator that opens the admin to staff is asked for at every other door too."""

from base64 import b32encode
from typing import Any

from allauth.mfa.utils import encrypt
from django.db import migrations


def share(apps: Any, _schema: Any) -> None:
    device_model, factor_model = apps.get_model("otp_totp", "TOTPDevice"), apps.get_model("mfa", "Authenticator")
    known = factor_model.objects.filter(type="totp").values("user_id")
    for device in device_model.objects.filter(confirmed=True).exclude(user_id__in=known).order_by("user_id", "pk"):
        secret = b32encode(bytes.fromhex(device.key)).decode()
        factor_model.objects.get_or_create(
            user_id=device.user_id, type="totp", defaults={"data": {"secret": encrypt(secret)}}
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_leaving_one_tenant"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("otp_totp", "0003_add_timestamps"),
    ]

    operations = [migrations.RunPython(share, migrations.RunPython.noop)]
