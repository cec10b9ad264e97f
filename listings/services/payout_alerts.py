"""What an account's owner is told about payouts: made, corrected, late, short, too much, and not explained."""

import uuid
from decimal import Decimal

from listings.expected import Expectation
from listings.models import Payout, Sale
from listings.payables import Received, brings_nothing, payouts_told, with_people
from listings.services.charges_said import SaidBefore
from marketplaces.registry import platform_name
from seatsync.core.links import page_link
from seatsync.core.money import money_text
from seatsync.live.alerts import alert_raise, alert_recover, alerts_recover, alerts_reword
from seatsync.live.models import Alert, AlertState

LATE, SHORT, TOO_MUCH, UNEXPLAINED = "payout.late", "payout.short", "payout.too_much", "payout.unexplained"
RETURNED, OTHER_CHARGE, UNSURE = "payout.returned", "payout.other_charge", "payout.unsure"


def alert_payout(payout: Payout, *, unknown: int, was: Decimal | None = None) -> None:
    """A marketplace paid, or corrected what it had told (`was`); what its lines do not explain is said at once.

    What it had paid before the account was connected is no news.
    """
    if was is None and payout.paid_at is not None and payout.paid_at < payout.account.created_at:
        return
    gross, fee, penalty, net, rest = (
        money_text(value, payout.currency)
        for value in (payout.gross, payout.fee, payout.penalty, payout.net, payout.unexplained)
    )
    parts = f"{gross} gross, {fee} fees, {penalty} penalties."
    problem = f" It said {money_text(was, payout.currency)} before." if was is not None else ""
    problem += f" {rest} of it is not explained by its lines." if payout.unexplained else ""
    problem += _not_known(unknown)
    name, what = platform_name(payout.platform), f"pays {net}" if was is None else f"corrects a payout to {net}"
    if payout.net < 0 and was is None:
        what = f"takes back {money_text(-payout.net, payout.currency)}"
    owner, key = payout.account.user_id, f"payout:{payout.pk}"
    if was is not None:
        # What was said before of this payout is no longer so.
        alert_recover(user_id=owner, dedupe_key=key)
    alert_raise(
        tenant_id=payout.tenant_id,
        user_id=owner,
        mode=payout.mode,
        kind="payout",
        title=f"{name} {what}",
        body=f"Payout {payout.reference}: {parts}{problem}",
        severity="action" if unknown or was is not None else "info",
        object_type="payout",
        object_id=str(payout.pk),
        url=page_link("listings:payout_list"),
        dedupe_key=key,
    )


def alert_sales_known(payout: Payout, *, linked: int, unknown: int) -> None:
    """So many of a payout's sales are known by now, and `unknown` are not: it asks for these alone."""
    owner, key = payout.account.user_id, f"payout:{payout.pk}"
    told = Alert.objects.filter(user_id=owner, dedupe_key=key).exclude(state=AlertState.RECOVERED).first()
    words = _not_known(linked + unknown)
    if told is None or words not in told.body:
        return
    body = told.body.replace(words, _not_known(unknown))
    alerts_reword(user_ids=[owner], dedupe_keys=[key], body=body)
    if not unknown and "before." not in body and not payout.unexplained:
        # Nothing else is asked of anybody.
        alert_recover(user_id=owner, dedupe_key=key)


def _not_known(unknown: int) -> str:
    return f" {unknown} of its sales are not known here." if unknown else ""


def alert_returned(payout: Payout, *, was: Decimal | None = None) -> None:
    """What a marketplace had paid (`was`) came back to it; said until it is paid."""
    if payout.returned_at is None:
        alert_returned_over(payout)
        return
    owner = payout.account.user_id
    # What was said before of this payout is no longer so.
    alert_recover(user_id=owner, dedupe_key=f"payout:{payout.pk}")
    name, sum_ = platform_name(payout.platform), payout.net if was is None else was
    came = money_text(abs(sum_), payout.currency)
    did, body = "has paid", "was told as paid, and came back: its sales wait for their money again. Look at your bank."
    if sum_ < 0:
        did, body = "took", "took that off, and is told as not made: it is not counted. Look at your bank."
    alert_raise(
        tenant_id=payout.tenant_id, user_id=owner, kind=RETURNED, severity="action", mode=payout.mode,
        object_type="payout",
        title=f"{name} says no more that it {did} {came}", body=f"Payout {payout.reference} {body}",
        object_id=str(payout.pk), url=page_link("listings:payout_list"),
        dedupe_key=f"{RETURNED}:{payout.pk}",
    )  # fmt: skip


def alert_returned_over(payout: Payout) -> None:
    """What came back is paid by now, or is paid with another payout."""
    alert_recover(user_id=payout.account.user_id, dedupe_key=f"{RETURNED}:{payout.pk}")


def alert_unexplained(payout: Payout) -> None:
    """The lines of a payout that was made do not sum to its deposit, or count for no sale; said until they do."""
    owner, key = payout.account.user_id, f"{UNEXPLAINED}:{payout.pk}"
    foreign = payout.lines_foreign().exclude(net=0).values_list("sale__currency", flat=True)
    others = ", ".join(sorted(set(foreign)))
    if (not payout.unexplained and not others) or payout.paid_at is None:
        alert_recover(user_id=owner, dedupe_key=key)
        return
    name, rest = platform_name(payout.platform), money_text(payout.unexplained, payout.currency)
    why = f" It is in {payout.currency}, and has sales in {others}: for them it is not counted." if others else ""
    net = money_text(payout.net, payout.currency)
    body = f"The lines of payout {payout.reference} leave {rest} of {net}.{why} Ask it."
    if _told(owner, key):
        alerts_reword(user_ids=[owner], dedupe_keys=[key], body=body)
        return
    alert_raise(
        tenant_id=payout.tenant_id, user_id=owner, kind=UNEXPLAINED, severity="action", mode=payout.mode,
        object_type="payout",
        title=f"{name}'s payout is not what its lines come to", body=body, object_id=str(payout.pk),
        url=page_link("listings:payout_list"), dedupe_key=key,
    )  # fmt: skip


def alert_late(sale: Sale, expected: Expectation, *, late: bool) -> None:
    """A sale's money should have come and has not; said until it does."""
    if not late:
        _over(sale, LATE)
        return
    name, day = platform_name(sale.platform), "a while" if expected.on is None else f"{expected.on:%-d %b %Y}"
    ask = f"Ask {name}, with the number {sale.platform_sale_id}."
    if sale.delivered_at is None:
        ask = f"{name} was not told that the tickets went to the buyer, and pays for none that did not: hand them over."
    elif not sale.account.is_active:
        ask = f"{name} was disconnected: look at your bank, and say so on the payouts page."
    elif not payouts_told(sale.account):
        ask = f"{name} does not say what it has paid: look at your bank, and say so on the payouts page."
    owes = money_text(sale.proceeds, sale.currency) if sale.proceeds_told else "what a sale brought"
    _tell(
        sale, LATE, f"{name} owes {owes} since {day}",
        f"{_what(sale)}: the money was to come by {day} ({expected.basis}). {ask}",
    )  # fmt: skip


def alert_short(sale: Sale, received: Received, lacking: Decimal) -> None:
    """Less was paid for a sale than it brought; said until the rest comes."""
    if not lacking:
        _over(sale, SHORT)
        return
    name = platform_name(sale.platform)
    net, due, less, charged = (
        money_text(value, sale.currency) for value in (received.net, sale.proceeds, lacking, received.charged)
    )
    charge = f" It charged {charged} for it." if received.charged else ""
    title, came = f"{name} paid {less} less than a sale brought", "came"
    if received.taken_back:
        back = money_text(received.taken_back, sale.currency)
        title, came = f"{name} took back {back} of a sale, and {less} is lacking", "is left"
        charge = f" It took back {back} of what it had paid.{charge}"
    _tell(
        sale, SHORT, title,
        f"{_what(sale)}: {net} of {due} {came}.{charge} Ask {name}, with the number {sale.platform_sale_id}.",
    )  # fmt: skip


def alert_too_much(sale: Sale, received: Received, excess: Decimal) -> None:
    """More came for a sale than it brings, or something for one that brings nothing; said until it is corrected."""
    if not excess:
        _over(sale, TOO_MUCH)
        return
    name, over = platform_name(sale.platform), brings_nothing(sale)
    net, due, more = (money_text(value, sale.currency) for value in (received.net, sale.proceeds, excess))
    came = f"{more} came after that, and no money comes of it" if over else f"{net} came, and {due} was to come"
    what = f"{more} for a sale that is over" if over else f"{more} more than a sale brought"
    _tell(
        sale, TOO_MUCH, f"{name} paid {what}",
        f"{_what(sale)}: {came}. Keep {more} apart: it may be taken back. "
        f"Ask {name}, with the number {sale.platform_sale_id}.",
    )  # fmt: skip


def alert_other_charge(payout: Payout, both: SaidBefore) -> None:
    """A marketplace tells of a charge that its holder had said with another amount: what it tells counts."""
    (sale,) = with_people([both.sale_id])
    name, told = platform_name(payout.platform), money_text(both.told, sale.currency)
    _tell(
        sale, OTHER_CHARGE, f"{name} takes {told}, and not what you said",
        f"{_what(sale)}: You said {_said(sale, both)}, and payout {payout.reference} says {told}{_called(both)}. "
        f"It is counted once, as {name} says. If these are two, ask {name}, with the number {sale.platform_sale_id}.",
        key=f"{OTHER_CHARGE}:{both.said[0].payout_id}",
    )  # fmt: skip


def alert_unsure(payout: Payout, both: SaidBefore) -> None:
    """A marketplace tells of a charge that may be one of those that its holder had said, and all are counted."""
    (sale,) = with_people([both.sale_id])
    name, told = platform_name(payout.platform), money_text(both.told, sale.currency)
    _tell(
        sale, UNSURE, f"{name} takes {told} for a sale: is it what you said?",
        f"{_what(sale)}: Payout {payout.reference} {_takes(payout, both, told)}. You said {_said(sale, both)}. "
        "All of it is counted. Of what is the same write 0 on the payouts page; if none is, mark this as seen.",
        key=_unsure(payout, sale.pk),
    )  # fmt: skip


def alert_unsure_over(payout: Payout, sale_id: uuid.UUID) -> bool:
    """It is known which of the charges is the same; returns whether that was asked."""
    return alert_recover(user_id=payout.account.user_id, dedupe_key=_unsure(payout, sale_id)) > 0


def _unsure(payout: Payout, sale_id: uuid.UUID) -> str:
    return f"{UNSURE}:{payout.pk}:{sale_id}"


def _takes(payout: Payout, both: SaidBefore, told: str) -> str:
    back = payout.returned_at is not None and not both.note
    return f"came back, with {told} for it" if back else f"takes {told}{_called(both)}"


def _said(sale: Sale, both: SaidBefore) -> str:
    return ", ".join(f"{money_text(-line.net, sale.currency)} ({line.note})" for line in both.said)


def _called(both: SaidBefore) -> str:
    return f" ({both.note})" if both.note else ""


def alerts_of_money_settle(sale: Sale) -> None:
    """The sale is over: nothing is owed for it."""
    _over(sale, LATE, SHORT)


def _what(sale: Sale) -> str:
    if sale.listing is None:
        return f"Sale {sale.platform_sale_id}"
    tickets = f"{sale.quantity} ticket{'' if sale.quantity == 1 else 's'}"
    return f"{tickets} {sale.listing.section} row {sale.listing.row}, {sale.listing.game.words}"


def _over(sale: Sale, *kinds: str) -> None:
    alerts_recover(user_ids=[sale.account.user_id], dedupe_keys=[f"{kind}:{sale.pk}" for kind in kinds])


def _tell(sale: Sale, kind: str, title: str, body: str, *, key: str = "") -> None:
    owner, key = sale.account.user_id, key or f"{kind}:{sale.pk}"
    if _told(owner, key):
        # Seen or not, it was said: only what it comes to may have changed.
        alerts_reword(user_ids=[owner], dedupe_keys=[key], body=body, title=title)
        return
    alert_raise(
        tenant_id=sale.tenant_id, user_id=owner, kind=kind, title=title, body=body, severity="action",
        mode=sale.mode, object_type="sale", object_id=str(sale.pk), url=_page(sale, kind), dedupe_key=key,
    )  # fmt: skip


def _page(sale: Sale, kind: str) -> str:
    return page_link("listings:payout_list") if kind == UNSURE else page_link("listings:sale_detail", sale.pk)


def _told(owner: uuid.UUID, key: str) -> bool:
    return Alert.objects.filter(user_id=owner, dedupe_key=key).exclude(state=AlertState.RECOVERED).exists()
