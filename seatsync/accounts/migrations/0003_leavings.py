"""That a person leaves, and why, is kept until it is taken back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import seatsync.core.ids

WHYS = [
    ("disconnect", "its holder gave it up"),
    ("erasure", "its holder is to be erased"),
    ("downgrade", "the plan became a smaller one"),
    ("suspension", "selling is suspended"),
    ("dunning", "the plan was not paid"),
]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_words")]

    operations = [
        migrations.CreateModel(
            name="Leaving",
            fields=[
                ("id", models.UUIDField(default=seatsync.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("why", models.CharField(choices=WHYS, max_length=12)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="leavings", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "db_table": "leavings",
                "constraints": [models.UniqueConstraint(condition=models.Q(("ended_at", None)), fields=("user", "why"), name="leaving_once")],
            },
        ),
    ]
