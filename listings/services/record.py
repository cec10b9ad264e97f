"""Recording what a marketplace answered. Retry policy is written here once, by outcome."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.db import transaction

from listings.locks import command_lock, listings_lock, sale_lock
from listings.models import (
    SOLD_THERE,
    CommandKind,
    CommandState,
    Listing,
    ListingStatus,
    MarketplaceCommand,
    PriceHistory,
    Sale,
    SaleEnding,
)  # fmt: skip
from listings.services.command_alerts import alert_needs_person, alert_reconnect, alerts_of_commands_settle
from listings.services.commands import command_write
from listings.services.deliverable import supplied
from listings.services.endings import ending_apply
from listings.services.event_requests import request_answered
from listings.services.net_floor import NetTold, net_floor_note, net_told_keep
from listings.services.notify import listing_changed
from listings.services.obstacles import OFFERED_FOR_REAL
from listings.services.restate import listing_restate
from listings.services.sale_alerts import alert_rejected
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import sale_delists_done
from listings.services.settling import changes_settle_at, create_settles_at
from listings.services.wake import POLL_SALES, outbox_wake
from listings.services.webhook_back import unsubscribe_told
from listings.states import SALE_LIVE, TAKES_DOWN, listing_may_move
from marketplaces.contracts import RemoteListing, RemoteListingState, RemoteSale, RemoteSaleState
from marketplaces.selectors import Retries, retries_kept
from marketplaces.services.links import grant_renewed
from seatsync.core.actors import Actor
from seatsync.core.clock import now, seconds_from_now, seconds_until
from seatsync.core.jobs import enqueue_on_commit

RECONNECT_WAIT_S = 300.0
HELD_BACK_WAIT_S = 15.0
# In the payload of a look that waited until its listing's publication had settled.
UNSETTLED = "unsettled"


class Outcome(StrEnum):
    """What came of one attempt."""

    DONE = "done"
    GONE = "gone"
    SOLD_THERE = "sold_there"
    NOT_WANTED = "not_wanted"
    RETRY = "retry"
    UNKNOWN = "unknown"
    GRANT = "grant"
    GRANT_RENEWED = "grant_renewed"
    REFUSED = "refused"
    HELD_BACK = "held_back"


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt's outcome with what the marketplace said. Prices per ticket in the listing's currency."""

    outcome: Outcome
    remote: RemoteListing | None = None
    remote_sale: RemoteSale | None = None
    sent_price: Decimal | None = None
    error: str = ""
    retry_after_s: float | None = None
    # What a person must confirm before another try can work: "event" or "section".
    wants: str = ""
    # What it says that a price would bring, where it was not sent for that.
    net_told: NetTold | None = None


def record(claimed: MarketplaceCommand, answer: Answer) -> bool:
    """Apply an answer if its claim is still the current one; a late answer is kept beside the command, not applied.

    Returns whether it was applied.
    """
    with transaction.atomic():
        if answer.outcome is Outcome.GRANT and grant_renewed(claimed.account):
            answer = replace(answer, outcome=Outcome.GRANT_RENEWED)
        listing, sale, waiting = command_scene(claimed)
        command = command_lock(claimed.pk)
        if command.state != CommandState.IN_FLIGHT or command.fence != claimed.fence:
            command.late_answers = [
                *command.late_answers,
                {"fence": claimed.fence, "outcome": answer.outcome, "error": answer.error, "at": now().isoformat()},
            ]
            command.save(update_fields=["late_answers", "updated_at"])
            return False
        # Read with the claim: a command never changes its account.
        command.account = claimed.account
        apply_answer(command, listing, sale, answer)
        for one in waiting:
            sale_delists_done(one)
    if answer.remote_sale is not None:
        sale_apply(account=claimed.account, remote=_as_answered(claimed, answer, answer.remote_sale))
    if claimed.kind == CommandKind.CREATE and listing is not None and answer.remote is not None:
        # Where this is cut off, the next sweep is told the same.
        request_answered(listing, answer.remote)
    return True


def _as_answered(command: MarketplaceCommand, answer: Answer, remote: RemoteSale) -> RemoteSale:
    """The sale as it was answered: what was taken is handed over, where a complaint hides that."""
    taken = command.kind == CommandKind.FULFIL and answer.outcome is Outcome.DONE
    return replace(remote, handed_over=True) if taken and remote.state is RemoteSaleState.ISSUE else remote


def apply_answer(command: MarketplaceCommand, listing: Listing | None, sale: Sale | None, answer: Answer) -> None:
    """What an answer does to a locked command, and to its locked listing and sale."""
    if command.kind == CommandKind.UNSUBSCRIBE and _for_nobody(command, answer):
        _finish(command, CommandState.SUPERSEDED, answer.error)
        unsubscribe_told(command, not_because=answer.error)
        return
    _APPLY[answer.outcome](command, listing, sale, answer)


def command_scene(claimed: MarketplaceCommand) -> tuple[Listing | None, Sale | None, list[Sale]]:
    """The command's listing and sale, and every sale that waits for what the command takes down; all locked.

    A newer command may do another sale's work, so that its own was superseded: each is looked at.
    """
    sold_by = claimed.sale.listing_id if claimed.kind == CommandKind.REJECT_SALE and claimed.sale is not None else None
    wanted = [pk for pk in (claimed.listing_id, sold_by) if pk]
    # All of the command's account, which it never changes.
    listings = {found.pk: found for found in listings_lock(wanted, account=claimed.account)}
    own = {claimed.sale_id} if claimed.sale_id else set()
    waiting = set[uuid.UUID]()
    if claimed.listing_id and claimed.kind in TAKES_DOWN:
        of_listing = Sale.objects.filter(commands__listing_id=claimed.listing_id, last_delist_at=None)
        waiting = set(of_listing.values_list("pk", flat=True))
    locked = {pk: sale_lock(pk) for pk in sorted(own | waiting)}
    listing = listings[claimed.listing_id] if claimed.listing_id else None
    sale = locked[claimed.sale_id] if claimed.sale_id else None
    return listing, sale, [locked[pk] for pk in sorted(waiting)]


def _for_nobody(command: MarketplaceCommand, answer: Answer) -> bool:
    """Whether an account that goes has no grant any more for its webhook, or is refused: no person can help there."""
    return answer.outcome is Outcome.REFUSED or (answer.outcome is Outcome.GRANT and _grant_asked(command, answer))


def _grant_asked(command: MarketplaceCommand, answer: Answer) -> bool:
    """Whether the grant was refreshed for this command already, or its holder asked for another one."""
    return command.account.needs_reconnect or command.last_error.startswith(answer.error[:20])


def _finish(command: MarketplaceCommand, state: CommandState = CommandState.DONE, error: str = "") -> None:
    command.state = state
    command.finished_at = now()
    command.in_flight_since = command.lease_until = None
    # What is withdrawn was not read back: what an earlier try of it did stays unknown.
    command.outcome_unknown = command.outcome_unknown and state == CommandState.SUPERSEDED
    command.last_error = error[:300]
    command.save()
    # Claimed once alone it never failed, and nobody was told of it.
    if command.fence > 1 or command.by_hand:
        alerts_of_commands_settle([command])


def _done(command: MarketplaceCommand, listing: Listing | None, sale: Sale | None, answer: Answer) -> None:
    _finish(command)
    kind = CommandKind(command.kind)
    if listing is not None and kind in _AFTER:
        _AFTER[kind](command, listing, answer)
    if kind is CommandKind.UNSUBSCRIBE:
        unsubscribe_told(command)
    if kind is CommandKind.REJECT_SALE and sale is not None:
        why = OFFERED_FOR_REAL if sale.state_reason == OFFERED_FOR_REAL else "a seat belonged to somebody else"
        sale.state_reason = f"rejected at its marketplace: {why}"
        actor = Actor.marketplace(sale.tenant_id, sale.account_id)
        ending_apply(actor=actor, sale=sale, ending=SaleEnding.REJECTED, reason=sale.state_reason)
        sale.version += 1
        sale.save()
        alert_rejected(sale)


def _created(command: MarketplaceCommand, listing: Listing, answer: Answer) -> None:
    if answer.remote is None:
        return
    listing.listing_id = answer.remote.listing_id
    listing.published_at = listing.published_at or now()
    if listing.status in {ListingStatus.PUBLISHING, ListingStatus.ERROR}:
        listing.status = ListingStatus.ACTIVE
        listing.status_reason = ""
    _priced(command, listing, answer)


def _priced(_command: MarketplaceCommand, listing: Listing, answer: Answer) -> None:
    """The marketplace took a price: keep it, what it says of net and all-in, and a point of history."""
    price = answer.sent_price or listing.price
    listing.live_price = price
    if answer.remote is not None:
        listing.proceeds = answer.remote.proceeds or listing.proceeds
        # What was said before it was up is overtaken.
        listing.net_told_price = listing.net_told_at = None
        listing.all_in = answer.remote.all_in or listing.all_in
        net_floor_note(listing, answer.remote.proceeds)
    listing.save()
    PriceHistory.objects.create(
        time=now(),
        tenant_id=listing.tenant_id,
        listing_id=listing.pk,
        mode=listing.mode,
        price=price,
        currency=listing.currency,
        platform=listing.platform,
        views=answer.remote.views if answer.remote else None,
        favorites=answer.remote.favorites if answer.remote else None,
    )
    listing_changed(listing)


def _delisted(command: MarketplaceCommand, listing: Listing, _answer: Answer) -> None:
    """Down, by its marketplace's word: it is looked whether it is gone, once what was published late has arrived."""
    _status(listing, ListingStatus.CANCELLED, listing.status_reason)
    if command.by_hand:
        # Its holder's word is all that there is.
        listing.gone_verified_at = now()
        listing.save(update_fields=["gone_verified_at", "updated_at"])
        return
    settles_at = create_settles_at(listing)
    command_write(
        listing=listing, kind=CommandKind.VERIFY_GONE, key=f"verify:{command.idempotency_key}"[:120],
        payload={UNSETTLED: True} if settles_at else None, due_at=settles_at,
    )  # fmt: skip


def _verified(command: MarketplaceCommand, listing: Listing, answer: Answer) -> None:
    if answer.remote is None or answer.remote.state is RemoteListingState.GONE:
        listing.gone_verified_at = now()
        listing.save(update_fields=["gone_verified_at", "updated_at"])
        return
    # It answered that it was gone, and there it is: take it down again.
    _status(listing, ListingStatus.DELISTING, "the marketplace showed it again")
    command_write(listing=listing, kind=CommandKind.DELIST, key=f"delist:{command.pk}")


def _status(listing: Listing, status: ListingStatus, reason: str) -> None:
    if listing_may_move(listing.status, status):
        listing_restate(listing, status, reason)


def _supplied(_command: MarketplaceCommand, listing: Listing, _answer: Answer) -> None:
    """It has its tickets: whether it is shown again the next sweep sees."""
    supplied(listing)
    listing.version += 1
    listing.save(update_fields=["undeliverable_at", "version", "updated_at"])
    listing_changed(listing)


_After = Callable[[MarketplaceCommand, Listing, Answer], None]
_AFTER: dict[CommandKind, _After] = {
    CommandKind.CREATE: _created,
    CommandKind.REPRICE: _priced,
    CommandKind.DELIST: _delisted,
    CommandKind.VERIFY_GONE: _verified,
    CommandKind.SUPPLY: _supplied,
}


def _gone(command: MarketplaceCommand, listing: Listing | None, sale: Sale | None, answer: Answer) -> None:
    """For a delist or a reject that is success; for a price it means that somebody took or bought it: go and see.

    Unless it was published or changed a moment ago: then it may not be there yet, with seats that are sold by now.
    """
    kind = CommandKind(command.kind)
    if kind in {CommandKind.REPRICE, CommandKind.RESIZE, CommandKind.SUPPLY} and listing is not None:
        if listing.status == ListingStatus.PUBLISHING:
            # It is not up yet: its create takes price and seats along.
            _finish(command, CommandState.SUPERSEDED)
            return
        settles_at = changes_settle_at(listing)
        if settles_at is None or command.attempts <= 1:
            _look_for_sales(command)
        if settles_at is not None:
            _not_there_yet(command, settles_at)
            return
        _finish(command)
        _status(listing, ListingStatus.CANCELLED, "the marketplace no longer has it")
        return
    _done(command, listing, sale, answer)


def _not_there_yet(command: MarketplaceCommand, settles_at: datetime) -> None:
    """It is sent again: where it offers what is sold, soon and ever slower, and at last once its absence counts."""
    wait_s = seconds_until(settles_at)
    if command.priority == 0:
        retries = retries_of(command)
        wait_s = min(wait_s, _spread(retries.wait_s(command.attempts, retries.longest_wait_s)))
    _put_back(command, wait_s, "its marketplace does not show it yet", unknown=False)


def _sold_there(command: MarketplaceCommand, listing: Listing | None, _sale: Sale | None, answer: Answer) -> None:
    """The delist came too late: nothing is left to take down, and the other sale must be read now."""
    _finish(command, error=SOLD_THERE)
    if listing is not None:
        _status(listing, ListingStatus.CANCELLED, SOLD_THERE)
    _look_for_sales(command)


def _look_for_sales(command: MarketplaceCommand) -> None:
    enqueue_on_commit(POLL_SALES, one_waits=True, account_id=str(command.account_id))


def _not_wanted(command: MarketplaceCommand, _listing: Listing | None, _sale: Sale | None, _answer: Answer) -> None:
    _finish(command, CommandState.SUPERSEDED)


def _again(command: MarketplaceCommand, listing: Listing | None, sale: Sale | None, answer: Answer) -> None:
    unknown, retries = answer.outcome is Outcome.UNKNOWN, retries_of(command)
    if command.priority == 0 or _still_in_time(command, sale):
        _until_done(command, listing, answer, retries.longest_wait_s, unknown=unknown)
        return
    # How long a webhook is tried to be taken back is said by the day, and no person can.
    if command.attempts >= retries.most_tries and command.kind != CommandKind.UNSUBSCRIBE:
        command.outcome_unknown = command.outcome_unknown or unknown
        _person(command, listing, answer.error)
        return
    wait = retries.wait_s(command.attempts, retries.longest_wait_s)
    _put_back(command, _waited(answer, wait, retries.longest_asked_s), answer.error, unknown)


def _still_in_time(command: MarketplaceCommand, sale: Sale | None) -> bool:
    """Whether it confirms a sale that is lost if it is not confirmed by a moment that is still to come."""
    by = sale.confirm_by if sale is not None and command.kind == CommandKind.CONFIRM_SALE else None
    return by is not None and now() < by


def retries_of(command: MarketplaceCommand) -> Retries:
    """How the command is tried again, as its platform's row in force says (I-26)."""
    return retries_kept(command.account.platform, urgent=command.priority == 0)


def _waited(answer: Answer, wait_s: float, longest_s: float) -> float:
    """As long as the marketplace asks for, within reason; else about `wait_s`."""
    return _spread(wait_s) if answer.retry_after_s is None else min(answer.retry_after_s, longest_s)


def _until_done(
    command: MarketplaceCommand, listing: Listing | None, answer: Answer, longest_s: float, *, unknown: bool
) -> None:
    """Never given up: what it takes down may be sold already. `longest_s`: between tries, where none is asked for."""
    command.last_error, retries = answer.error[:300], retries_of(command)
    if command.attempts >= retries.most_tries:
        alert_needs_person(command, listing)
    wait = retries.wait_s(command.attempts, longest_s)
    _put_back(command, _waited(answer, wait, retries.longest_asked_s), answer.error, unknown)


def _spread(wait_s: float) -> float:
    return wait_s * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def _held_back(command: MarketplaceCommand, _listing: Listing | None, _sale: Sale | None, answer: Answer) -> None:
    """Nothing was sent, so nothing was tried: it waits until its reason is gone, however often it is put back."""
    command.attempts = max(0, command.attempts - 1)
    wait = _waited(answer, HELD_BACK_WAIT_S, retries_of(command).longest_asked_s)
    _put_back(command, wait, answer.error, command.outcome_unknown)


def _grant(command: MarketplaceCommand, listing: Listing | None, _sale: Sale | None, answer: Answer) -> None:
    """The first time the grant is refreshed and the command tried again at once; then the holder must act.

    What was sold elsewhere and cannot be taken down is said by itself: that he was asked before says nothing of it.
    """
    if _grant_asked(command, answer):
        alert_reconnect(command.account)
        if command.kind in TAKES_DOWN and command.sale_id is not None:
            alert_needs_person(command, listing, cut_off=True)
        _put_back(command, RECONNECT_WAIT_S, answer.error, False)
        return
    _put_back(command, 0, answer.error, False)


def _grant_renewed(command: MarketplaceCommand, _listing: Listing | None, _sale: Sale | None, _answer: Answer) -> None:
    """It went with a grant that its account has no more: it goes with the one that is there, which nobody refused."""
    _put_back(command, 0, "", False)


def _put_back(command: MarketplaceCommand, wait_s: float, error: str, unknown: bool) -> None:
    command.state = CommandState.PENDING
    command.not_before = seconds_from_now(wait_s)
    command.in_flight_since = command.lease_until = None
    command.outcome_unknown = command.outcome_unknown or unknown
    command.last_error = error[:300]
    command.save()
    outbox_wake(urgent=command.priority == 0, after_s=wait_s)


def _refused(command: MarketplaceCommand, listing: Listing | None, sale: Sale | None, answer: Answer) -> None:
    """A person must look, unless its sale is over by now; what takes a listing down goes on trying meanwhile."""
    if command.kind in {CommandKind.CONFIRM_SALE, CommandKind.FULFIL} and sale and sale.state not in SALE_LIVE:
        _finish(command, CommandState.SUPERSEDED)
        return
    if command.priority == 0:
        command.last_error = answer.error[:300]
        alert_needs_person(command, listing)
        _until_done(command, listing, answer, retries_of(command).longest_refused_s, unknown=False)
        return
    if answer.wants:
        # A mapping is looked for after reading back: nothing of an earlier try is there.
        command.outcome_unknown = False
    if listing is not None and answer.net_told is not None:
        net_told_keep(listing, answer.net_told)
    _person(command, listing, answer.error, answer.wants)


def _person(command: MarketplaceCommand, listing: Listing | None, error: str, wants: str = "") -> None:
    command.in_flight_since = command.lease_until = None
    command.state = CommandState.NEEDS_PERSON
    command.payload = {**command.payload, "wants": wants}
    command.last_error = error[:300]
    command.save()
    if listing is not None and command.kind == CommandKind.CREATE:
        _status(listing, ListingStatus.ERROR, f"not published: {error}")
    alert_needs_person(command, listing)


_Apply = Callable[[MarketplaceCommand, Listing | None, Sale | None, Answer], None]
_APPLY: dict[Outcome, _Apply] = {
    Outcome.DONE: _done,
    Outcome.GONE: _gone,
    Outcome.SOLD_THERE: _sold_there,
    Outcome.NOT_WANTED: _not_wanted,
    Outcome.RETRY: _again,
    Outcome.UNKNOWN: _again,
    Outcome.GRANT: _grant,
    Outcome.GRANT_RENEWED: _grant_renewed,
    Outcome.REFUSED: _refused,
    Outcome.HELD_BACK: _held_back,
}
