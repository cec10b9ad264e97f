"""Getting paid: every payout that a marketplace reports is kept with its lines, and each line finds its sale (I-25)."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Min, Q

from listings.locks import payout_lock, sale_lock
from listings.models import BY_HAND, CHARGED_BY_HAND, TAKEN_BY_HAND, Payout, PayoutLine, Sale, SaleState
from listings.payables import (
    NEXT,
    OWED,
    holder_says_paid,
    last_day_of,
    lines_counted,
    payouts_made_of,
    payouts_told,
    received_for,
)  # fmt: skip
from listings.services.charges import charges_note
from listings.services.charges_said import Less, less_of, said_before, said_of, taken_before
from listings.services.come_over import left_there, payout_come_over
from listings.services.commands import sale_commands_settle
from listings.services.far_off import payout_check
from listings.services.notify import sale_changed
from listings.services.payout_alerts import (
    alert_other_charge,
    alert_payout,
    alert_returned,
    alert_returned_over,
    alert_sales_known,
    alert_unexplained,
    alert_unsure,
    alert_unsure_over,
)  # fmt: skip
from listings.services.payout_checks import sales_check
from listings.services.sale_alerts import alerts_settle
from listings.services.sale_scene import sale_audit, sale_facts
from listings.services.sync import account_contained
from listings.services.wake import POLL_NEXT, POLL_PAYOUTS, READ_SALE
from listings.states import HANDED_OVER, UNPAID, sale_may_move
from marketplaces.contracts import Capability, Link, PaymentLine, RemotePayment
from marketplaces.locks import account_lock
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, platform_can, platform_name
from marketplaces.services.alerts import alert_reading, alert_reading_recovered
from marketplaces.services.links import over_link, trouble
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed
from seatsync.core.jobs import enqueue_on_commit
from seatsync.core.money import LARGEST, round_money

# Payments are corrected for weeks after they were made; applying one twice is harmless.
OVERLAP = timedelta(days=45)
# Between two accounts' jobs (s), and all of an hour's together (s).
_APART_S, _SPREAD_S = 0.2, 1200.0
_ZERO = Decimal("0.00")


def accounts_sync_payouts() -> int:
    """Read the payouts of every account that can tell them, here and now; returns how many were new."""
    return sum(account_poll_payouts(account) for account in _paid())


def accounts_order_payouts() -> int:
    """Order a job for each account that can tell its payouts; returns how many.

    One each, a little apart: however many there are, a marketplace that hangs keeps no other account from being read,
    and what is more urgent finds its turn in between.
    """
    accounts = _paid()
    for place, account in enumerate(accounts):
        countdown_s = place * min(_APART_S, _SPREAD_S / len(accounts))
        enqueue_on_commit(POLL_PAYOUTS, countdown_s=countdown_s, one_waits=True, account_id=str(account.pk))
    return len(accounts)


def _paid() -> list[MarketplaceAccount]:
    active = MarketplaceAccount.objects.filter(Q(is_active=True, needs_reconnect=False) & ~Q(mode=Mode.ASSISTED))
    return [account for account in active.order_by("pk") if platform_can(account.platform, Capability.PAYMENTS)]


def account_poll_payouts(account: MarketplaceAccount) -> int:
    """Read one account's payouts; returns how many were new. Its trouble is kept on it; what must wait comes again."""
    again = partial(enqueue_on_commit, POLL_PAYOUTS, account_id=str(account.pk))
    return account_contained(account, "payouts", partial(account_sync_payouts, account=account), again=again) or 0


def account_sync_payouts(*, account: MarketplaceAccount) -> int:
    """Read one account's payouts, and what is coming; returns how many were new. Raises MarketplaceError.

    Each is kept by itself: one that cannot be kept is told, stops no other, and is read again next time, because what
    was paid in the last weeks always is.
    """
    since = _payments_since(account)
    adapter = adapter_get(account.platform)

    def read(link: Link) -> tuple[list[RemotePayment], list[str]]:
        return list(adapter.payments(link, since)), link.unread.told

    payments, unread = over_link(account, read, reading="payouts")
    kept = [account_contained(account, "payouts", partial(payout_apply, account=account, remote=p)) for p in payments]
    told = [payment.reference for payment in payments]
    kept.append(account_contained(account, "payouts", partial(_announced_over, account, told)))
    if platform_can(account.platform, Capability.NEXT_PAYMENT):
        # After those that were made: one of them is what was announced before.
        kept.append(account_poll_next(account))
    if unread:
        reason = "; ".join(f"payment {what}" for what in unread)
        MarketplaceAccount.objects.filter(pk=account.pk).update(**trouble(reason))
        alert_reading(account, "payouts", reason)
    elif None not in kept:
        alert_reading_recovered(account, "payouts")
    return sum(new or 0 for new in kept)


def _announced_over(account: MarketplaceAccount, told: Collection[str]) -> int:
    """What was announced for sales that are cancelled since, and is not `told` any more, is announced no more.

    Returns how many are new: none is. The account's next payout is told by itself (`account_sync_next`).
    """
    coming = Payout.objects.filter(account=account, paid_at=None, returned_at=None).exclude(reference__in=[*told, NEXT])
    owing = ~Q(gross=0, net=0) & (Q(sale=None) | ~Q(sale__state=SaleState.CANCELLED))
    over = coming.exclude(net=0).exclude(pk__in=PayoutLine.objects.filter(owing).values("payout"))
    for payout_id in list(over.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            payout = payout_lock(payout_id)
            if payout.state == "announced":
                _come_to_nothing(payout, quiet=True)
    return 0


def _payments_since(account: MarketplaceAccount) -> datetime:
    """From when on payments are asked for (aware UTC): further back where a sale from before connecting is not paid.

    It was paid long before, or is not known of a payment that was read while nobody knew the sale.
    """
    newest = Payout.objects.filter(account=account).order_by("-created_at").values_list("created_at", flat=True).first()
    since: datetime = (newest or account.created_at) - OVERLAP
    past = Sale.objects.filter(account=account, sold_at__lt=account.created_at, state__in=OWED, payout_lines=None)
    oldest = past.aggregate(at=Min("sold_at"))["at"]
    return since if oldest is None else min(since, oldest)


def account_poll_next(account: MarketplaceAccount) -> int | None:
    """Read what one account will be paid next; None where that failed, which is kept on it, or must wait."""
    again = partial(enqueue_on_commit, POLL_NEXT, account_id=str(account.pk))
    return account_contained(account, "payouts", partial(account_sync_next, account=account), again=again)


def account_sync_next(*, account: MarketplaceAccount) -> int:
    """Read what the account's marketplace says it will pay next; returns 1 where it is new. Raises MarketplaceError."""
    adapter = adapter_get(account.platform)
    coming = over_link(account, adapter.next_payment)
    made = Payout.objects.filter(account=account, paid_at__isnull=False, said_by_hand=False)
    if coming is not None and coming.reference and made.filter(reference=coming.reference).exists():
        # It has its number before it is paid, and keeps it: that it is still shown as coming takes nothing back.
        return 0
    if coming is not None:
        return payout_apply(account=account, remote=coming)
    if Payout.objects.filter(account=account, reference=NEXT).exists():
        payout_apply(account=account, remote=RemotePayment("", None, _ZERO, "USD"))
    return 0


@dataclass(frozen=True, slots=True)
class _Was:
    """What a payout paid for which sales before it was told again, and what it took off for its sales."""

    paid: Mapping[uuid.UUID, Decimal] = field(default_factory=dict)
    less: Less = field(default_factory=dict)


@transaction.atomic
def payout_apply(*, account: MarketplaceAccount, remote: RemotePayment) -> bool:
    """Keep one payout; told again unchanged it changes nothing but its date of payment. Returns whether it was new.

    One that is announced without a reference is the account's next one, and changes quietly until the payout comes
    that has its sales: it becomes that. What was paid is corrected under its reference: the audit keeps what is
    replaced, and a line that is left out is reversed to nothing, never deleted. `unexplained` is what the lines leave
    of the deposit; it is kept and told, never spread over the lines. What was told as paid and is not any more, or is
    told as nothing, came back: its sales are not paid by it.
    """
    payout, created, was = _keep(account, remote)
    _noted_over(payout, was)
    _sales_follow(payout, paid=was.paid)
    return created


def payout_noted(*, account: MarketplaceAccount, remote: RemotePayment) -> Payout:
    """Keep a payout that nobody announced, locked, and no sale yet; the caller has checked, and notes that it came."""
    payout, _, _ = _keep(account, remote)
    return payout_lock(payout.pk)


def _keep(account: MarketplaceAccount, remote: RemotePayment) -> tuple[Payout, bool, _Was]:
    """The payout as it is told by now, whether it is new, and what it did to sales so far; no sale is locked yet."""
    told = _by_sale(remote)
    payout = _known(account, remote, told)
    was = _Was() if payout is None else _Was(_paid_by(payout), less_of(payout))
    if payout is not None and payout.received is not None:
        remote = _as_received(remote, payout.received)
        told = _by_sale(remote)
    sums = _sums(account, remote, told)
    created = payout is None
    if payout is None:
        payout, created = Payout.objects.get_or_create(
            account=account, reference=remote.reference or NEXT,
            defaults={
                "tenant_id": account.tenant_id, "mode": account.mode, "platform": account.platform,
                "paid_at": remote.paid_at, **sums,
            },
        )  # fmt: skip
    if created:
        unknown = _lines_write(payout, told)
        if payout.paid_at is not None:
            alert_payout(payout, unknown=unknown)
    else:
        _told_again(payout, remote, told, sums)
    if payout.paid_at is None or created:
        _expected(payout, remote)
    return payout, created, was


def _paid_by(payout: Payout) -> dict[uuid.UUID, Decimal]:
    """What a payout paid for which sales, where it was made."""
    return dict(payout.lines.filter(lines_counted(), gross__gt=0).values_list("sale_id", "net"))


def _noted_over(payout: Payout, was: _Was) -> None:
    """What the holder noted of its sales, while nobody read their account, is part of it, and comes to nothing.

    So does money that was said to be taken back where the payout comes back. Where which of those that were noted it is
    is not sure, all stay, and the holder is asked.
    """
    if payout.paid_at is not None:
        paid = payout.lines.filter(gross__gt=0).exclude(sale=None).values_list("sale_id", flat=True)
        noted = payouts_made_of(paid).filter(reference__startswith=BY_HAND)
        for payout_id in noted.order_by("pk").values_list("pk", flat=True):
            _come_to_nothing(payout_lock(payout_id))
    found = [*said_before(payout, was.less), *taken_before(payout, was.paid)]
    same = {line.payout_id: (one, line) for one in found if one.sure for line in one.said}
    for payout_id in sorted(same):
        both, line = same[payout_id]
        one = payout_lock(payout_id)
        one.told_with, one.told_amount = payout, both.amount_of(line)
        one.save(update_fields=["told_with", "told_amount", "updated_at"])
        _come_to_nothing(one, quiet=both.differs)
    for both in found:
        if not both.sure:
            alert_unsure(payout, both)
            continue
        alert_unsure_over(payout, both.sale_id)
        if both.differs:
            alert_other_charge(payout, both)


def _come_to_nothing(payout: Payout, *, quiet: bool = False) -> None:
    nothing = RemotePayment(payout.reference, None, _ZERO, payout.currency)
    _told_again(payout, nothing, {}, _sums(payout.account, nothing, {}), quiet=quiet)


@transaction.atomic
def payout_receive(
    *, actor: Actor, payout_id: uuid.UUID, amount: Decimal | None = None, confirmed: bool = False
) -> Payout:  # fmt: skip
    """The account's owner says that an announced payout is on the bank account, at a marketplace that never says so.

    `amount` is what came, in the payout's currency, where it is not what was announced: it is short or too much as any
    other would be; said again it puts right what was said before. `confirmed`: it is meant, however far it is from
    what was expected. Raises NotFound, NotAllowed, InvalidInput, or Conflict where its marketplace tells it, or it is
    received already and no other amount is told.
    """
    payout = Payout.objects.select_related("account").get_for(actor, payout_id)
    if not payout.account.is_of(actor):
        raise NotAllowed("You may look at this payout. Whose account it is says what came.")
    # A charge that was told by mistake, or is one that its marketplace tells of, comes to nothing.
    none_of_it = payout.less_by_hand and amount == 0
    as_before = payout.said_by_hand and payout.told_with_id is None and amount == payout.said
    if payouts_told(payout.account) and not none_of_it and not as_before:
        name = platform_name(payout.platform)
        raise Conflict(f"{name} says itself what it has paid.", field="payout", remedy="It is read every hour.")
    if amount is not None and not none_of_it:
        # Of money that came one says nothing instead.
        amount_check(amount)
        payout_check(amount, payout, confirmed=confirmed)
    by_hand = holder_says_paid(payout.account)
    if by_hand:
        # Before its payouts, as where the money of a sale is noted by itself.
        account_lock(payout.account_id)
    payout = payout_lock(payout.pk)
    if (told := payout.told_with) is not None:
        back = ", which came back" if told.returned_at is not None else ""
        raise Conflict(
            f"Its marketplace tells of this itself, with payout {told.reference}{back}.", field="payout",
            remedy="What it says of that payout counts.",
        )  # fmt: skip
    if payout.paid_at is not None:
        if amount is None or amount == abs(payout.net) or not payout.said_by_hand:
            raise Conflict("This payout was received already.", field="payout", remedy="Nothing is left to say.")
        return _put_right(actor, payout, amount)
    if by_hand:
        _check_unpaid(payout)
    # What was announced came: that is no other amount.
    return payout_came(actor=actor, payout=payout, amount=None if amount == payout.net else amount)


def _check_unpaid(payout: Payout) -> None:
    """Raises Conflict where the money of one of its sales was noted by itself: it would count twice."""
    for line in payout.lines.filter(gross__gt=0).exclude(sale=None).order_by("platform_sale_id"):
        noted = payouts_made_of([line.sale_id]).first()
        if noted is not None:
            raise Conflict(
                f"The money of sale {line.platform_sale_id}, which is part of it, was received already, with payout "
                f"{noted.name}.",
                field="payout", remedy="Say of each of its other sales that its money came.",
            )  # fmt: skip


def payout_came(*, actor: Actor, payout: Payout, amount: Decimal | None) -> Payout:
    """Note that a locked payout, or `amount` of it, came, and what it means for its sales; the caller has checked."""
    moment = now()
    announced, payout.paid_at, payout.said_by_hand = payout.net, moment, True
    payout.returned_at = None
    payout.save(update_fields=["paid_at", "said_by_hand", "returned_at", "updated_at"])
    alert_returned(payout)
    if amount is not None:
        _received_write(payout, amount)
    audit_record(
        actor=actor, verb="payout.received", object_type="payout", object_id=payout.pk,
        subject=payout.account.user_id, before={"paid_at": None, "net": announced},
        after={"paid_at": moment, "net": payout.net},
    )  # fmt: skip
    _sales_follow(payout)
    return payout


def _put_right(actor: Actor, payout: Payout, amount: Decimal) -> Payout:
    """Another amount came than its holder said; what is replaced, with its lines, stays in the audit (I-25)."""
    before = {"net": payout.net, "lines": list(_kept_lines(payout).values())}
    _received_write(payout, amount)
    audit_record(
        actor=actor, verb="payout.corrected", object_type="payout", object_id=payout.pk,
        subject=payout.account.user_id, before=before,
        after={"net": payout.net, "lines": list(_kept_lines(payout).values())},
    )  # fmt: skip
    if payout.less_by_hand and not amount:
        _one_is_the_same(payout)
    _sales_follow(payout)
    return payout


def _one_is_the_same(payout: Payout) -> None:
    """Its holder says that this charge is one which a payout tells of: the oldest such question, or all, are over."""
    begins = CHARGED_BY_HAND if payout.reference.startswith(CHARGED_BY_HAND) else TAKEN_BY_HAND
    for sale_id in payout.lines.exclude(sale=None).values_list("sale_id", flat=True):
        asked = Payout.objects.filter(lines__sale=sale_id).order_by("created_at", "pk")
        left = said_of(sale_id, begins).exists()
        for one in asked:
            if alert_unsure_over(one, sale_id) and left:
                break


def amount_check(amount: Decimal) -> None:
    """Raises InvalidInput for what cannot have come."""
    if not amount.is_finite() or not _ZERO < amount <= LARGEST:
        raise InvalidInput(
            "This cannot be what came.", field="amount",
            remedy="Write what your bank shows, and say nothing while nothing came.",
        )  # fmt: skip
    if amount != round_money(amount):
        raise InvalidInput("The amount has parts of a cent.", field="amount", remedy="Use at most two decimals.")


def _received_write(payout: Payout, amount: Decimal) -> None:
    """What came stands for what was announced; that is in the audit. Of what was kept back it is what was kept."""
    remote = _less(payout, amount) if payout.less_by_hand else _as_received(_as_kept(payout), amount)
    told = _by_sale(remote)
    _lines_write(payout, told)
    sums = _sums(payout.account, remote, told)
    payout.received = remote.net
    if payout.less_by_hand:
        payout.said = amount or payout.said
    for name, value in sums.items():
        setattr(payout, name, value)
    payout.save(update_fields=[*sums, "received", "said", "updated_at"])


def _as_kept(payout: Payout) -> RemotePayment:
    lines = tuple(_kept_lines(payout, left_out=False).values())
    return RemotePayment(payout.reference, None, payout.net, payout.currency, lines)


def _less(payout: Payout, amount: Decimal) -> RemotePayment:
    """A payout of what was kept from its one sale, as so much was."""
    (line,) = _kept_lines(payout).values()
    return payment_less(payout.reference, line.sale_id, amount, payout.currency, line.note)


def payment_less(reference: str, sale_id: str, amount: Decimal, currency: str, note: str) -> RemotePayment:
    """A payout of what was charged for one sale, or taken back of what came of it, by how it is called."""
    back = reference.startswith(TAKEN_BY_HAND)
    line = PaymentLine(sale_id, -amount if back else _ZERO, _ZERO, _ZERO if back else amount, -amount, note)
    return RemotePayment(reference, None, -amount, currency, (line,))


def _as_received(remote: RemotePayment, received: Decimal) -> RemotePayment:
    """A payout as its holder found it. The difference is its one sale's; of several, none says whose it is."""
    told = _by_sale(remote)
    if len(told) == 1:
        told = {key: replace(line, net=line.net + received - remote.net) for key, line in told.items()}
    return replace(remote, net=received, lines=tuple(told.values()))


def _known(account: MarketplaceAccount, remote: RemotePayment, told: Mapping[str, PaymentLine]) -> Payout | None:
    """The payout as we have it, locked: under its reference, else the announced one that has its sales: it gets that.

    What it only charges a sale for is not what was announced of it. One that a row has which the account takes over
    from is this one, and comes over; but each row has a next one of its own.
    """
    own, left = Payout.objects.filter(account=account), Payout.objects.filter(left_there(account))
    found = own.filter(reference=remote.reference or NEXT).first() or left.filter(reference=remote.reference).first()
    if found is None and remote.paid_at is not None and remote.reference:
        paid = [key for key, line in told.items() if key and line.gross > 0]
        # Of the row that was left its holder may have said already that this came.
        announced = (own | left).filter(reference=NEXT)
        found = announced.filter(lines__platform_sale_id__in=paid, lines__gross__gt=0).first()
    if found is None:
        return None
    payout = payout_lock(found.pk)
    if payout.reference not in {NEXT, remote.reference}:
        # What was announced came meanwhile as another one, which somebody else read: this one is looked for anew.
        return _known(account, remote, told)
    if payout.reference == NEXT and remote.reference:
        payout.reference = remote.reference
        payout.save(update_fields=["reference", "updated_at"])
    if payout.account_id != account.pk:
        payout_come_over(account=account, payout=payout)
        # The account may have been told of it as its own next one meanwhile: it is announced no more.
        same = own.filter(reference=NEXT, paid_at=None, lines__platform_sale_id__in=told, lines__gross__gt=0)
        for payout_id in same.order_by("pk").values_list("pk", flat=True).distinct():
            _come_to_nothing(payout_lock(payout_id), quiet=True)
    return payout


def _expected(payout: Payout, remote: RemotePayment) -> None:
    """When a payout was to come: as it was announced, else when the last of its sales was to be paid."""
    at = remote.expected_at or last_day_of(payout)
    if at != payout.expected_at:
        payout.expected_at = at
        payout.save(update_fields=["expected_at", "updated_at"])


def _by_sale(remote: RemotePayment) -> dict[str, PaymentLine]:
    """One line per sale: a payout may name one more than once."""
    found: dict[str, PaymentLine] = {}
    for line in remote.lines:
        one = found.get(line.sale_id, PaymentLine(line.sale_id, _ZERO, _ZERO, _ZERO, _ZERO))
        found[line.sale_id] = PaymentLine(
            line.sale_id,
            one.gross + line.gross,
            one.fee + line.fee,
            one.penalty + line.penalty,
            one.net + line.net,
            "; ".join(dict.fromkeys(filter(None, (one.note, line.note))))[:200],
        )
    return found


def _sums(account: MarketplaceAccount, remote: RemotePayment, told: Mapping[str, PaymentLine]) -> dict[str, Any]:
    """What a payout comes to. A line that is for a sale in another currency explains none of its deposit."""
    lines = told.values()
    sales = Sale.objects.filter(account=account, platform_sale_id__in=[key for key in told if key])
    foreign = set(sales.exclude(currency=remote.currency).values_list("platform_sale_id", flat=True))
    return {
        "currency": remote.currency,
        "gross": sum((line.gross for line in lines), _ZERO),
        "fee": sum((line.fee for line in lines), _ZERO),
        "penalty": sum((line.penalty for line in lines), _ZERO),
        "net": remote.net,
        "unexplained": remote.net - sum((line.net for key, line in told.items() if key not in foreign), _ZERO),
    }


def _told_again(
    payout: Payout, remote: RemotePayment, told: Mapping[str, PaymentLine], sums: Mapping[str, Any], *,
    quiet: bool = False,
) -> None:  # fmt: skip
    """Write what is told of a payout that is known, and say it; `quiet`: the caller says it."""
    was_at, was_back, kept = payout.paid_at, payout.returned_at, _kept_lines(payout)
    back = _paid_told(payout, remote, told)
    reversed_lines = {key: PaymentLine(key, _ZERO, _ZERO, _ZERO, _ZERO) for key in kept if key not in told}
    before = {name: getattr(payout, name) for name in sums}
    same = before == sums and _amounts(kept) == _amounts({**reversed_lines, **told})
    if not same:
        for name, value in sums.items():
            setattr(payout, name, value)
        payout.save(update_fields=[*sums, "updated_at"])
        unknown = _lines_write(payout, {**reversed_lines, **told})
    else:
        # What a charge is called is no correction of it.
        if kept != {**reversed_lines, **told}:
            _lines_write(payout, told)
        _late_sales_link(payout)
    if was_back and payout.returned_at is None:
        alert_returned(payout)
    if same and not back:
        if was_at is None and payout.paid_at is not None:
            alert_payout(payout, unknown=_unknown_in(payout))
        return
    if payout.paid_at is None and not back:
        # What is only announced is no money yet: it may change as often as it likes.
        return
    verb = "payout.corrected" if was_at is not None else "payout.paid"
    audit_record(
        actor=Actor.marketplace(payout.tenant_id, payout.account_id),
        verb="payout.returned" if payout.paid_at is None else verb, object_type="payout",
        object_id=payout.pk, subject=payout.account.user_id,
        before={**before, "paid_at": was_at, "lines": list(kept.values())},
        after={**sums, "paid_at": payout.paid_at, "lines": list(told.values())},
    )  # fmt: skip
    if back:
        alert_returned(payout, was=before["net"])
    elif not quiet:
        alert_payout(payout, unknown=unknown, was=before["net"] if was_at is not None else None)


def _paid_told(payout: Payout, remote: RemotePayment, told: Mapping[str, PaymentLine]) -> bool:
    """Keep whether a payout was made, as its marketplace tells it; returns whether what was made came back just now.

    What its holder said only its marketplace's own word that it paid replaces.
    """
    nothing = not remote.net and not any(line.gross or line.net for line in told.values())
    gone = remote.paid_at is None or (nothing and payout.gross > 0)
    back = payout.state == "paid" and not payout.said_by_hand and gone
    before = (payout.paid_at, payout.said_by_hand, payout.returned_at)
    if back:
        payout.paid_at = None if remote.paid_at is None else payout.paid_at
        payout.returned_at = now()
    elif remote.paid_at is not None:
        payout.paid_at, payout.said_by_hand = payout.paid_at or remote.paid_at, False
        payout.returned_at = payout.returned_at if nothing else None
    elif payout.returned_at is not None:
        # Announced anew: the day on which it was paid before pays nothing of this.
        payout.paid_at = None
    if (payout.paid_at, payout.said_by_hand, payout.returned_at) != before:
        payout.save(update_fields=["paid_at", "said_by_hand", "returned_at", "updated_at"])
    return back


def _kept_lines(payout: Payout, *, left_out: bool = True) -> dict[str, PaymentLine]:
    """The payout's lines as we have them, with those that a correction took back or without."""
    return {
        line.platform_sale_id: PaymentLine(
            line.platform_sale_id, line.gross, line.fee, line.penalty, line.net, line.note
        )
        for line in payout.lines.all()
        if left_out or not line.left_out
    }


def _amounts(lines: Mapping[str, PaymentLine]) -> dict[str, PaymentLine]:
    return {key: replace(line, note="") for key, line in lines.items()}


def _unknown_in(payout: Payout) -> int:
    return payout.lines.filter(sale=None).exclude(platform_sale_id="").count()


def _late_sales_link(payout: Payout) -> None:
    """A line whose sale was not known when it was paid finds it once it is."""
    linked = 0
    for line in payout.lines.filter(sale=None).exclude(platform_sale_id=""):
        line.sale = Sale.objects.filter(account_id=payout.account_id, platform_sale_id=line.platform_sale_id).first()
        if line.sale is not None:
            line.save(update_fields=["sale", "updated_at"])
            linked += 1
    if linked:
        alert_sales_known(payout, linked=linked, unknown=_unknown_in(payout))


def _lines_write(payout: Payout, lines: Mapping[str, PaymentLine]) -> int:
    """Write the payout's lines, each with its sale; returns how many sales are not known here.

    A sale that has come over to another row since keeps its line.
    """
    own = Sale.objects.filter(account_id=payout.account_id, platform_sale_id__in=lines.keys())
    sales = dict(payout.lines.exclude(sale=None).values_list("platform_sale_id", "sale"))
    sales |= dict(own.values_list("platform_sale_id", "pk"))
    for key, line in lines.items():
        PayoutLine.objects.update_or_create(
            payout=payout, platform_sale_id=key,
            defaults={
                "tenant_id": payout.tenant_id, "sale_id": sales.get(key), "gross": line.gross, "fee": line.fee,
                "penalty": line.penalty, "net": line.net, "note": line.note[:200],
            },
        )  # fmt: skip
    return len(lines.keys() - sales.keys() - {""})


def _sales_follow(payout: Payout, *, paid: Collection[uuid.UUID] = ()) -> None:
    """What a payout that was written means for its sales, and what is to be said of it; `paid`: what it paid before."""
    alert_unexplained(payout)
    sale_ids = sorted(payout.lines.exclude(sale=None).values_list("sale_id", flat=True))
    for sale_id in sale_ids:
        # All at first, in their order: those that are paid and those that are charged may be of two payouts at once.
        sale_lock(sale_id)
    _sales_paid(payout)
    _sales_unpaid(payout, set(paid) - _paid_by(payout).keys())
    charges_note(payout)
    sales_check(sale_ids)
    _returned_over(payout)


def _returned_over(payout: Payout) -> None:
    """Payouts that came back, and whose sales this one and others have paid by now, are asked about no more."""
    back = Payout.objects.filter(returned_at__isnull=False, lines__sale__in=_paid_by(payout)).exclude(pk=payout.pk)
    for other in back.select_related("account").distinct():
        if all(received_for(line.sale).paid for line in other.lines.select_related("sale") if line.sale is not None):
            alert_returned_over(other)


def _sales_paid(payout: Payout) -> None:
    """The sales of a payout that was made are complete.

    Whom its marketplace paid has delivered. That its holder found the money says nothing of the tickets: a sale that is
    not handed over is complete once it is (`state_by_money`).
    """
    if payout.paid_at is None or payout.paid_at > now():
        return
    # A charge alone pays for nothing.
    paid = payout.lines.filter(gross__gt=0, sale__currency=payout.currency)
    for sale_id in sorted(paid.values_list("sale_id", flat=True)):
        sale = sale_lock(sale_id)
        # Being paid does not answer the question that a person was asked.
        settled = sale.state in {SaleState.NEEDS_PERSON, SaleState.COMPLETE}
        if sale.state == SaleState.PROVISIONAL:
            # Its seats are only held: what became of the promise is its marketplace's to say.
            enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
            continue
        waits = payout.said_by_hand and sale.state not in HANDED_OVER
        if settled or waits or not sale_may_move(sale.state, SaleState.COMPLETE):
            continue
        sale.delivered_at = sale.delivered_at or payout.paid_at
        _sale_move(payout, sale, SaleState.COMPLETE)
        alerts_settle(sale)
        sale_commands_settle(sale)


def _sales_unpaid(payout: Payout, sale_ids: Collection[uuid.UUID]) -> None:
    """Sales that a payout does not pay any more wait for their money again, where no other one has paid them."""
    for sale_id in sorted(sale_ids):
        sale = sale_lock(sale_id)
        if sale.state in UNPAID and not received_for(sale).paid:
            _sale_move(payout, sale, UNPAID[sale.state])


def _sale_move(payout: Payout, sale: Sale, state: str) -> None:
    before = sale_facts(sale)
    sale.state = state
    sale.version += 1
    sale.save(update_fields=["state", "delivered_at", "version", "updated_at"])
    sale_changed(sale)
    actor = Actor.marketplace(payout.tenant_id, payout.account_id)
    sale_audit(actor, sale, "sale.moved", before=before, reason=f"payout {payout.reference}")
