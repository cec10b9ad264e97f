"""What people are told about sales."""

from listings.models import Listing, Sale
from marketplaces.registry import adapter_get
from portfolios.services.ledger import watchers
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise


def _name(sale: Sale) -> str:
    return adapter_get(sale.platform).traits.name


def _tell(sale: Sale, *, kind: str, title: str, body: str, severity: str) -> None:
    users = watchers(sale.listing.season_ticket_id) if sale.listing else [sale.account.user_id]
    for user_id in users:
        alert_raise(
            tenant_id=sale.tenant_id,
            user_id=user_id,
            kind=kind,
            title=title,
            body=body,
            severity=severity,
            object_type="sale",
            object_id=str(sale.pk),
            url=page_link("listings:sale_detail", sale.pk),
            dedupe_key=f"{kind}:{sale.pk}",
        )


def alert_sold(sale: Sale, listing: Listing) -> None:
    """Seats were sold."""
    _tell(
        sale,
        kind="sale.sold",
        title=f"Sold on {_name(sale)}: {sale.quantity} in {listing.section}/{listing.row}",
        body=f"{sale.gross} {sale.currency} gross, {sale.proceeds} to you after fees. Other listings are coming down.",
        severity="action",
    )


def alert_conflict(sale: Sale) -> None:
    """A marketplace sold seats that somebody else has."""
    _tell(
        sale,
        kind="sale.conflict",
        title=f"Conflict: {_name(sale)} sold seats that are gone",
        body="The sale is being rejected there before its confirm-by time. Look at it now.",
        severity="critical",
    )


def alert_cancelled(sale: Sale) -> None:
    """A sale was cancelled and the seats are back."""
    _tell(
        sale,
        kind="sale.cancelled",
        title=f"Sale cancelled on {_name(sale)}",
        body="Your seats are available again. Nothing was listed again; publish them if you still want to sell.",
        severity="action",
    )


def alert_unclear(sale: Sale, reason: str) -> None:
    """A sale needs a person."""
    _tell(
        sale,
        kind="sale.unclear",
        title=f"{_name(sale)} sale needs you",
        body=f"Nothing was decided, because {reason}.",
        severity="critical",
    )
