"""What guards go by today."""

from collections.abc import Mapping

from django.conf import settings

from automation.models import ThresholdVersion
from automation.registry import guards_make
from listings.contracts import Guard
from seatsync.core.clock import now
from seatsync.core.kept import kept


@kept("LIMITS_KEPT_S")
def thresholds_kept() -> Mapping[str, int]:
    """The dated figures in force, by name, as of now or a moment ago; what is not dated is not among them."""
    dated = ThresholdVersion.objects.filter(valid_from__lte=now().date())
    # The newest of each comes last.
    return dict(dated.order_by("valid_from").values_list("name", "value"))


def guards_in_force() -> list[Guard]:
    """Every guard, by key, of the figures that are dated; else of the setting of the same name."""
    dated = thresholds_kept()
    return guards_make(lambda name: dated[name] if name in dated else getattr(settings, name))
