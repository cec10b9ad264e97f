"""What endings do to lots, budget and settlement is written down; of sales that ended before too, as they stand now."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q, Sum
from django.utils import timezone

import seatsync.core.ids
from seatsync.core.triggers import append_only

ENDINGS = [
    ("promise_cancelled", "the buyer's payment did not come"),
    ("rejected", "rejected, because a seat was gone"),
    ("cancelled", "cancelled by its marketplace"),
    ("game_off", "the game was called off"),
    ("claim", "under complaint"),
    ("penalty", "charged a penalty"),
    ("replacement", "replaced by other tickets"),
]
# As listings/states.py had it: lots, budget, settlement, and whether what counted counts no more.
STANDINGS = {
    "": ("disposed", "counts", "stands", False),
    "promise_cancelled": ("not_disposed", "counts_no_more", "stands", True),
    "rejected": ("not_disposed", "counts_no_more", "stands", False),
    "cancelled": ("not_disposed", "counts_no_more", "owed_back", True),
    "game_off": ("not_disposed", "counts_no_more", "owed_back", True),
    "claim": ("waits", "counts", "waits", False),
    "penalty": ("disposed", "counts", "shares_charge", False),
    "replacement": ("not_disposed", "counts_no_more", "owed_back", True),
}


def keep(apps, schema_editor):
    effects = apps.get_model("listings", "EndingEffect").objects
    sales = apps.get_model("listings", "Sale").objects.filter(~Q(ending="") | ~Q(charged=0))
    lines = apps.get_model("listings", "PayoutLine").objects.filter(payout__paid_at__lte=timezone.now())
    for sale in sales.order_by("pk").iterator():
        lot, budget, settlement, uncounted = STANDINGS[sale.ending]
        taken = -sale.proceeds if uncounted else 0
        borne = sale.charged
        if uncounted or sale.state in {"cancelled", "conflict"}:
            net = lines.filter(sale=sale, payout__currency=F("sale__currency")).aggregate(sum=Sum("net"))["sum"] or 0
            borne = max(-net, 0)
        owed = (taken if settlement == "owed_back" else 0) - borne
        for kind, effect, usual, amount, tickets in (
            ("lot", lot, "disposed", taken, 0),
            ("budget", budget, "counts", 0, -sale.quantity if uncounted else 0),
            ("settlement", settlement, "stands", owed, 0),
        ):
            if effect != usual or amount or tickets:
                effects.create(
                    tenant_id=sale.tenant_id, sale=sale, kind=kind, number=1, effect=effect, ending=sale.ending,
                    amount=amount, currency=sale.currency, tickets=tickets, at=sale.ended_at or timezone.now(),
                )


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0036_what_was_said_and_told"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndingEffect",
            fields=[
                ("id", models.UUIDField(default=seatsync.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("kind", models.CharField(choices=[("lot", "tax lots"), ("budget", "resale budget"), ("settlement", "settlement")], max_length=10)),
                ("number", models.PositiveSmallIntegerField()),
                ("effect", models.CharField(max_length=20)),
                ("ending", models.CharField(blank=True, choices=ENDINGS, max_length=20)),
                ("amount", models.DecimalField(decimal_places=2, default=0, max_digits=10)),
                ("currency", models.CharField(max_length=3)),
                ("tickets", models.SmallIntegerField(default=0)),
                ("at", models.DateTimeField()),
                ("sale", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="effects", to="listings.sale")),
                ("tenant", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tenants.tenant")),
            ],
            options={
                "db_table": "ending_effects",
                "ordering": ["at", "number"],
                "constraints": [models.UniqueConstraint(fields=("sale", "kind", "number"), name="ending_effect_once")],
            },
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
        append_only("ending_effects"),
    ]
