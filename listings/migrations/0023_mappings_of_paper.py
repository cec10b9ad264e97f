"""Mappings by which nothing was ever offered in the real market are the paper market's: it has taught them."""

from django.db import migrations
from django.db.models import Exists, OuterRef


def divide(apps, schema_editor):
    real = apps.get_model("listings", "Listing").objects.filter(mode__in=["live", "assisted"])
    events, sections = (apps.get_model("portfolios", name) for name in ("EventMapping", "SectionMapping"))
    of_game = real.filter(game=OuterRef("game"), platform=OuterRef("platform"))
    of_section = real.filter(
        game__venue=OuterRef("venue"), section=OuterRef("section"), platform=OuterRef("platform")
    )
    events.objects.filter(~Exists(of_game)).update(paper=True)
    sections.objects.filter(~Exists(of_section)).update(paper=True)


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0022_commands_ride_together"),
        ("portfolios", "0013_mappings_of_either_market"),
    ]

    operations = [migrations.RunPython(divide, migrations.RunPython.noop)]
