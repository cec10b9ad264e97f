"""Accounts that are connected by now say which seller they are. Of two of one seller the older stays as it is.

The younger is paused; its holder is asked by the next round of `accounts_close`, which knows this account by the words
that it says of itself.
"""

from cryptography.fernet import InvalidToken
from django.db import migrations
from django.utils import timezone

from seatsync.core.crypto import sha256_hex

DOUBLED = "This account there is connected by another connection already; this one is paused."


def key_of(accounts, row):
    pk, platform, mode, keys_of, name = row
    market = keys_of or ("live" if mode == "assisted" else mode)
    if name.strip():
        return sha256_hex(platform, market, "name", name.strip().casefold())
    try:
        token = accounts.filter(pk=pk).values_list("access_token", flat=True).get()
    except InvalidToken:
        # Under a key that is no more: only its holder can connect it again.
        return ""
    credential = token.partition("\n")[0]
    return sha256_hex(platform, market, "credential", credential) if credential else ""


def sellers_note(apps, schema_editor):
    accounts = apps.get_model("marketplaces", "MarketplaceAccount").objects
    rows = accounts.filter(is_active=True).order_by("created_at", "pk")
    known = set()
    for row in list(rows.values_list("pk", "platform", "mode", "keys_of", "account_id")):
        pk, platform, mode = row[:3]
        key = key_of(accounts, row)
        if not key:
            continue
        if (platform, mode, key) not in known:
            known.add((platform, mode, key))
            accounts.filter(pk=pk).update(seller_key=key)
        elif mode != "assisted":
            moment = timezone.now()
            accounts.filter(pk=pk).update(needs_reconnect=True, last_error=DOUBLED, last_error_at=moment)


class Migration(migrations.Migration):
    dependencies = [("marketplaces", "0026_which_seller_an_account_is")]

    operations = [migrations.RunPython(sellers_note, migrations.RunPython.noop)]
