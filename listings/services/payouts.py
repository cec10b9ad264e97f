"""Getting paid: every payout that a marketplace reports is kept with its lines, and each line finds its sale (I-25)."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db import transaction
from django.db.models import Q

from listings.locks import sale_lock
from listings.models import Payout, PayoutLine, Sale, SaleState
from listings.services.notify import sale_changed
from listings.services.sale_alerts import alert_payout
from listings.services.sale_scene import sale_audit, sale_facts
from listings.services.sync import account_contained
from listings.states import sale_may_move
from marketplaces.contracts import Capability, RemotePayment
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get
from marketplaces.services.alerts import alert_reading_recovered
from marketplaces.services.links import over_link
from seatsync.core.actors import Actor
from seatsync.core.clock import now

# Payments are corrected for weeks after they were made; applying one twice is harmless.
OVERLAP = timedelta(days=45)
_ZERO = Decimal("0.00")


def accounts_sync_payouts() -> int:
    """Read the payouts of every account that can tell them; one account's trouble stops nobody else."""
    active = MarketplaceAccount.objects.filter(Q(is_active=True, needs_reconnect=False) & ~Q(mode=Mode.ASSISTED))
    applied = 0
    for account in active:
        if Capability.PAYMENTS in adapter_get(account.platform).traits.capabilities:
            applied += account_contained(account, "payouts", partial(account_sync_payouts, account=account)) or 0
    return applied


def account_sync_payouts(*, account: MarketplaceAccount) -> int:
    """Read one account's payouts and keep each; returns how many were new. Raises MarketplaceError.

    Each is kept by itself: one that cannot be kept is told, stops no other, and is read again next time, because what
    was paid in the last weeks always is.
    """
    newest = Payout.objects.filter(account=account).order_by("-created_at").values_list("created_at", flat=True).first()
    since: datetime = (newest or account.created_at) - OVERLAP
    adapter = adapter_get(account.platform)
    payments = over_link(account, lambda link: list(adapter.payments(link, since)))
    kept = [account_contained(account, "payouts", partial(payout_apply, account=account, remote=p)) for p in payments]
    if None not in kept:
        alert_reading_recovered(account, "payouts")
    return sum(new or 0 for new in kept)


@transaction.atomic
def payout_apply(*, account: MarketplaceAccount, remote: RemotePayment) -> bool:
    """Keep one payout; told again it changes nothing but its date of payment. Returns whether it was new.

    `unexplained` is what the lines leave of the deposit; it is kept and told, never spread over the lines.
    """
    lines = remote.lines
    payout, created = Payout.objects.get_or_create(
        account=account,
        reference=remote.reference,
        defaults={
            "tenant_id": account.tenant_id,
            "mode": account.mode,
            "platform": account.platform,
            "paid_at": remote.paid_at,
            "gross": sum((line[1] for line in lines), _ZERO),
            "fee": sum((line[2] for line in lines), _ZERO),
            "penalty": sum((line[3] for line in lines), _ZERO),
            "net": remote.net,
            "currency": remote.currency,
            "unexplained": remote.net - sum((line[4] for line in lines), _ZERO),
        },
    )
    if not created:
        if payout.paid_at is None and remote.paid_at is not None:
            payout.paid_at = remote.paid_at
            payout.save(update_fields=["paid_at", "updated_at"])
            _sales_paid(payout)
        return False
    sales = {sale.platform_sale_id: sale for sale in _sales(account, [line[0] for line in lines])}
    for sale_id, gross, fee, penalty, net in lines:
        PayoutLine.objects.create(
            tenant_id=payout.tenant_id, payout=payout, sale=sales.get(sale_id), platform_sale_id=sale_id, gross=gross,
            fee=fee, penalty=penalty, net=net,
        )  # fmt: skip
    _sales_paid(payout)
    alert_payout(payout, unknown=len(lines) - len(sales))
    return True


def _sales(account: MarketplaceAccount, sale_ids: list[str]) -> list[Sale]:
    return list(Sale.objects.filter(account=account, platform_sale_id__in=sale_ids))


def _sales_paid(payout: Payout) -> None:
    """The sales of a payout that was made are complete."""
    if payout.paid_at is None or payout.paid_at > now():
        return
    for sale_id in sorted(payout.lines.exclude(sale=None).values_list("sale_id", flat=True)):
        sale = sale_lock(sale_id)
        # Being paid does not answer the question that a person was asked.
        settled = sale.state in {SaleState.NEEDS_PERSON, SaleState.COMPLETE}
        if settled or not sale_may_move(sale.state, SaleState.COMPLETE):
            continue
        before = sale_facts(sale)
        sale.state = SaleState.COMPLETE
        sale.version += 1
        sale.save(update_fields=["state", "version", "updated_at"])
        sale_changed(sale)
        actor = Actor.marketplace(payout.tenant_id, payout.account_id)
        sale_audit(actor, sale, "sale.moved", before=before, reason=f"payout {payout.reference}")
