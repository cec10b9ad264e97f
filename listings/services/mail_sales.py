"""Sales of assisted accounts, as their mails tell them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from django.db import transaction

from listings.models import Listing, ListingSeat, Sale
from listings.services.by_hand import amounts_of, is_over, sale_numbered, seats_of_sale
from listings.services.recognise import Recognised, Told, recognise
from listings.services.sale_alerts import alert_unclear
from listings.services.sale_numbers import number_give, sale_unnumbered
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import as_told
from listings.states import OPEN, SALE_LIVE
from marketplaces.contracts import EventWords, RemoteSale, RemoteSaleState
from marketplaces.errors import PermanentError
from marketplaces.mails import MAIL, SaleMail, order_over, sale_in
from marketplaces.models import InboundEvent, MarketplaceAccount, Mode
from marketplaces.registry import traits_of
from marketplaces.selectors import inbound_body
from portfolios.locks import seats_lock
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.money import LARGEST, money_text

BY_MAIL = "told by mail"
_GAMES = "it names several days, and which of them is the game's is not certain"
_SAYS_OVER = (
    "a mail of its order number says that something was cancelled, paid back or is not decided. Look at it there. "
    "Where the sale is over, say so on its page; until then its seats stay sold"
)
_OVER = "it was over by what was said here, and a mail tells of it again"


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a mail is of: a day and seats, certain where `doubt` is empty; else what may be meant, perhaps nothing."""

    doubt: str = ""
    day: str = ""
    seats: Sequence[Seat] = field(default_factory=list)


def mail_apply(event: InboundEvent) -> None:
    """Bring the ledger to what a forwarded mail says: seats that are certain are sold, anything else asks a person.

    Raises PermanentError for a mail that cannot be read any more.
    """
    raw = inbound_body(event)
    mail = sale_in(raw) if raw is not None else None
    if mail is None:
        raise PermanentError("the mail names no sale")
    meant = _meant(event.account, mail)
    if not mail.doubt and _numbered(event, mail, meant):
        return
    known = sale_numbered(event.account, mail.order)
    if known is not None and known.state in SALE_LIVE and (mail.doubt or not _agrees(known, meant)):
        alert_unclear(known, f"of a mail of its order number {mail.doubt or 'is of other seats'}")
        return
    # What was said to be over by mistake must not be sold twice, and the mail may be an old one: its holder is asked.
    over = is_over(known)
    meant = replace(meant, doubt=meant.doubt or mail.doubt or (_OVER if over else ""))
    number = known.platform_sale_id if known is not None else mail.order
    remote = _told(event.account, mail, meant, number)
    sale_apply(account=event.account, remote=remote, noticed_at=event.received_at, fresh=over)


def mail_over_told(event: InboundEvent) -> bool:
    """A mail that sells nothing speaks of the end of a sale of ours: its people are told, and nothing else changes.

    What a mail calls cancelled may be anything: the seats stay with the sale until somebody who looked says so. Returns
    whether it is of one.
    """
    raw = inbound_body(event) if event.topic == MAIL else None
    order = order_over(raw) if raw is not None else ""
    sale = sale_numbered(event.account, order) if order else None
    if sale is None or sale.state not in SALE_LIVE:
        return False
    alert_unclear(sale, _SAYS_OVER)
    return True


@transaction.atomic
def _numbered(event: InboundEvent, mail: SaleMail, meant: _Meant) -> bool:
    """A sale that its holder told in one tap is told by mail: its number and what reaches him are known.

    Returns whether it is of one. That is asked under the locks of its seats: he may take it back at this moment, or
    name its number himself.
    """
    seat_ids = [seat.pk for seat in meant.seats]
    seats_lock(seat_ids)
    numbered = sale_numbered(event.account, mail.order)
    sale = None if numbered is not None else sale_unnumbered(event.account, seat_ids)
    if sale is None:
        return False
    remote, payout = replace(as_told(sale), remote_status=BY_MAIL), mail.payout
    if payout is not None and payout <= LARGEST:
        remote = replace(
            remote, gross=payout, fees=Decimal("0.00"), proceeds=payout, gross_known=False, proceeds_known=True
        )
    told = sale_apply(account=event.account, remote=remote, noticed_at=event.received_at)
    actor = Actor.marketplace(event.tenant_id, event.account_id)
    number_give(actor=actor, sale=told, number=mail.order)
    return True


def mail_names(sale: Sale) -> str:
    """The game that the mail of a sale names which is of none that we know; empty where there is none of either."""
    if sale.game_id is not None or sale.account.mode != Mode.ASSISTED:
        return ""
    told = InboundEvent.objects.filter(account=sale.account, resource_id__iexact=sale.platform_sale_id)
    newest = told.select_related("account").order_by("-received_at").first()
    raw = inbound_body(newest) if newest is not None else None
    mail = sale_in(raw) if raw is not None else None
    if mail is None:
        return ""
    # Of several days none is known to be the game's.
    days = [f"{date.fromisoformat(day):%a %-d %b}" for day in mail.days] if len(mail.days) == 1 else []
    return ", ".join(filter(None, [mail.event, *days]))


def _agrees(sale: Sale, meant: _Meant) -> bool:
    """Whether a mail may be of a sale that has its seats; one that is not certain of any contradicts none."""
    return bool(meant.doubt) or seats_of_sale(sale) == {seat.pk for seat in meant.seats}


def _told(account: MarketplaceAccount, mail: SaleMail, meant: _Meant, number: str) -> RemoteSale:
    listing = _listing_of(account, meant)
    if listing is None and not meant.doubt:
        meant = _Meant("its seats are of several of your listings there")
    words = EventWords(mail.event, mail.event, meant.day)
    traits = traits_of(account.platform)
    currency, payout, doubt = traits.currency if traits else "USD", mail.payout, meant.doubt
    if payout is not None and payout > LARGEST:
        doubt = doubt or f"it tells a payout of {money_text(payout, currency)}, which cannot be"
        payout = None
    gross = net = payout or Decimal("0.00")
    if payout is None and listing is not None:
        gross, net = amounts_of(listing, mail.quantity, listing.price)
    return RemoteSale(
        sale_id=number, external_id=listing.external_id if listing else "",
        listing_id=listing.listing_id if listing else "", event_id="", quantity=mail.quantity, section=mail.section,
        row=mail.row, seats=tuple(map(str, mail.seats)), gross=gross, fees=gross - net, proceeds=net,
        currency=currency, state=RemoteSaleState.AWAITING_FULFILMENT,
        remote_status=BY_MAIL, sold_at=mail.sent_at or now(), event=words, doubt=doubt,
        gross_known=payout is None and listing is not None, proceeds_known=payout is not None,
    )  # fmt: skip


def _meant(account: MarketplaceAccount, mail: SaleMail) -> _Meant:
    """Certain is the only game on one of its days of which this account has these seats on offer.

    A mail names other days than the game's, and a season ticket's seats are the same in every game: what is on offer
    nowhere there was hardly sold there.
    """
    first, *others = mail.events or ("",)
    meant = _meant_by(account, mail, first)
    # A line that names no game of ours may be of something else that the mail says: the next one is asked.
    found = (
        None if meant.seats else next((one for words in others if (one := _meant_by(account, mail, words)).seats), None)
    )
    if found is None:
        return meant
    # With another day beside it, it may be an advertisement's game that is ours.
    return replace(found, doubt=found.doubt or (_GAMES if len(mail.days) > 1 else ""))


def _meant_by(account: MarketplaceAccount, mail: SaleMail, words: str) -> _Meant:
    """What it is of, where the game is the one that these words of it name."""
    why = "it does not say which game it is of"
    offered = ListingSeat.objects.filter(listing__account=account, listing__status__in=OPEN)
    for among in (Seat.objects.filter(pk__in=offered.values("seat_id")), None):
        found: dict[str, Recognised] = {}
        for day in mail.days:
            told = Told("", EventWords(words, words, day), mail.section, mail.row, mail.seats, mail.quantity)
            match = recognise(account, told, among=among)
            if match.game is not None or day == mail.days[0]:
                why = match.why
            if match.seats:
                found[day] = match
        sure = {day: match.seats for day, match in found.items() if not match.why}
        if among is not None and len(sure) == 1:
            ((day, seats),) = sure.items()
            return _Meant("", day, seats)
        if len(found) > 1:
            return _Meant(f"you have such seats in games on several days that it names: {', '.join(found)}")
        if found:
            ((day, match),) = found.items()
            return _Meant(match.why or f"you have no such seats of the game of {day} on offer there", day, match.seats)
    return _Meant(why)


def _listing_of(account: MarketplaceAccount, meant: _Meant) -> Listing | None:
    """The account's only open listing that has all of these seats; where they are not certain, any of them.

    With it an unclear sale holds what it may have taken.
    """
    ids = [seat.pk for seat in meant.seats]
    there = ListingSeat.objects.filter(listing__account=account, listing__status__in=OPEN, seat_id__in=ids)
    # What is sold elsewhere already may still be on show there: its sale is a conflict, which is to be seen.
    offers = there.filter(offered=True) if there.filter(offered=True).exists() else there
    counts = Counter(offers.values_list("listing_id", flat=True))
    found = [pk for pk, count in counts.items() if count == len(ids) or meant.doubt]
    return Listing.objects.get(pk=found[0]) if len(found) == 1 else None
