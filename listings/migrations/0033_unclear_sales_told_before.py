"""Sales that are not clear by now say which seats they may have taken, as later ones do: their listing's, and those held.

What is in a state that we do not know takes nothing, then as now.
"""

from django.db import migrations


def keep(apps, schema_editor):
    sales, seats = apps.get_model("listings", "Sale").objects, apps.get_model("portfolios", "Seat").objects
    rows = apps.get_model("listings", "ListingSeat").objects
    unclear = sales.filter(state="needs_person", missing=False).exclude(remote_state__in=["issue", "unknown"])
    for sale in unclear:
        key = f"sale:{sale.account_id.hex}:{sale.platform_sale_id}"
        held = seats.filter(tenant_id=sale.tenant_id, held_by=key).values_list("pk", flat=True)
        of_listing = rows.filter(listing_id=sale.listing_id).values_list("seat_id", flat=True)
        sales.filter(pk=sale.pk).update(may_be_of=sorted({*held, *of_listing}))


class Migration(migrations.Migration):
    dependencies = [("listings", "0032_sales_that_may_have_seats")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
