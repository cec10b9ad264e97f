"""Getting paid: every payout that a marketplace reports is kept with its lines, and each line finds its sale (I-25)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db import transaction
from django.db.models import Q

from listings.locks import sale_lock
from listings.models import Payout, PayoutLine, Sale, SaleState
from listings.services.notify import sale_changed
from listings.services.sale_alerts import alert_payout, alerts_settle
from listings.services.sale_saga import READ_SALE
from listings.services.sale_scene import sale_audit, sale_facts
from listings.services.sync import account_contained
from listings.states import sale_may_move
from marketplaces.contracts import Capability, PaymentLine, RemotePayment
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, platform_can
from marketplaces.services.alerts import alert_reading_recovered
from marketplaces.services.links import over_link
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.jobs import enqueue_on_commit

# Payments are corrected for weeks after they were made; applying one twice is harmless.
OVERLAP = timedelta(days=45)
_ZERO = Decimal("0.00")


def accounts_sync_payouts() -> int:
    """Read the payouts of every account that can tell them; one account's trouble stops nobody else."""
    active = MarketplaceAccount.objects.filter(Q(is_active=True, needs_reconnect=False) & ~Q(mode=Mode.ASSISTED))
    applied = 0
    for account in active:
        if platform_can(account.platform, Capability.PAYMENTS):
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
    """Keep one payout; told again unchanged it changes nothing but its date of payment. Returns whether it was new.

    A correction under the same reference counts: the audit keeps what it replaces, and a line that it leaves out is
    reversed to nothing, never deleted. `unexplained` is what the lines leave of the deposit; it is kept and told, never
    spread over the lines.
    """
    told = _by_sale(remote)
    sums = _sums(remote, told)
    payout, created = Payout.objects.get_or_create(
        account=account, reference=remote.reference,
        defaults={
            "tenant_id": account.tenant_id, "mode": account.mode, "platform": account.platform,
            "paid_at": remote.paid_at, "currency": remote.currency, **sums,
        },
    )  # fmt: skip
    if created:
        alert_payout(payout, unknown=_lines_write(payout, told))
    else:
        _told_again(payout, remote, told, sums)
    _sales_paid(payout)
    return created


def _by_sale(remote: RemotePayment) -> dict[str, PaymentLine]:
    """One line per sale: a payout may name one more than once."""
    found: dict[str, PaymentLine] = {}
    for line in remote.lines:
        one = found.get(line.sale_id, PaymentLine(line.sale_id, _ZERO, _ZERO, _ZERO, _ZERO))
        found[line.sale_id] = PaymentLine(
            line.sale_id, one.gross + line.gross, one.fee + line.fee, one.penalty + line.penalty, one.net + line.net
        )
    return found


def _sums(remote: RemotePayment, told: Mapping[str, PaymentLine]) -> dict[str, Decimal]:
    lines = told.values()
    return {
        "gross": sum((line.gross for line in lines), _ZERO),
        "fee": sum((line.fee for line in lines), _ZERO),
        "penalty": sum((line.penalty for line in lines), _ZERO),
        "net": remote.net,
        "unexplained": remote.net - sum((line.net for line in lines), _ZERO),
    }


def _told_again(
    payout: Payout, remote: RemotePayment, told: Mapping[str, PaymentLine], sums: Mapping[str, Decimal]
) -> None:
    if payout.paid_at is None and remote.paid_at is not None:
        payout.paid_at = remote.paid_at
        payout.save(update_fields=["paid_at", "updated_at"])
    kept = {
        line.platform_sale_id: PaymentLine(line.platform_sale_id, line.gross, line.fee, line.penalty, line.net)
        for line in payout.lines.all()
    }
    reversed_lines = {key: PaymentLine(key, _ZERO, _ZERO, _ZERO, _ZERO) for key in kept if key not in told}
    before = {name: getattr(payout, name) for name in sums}
    if before == sums and kept == {**reversed_lines, **told}:
        _late_sales_link(payout)
        return
    for name, value in sums.items():
        setattr(payout, name, value)
    payout.save(update_fields=[*sums, "updated_at"])
    unknown = _lines_write(payout, {**reversed_lines, **told})
    audit_record(
        actor=Actor.marketplace(payout.tenant_id, payout.account_id), verb="payout.corrected", object_type="payout",
        object_id=payout.pk, subject=payout.account.user_id, before={**before, "lines": list(kept.values())},
        after={**sums, "lines": list(told.values())},
    )  # fmt: skip
    alert_payout(payout, unknown=unknown, was=before["net"])


def _late_sales_link(payout: Payout) -> None:
    """A line whose sale was not known when it was paid finds it once it is."""
    for line in payout.lines.filter(sale=None).exclude(platform_sale_id=""):
        line.sale = Sale.objects.filter(account_id=payout.account_id, platform_sale_id=line.platform_sale_id).first()
        if line.sale is not None:
            line.save(update_fields=["sale", "updated_at"])


def _lines_write(payout: Payout, lines: Mapping[str, PaymentLine]) -> int:
    """Write the payout's lines, each with its sale; returns how many sales are not known here."""
    sales = {
        sale.platform_sale_id: sale
        for sale in Sale.objects.filter(account_id=payout.account_id, platform_sale_id__in=lines.keys())
    }
    for key, line in lines.items():
        PayoutLine.objects.update_or_create(
            payout=payout, platform_sale_id=key,
            defaults={
                "tenant_id": payout.tenant_id, "sale": sales.get(key), "gross": line.gross, "fee": line.fee,
                "penalty": line.penalty, "net": line.net,
            },
        )  # fmt: skip
    return len(lines.keys() - sales.keys() - {""})


def _sales_paid(payout: Payout) -> None:
    """The sales of a payout that was made are complete."""
    if payout.paid_at is None or payout.paid_at > now():
        return
    for sale_id in sorted(payout.lines.exclude(sale=None).values_list("sale_id", flat=True)):
        sale = sale_lock(sale_id)
        # Being paid does not answer the question that a person was asked.
        settled = sale.state in {SaleState.NEEDS_PERSON, SaleState.COMPLETE}
        if sale.state == SaleState.PROVISIONAL:
            # Its seats are only held: what became of the promise is its marketplace's to say.
            enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
            continue
        if settled or not sale_may_move(sale.state, SaleState.COMPLETE):
            continue
        before = sale_facts(sale)
        sale.state = SaleState.COMPLETE
        sale.version += 1
        sale.save(update_fields=["state", "version", "updated_at"])
        sale_changed(sale)
        alerts_settle(sale)
        actor = Actor.marketplace(payout.tenant_id, payout.account_id)
        sale_audit(actor, sale, "sale.moved", before=before, reason=f"payout {payout.reference}")
