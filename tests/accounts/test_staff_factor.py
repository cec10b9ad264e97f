"""Staff who were made before their authenticator counted everywhere: it opens every door since the migration."""

from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django_otp.oath import totp as device_code
from django_otp.plugins.otp_totp.models import TOTPDevice

from seatsync.accounts.services.sign_in import has_mfa
from seatsync.tenants.models import Tenant
from tests.builders import person

pytestmark = pytest.mark.django_db


def test_the_device_of_the_admin_is_the_second_factor_of_every_door() -> None:
    staff = person("root@example.com", Tenant.objects.get(is_default=True))[0]
    device = TOTPDevice.objects.create(user=staff, name="authenticator", confirmed=True)
    assert not has_mfa(staff)

    migration = import_module("seatsync.accounts.migrations.0005_staff_have_one_second_factor")
    migration.share(apps, None)
    migration.share(apps, None)

    factor = Authenticator.objects.get(user=staff)
    assert has_mfa(staff)
    assert factor.wrap().validate_code(f"{device_code(device.bin_key):06d}")
