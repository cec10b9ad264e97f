"""Shipping labels: fetched once where a sale's tickets go as a parcel, kept under their holder's own key."""

from listings.models import Sale
from listings.states import SALE_LIVE
from marketplaces.contracts import Capability
from marketplaces.delivery import DeliveryStep
from marketplaces.registry import adapter_get, platform_can
from marketplaces.services.alerts import alert_reading_recovered
from marketplaces.services.links import over_link
from seatsync.core.actors import Actor
from seatsync.core.errors import NotAllowed
from seatsync.core.jobs import enqueue_on_commit
from seatsync.core.subjects import subject_seal, subject_unseal

FETCH = "listings.tasks.fetch_label"
# What cannot be read, where the fetching fails.
LABEL = "label"


def label_wanted(sale: Sale) -> bool:
    """Whether its marketplace prints a label for it that is not here yet."""
    prints = platform_can(sale.platform, Capability.SHIPPING_LABEL)
    wants = sale.state in SALE_LIVE and sale.delivery_step == DeliveryStep.LABELS
    return prints and wants and not sale.label_sealed


def label_order(sale: Sale) -> None:
    """Have the label fetched, where one is wanted; by a job, since a marketplace takes its time."""
    if label_wanted(sale):
        enqueue_on_commit(FETCH, sale_id=str(sale.pk))


def label_fetch(sale: Sale) -> bool:
    """Fetch and keep it; whether it is here. Raises MarketplaceError."""
    if not label_wanted(sale):
        return bool(sale.label_sealed)
    adapter = adapter_get(sale.platform)
    content = over_link(sale.account, lambda link: adapter.shipping_label(link, sale.platform_sale_id))
    (sealed,) = subject_seal(sale.account.user_id, content)
    Sale.objects.filter(pk=sale.pk).update(label_sealed=sealed)
    alert_reading_recovered(sale.account, LABEL)
    return True


def label_of_sale(actor: Actor, sale: Sale) -> bytes | None:
    """The label, a PDF; None where it is not here, and then it is being fetched.

    It says where the buyer lives: raises NotAllowed for whoever may not hand the tickets over.
    """
    if not sale.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not hand it over.")
    # Of a sale that is over it only tells where somebody lives.
    found = subject_unseal(sale.account.user_id, sale.label_sealed) if sale.state in SALE_LIVE else None
    if found is None:
        label_order(sale)
    return found
