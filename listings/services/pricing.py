"""The pricing door: every price, whoever wants it, passes here; a single change is a batch of one."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import transaction

from listings.contracts import Guard, PriceChange, PriceContext, PriceOutcome, Verdict
from listings.locks import listings_lock
from listings.models import (
    CommandKind,
    CommandState,
    Listing,
    ListingStatus,
    MarketplaceCommand,
    PriceProposal,
)  # fmt: skip
from listings.services.allowed import listings_for
from listings.services.commands import command_write, commands_supersede
from listings.services.guards import guards_expected
from listings.services.net_floor import net_expected, net_floor_problem
from listings.services.notify import listing_changed
from listings.services.price_past import PricePast, prices_past
from listings.services.trading import Brakes, brakes_for
from listings.services.unsettled import listings_unsettled
from listings.states import OFFERED
from marketplaces.bounds import Bounds, bounds_of_all
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, StaleVersion
from seatsync.core.money import LARGEST, money_text, round_money

# What waiting does not mend: a status that no price will be taken in again.
_PAST_PRICING: dict[str, str] = {
    ListingStatus.ERROR: "Look at why it was not published, and mend that first.",
    ListingStatus.SOLD: "It is sold, and nothing is to be done.",
    ListingStatus.DELISTING: "Publish it again when it is down, at the price that you want.",
    ListingStatus.CANCELLED: "Publish it again at the price that you want.",
    ListingStatus.EXPIRED: "Publish it again at the price that you want.",
}


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the checks need to know beside the listing, read once for the whole batch."""

    brakes: Brakes
    seat_taken: bool
    push_in_flight: bool
    # Its publication was refused and waits for a person, who may send it again at another price.
    refused: bool
    hours_to_game: float
    bounds: Bounds
    at: datetime
    past: PricePast


@transaction.atomic
def price_apply(*, actor: Actor, changes: Sequence[PriceChange]) -> list[PriceOutcome]:
    """Judge a batch of price changes and carry out those that every check and guard allows.

    Refused changes come back with their verdicts and change nothing; each proposal is kept. Raises NotFound for a
    stranger's listing, NotAllowed for a viewer, InvalidInput for a price that is no amount or a listing that is named
    twice, and Conflict where the registered guards are not the expected ones.
    """
    guards, by_id = guards_expected(), _by_listing(changes)
    listings_for(actor, by_id, verb="reprice")
    _check_amounts(changes)
    listings = listings_lock(by_id)
    facts = _facts(listings, {} if actor.is_person else prices_past(listings))
    outcomes = {
        listing.pk: _judge(actor, listing, by_id[listing.pk], facts[listing.pk], guards) for listing in listings
    }
    return [outcomes[listing_id] for listing_id in by_id]


def prices_foresee(*, actor: Actor, changes: Sequence[PriceChange]) -> list[PriceOutcome]:
    """What the door would make of a batch now: nothing is changed, kept or locked. Raises as price_apply does."""
    guards, by_id = guards_expected(), _by_listing(changes)
    _check_amounts(changes)
    listings_for(actor, by_id, verb="reprice")
    listings = list(Listing.objects.filter(pk__in=by_id).select_related("account"))
    facts = _facts(listings, {} if actor.is_person else prices_past(listings))
    outcomes = {}
    for listing in listings:
        proposed = round_money(by_id[listing.pk].price)
        verdicts = _verdicts(actor, listing, by_id[listing.pk], proposed, facts[listing.pk], guards)
        accepted = all(verdict.allowed for verdict in verdicts)
        price = proposed if accepted else listing.price
        outcomes[listing.pk] = PriceOutcome(listing.pk, accepted, price, listing.version, tuple(verdicts))
    return [outcomes[listing_id] for listing_id in by_id]


def _by_listing(changes: Sequence[PriceChange]) -> dict[uuid.UUID, PriceChange]:
    by_id = {change.listing_id: change for change in changes}
    if len(by_id) != len(changes):
        raise InvalidInput(
            "A listing is named twice.", field="listing", remedy="Give each listing one price in a batch."
        )
    return by_id


def listing_reprice(
    *,
    actor: Actor,
    listing_id: uuid.UUID,
    price: Decimal,
    version: int | None,
    reason: str = "",
    confirmed: bool = False,
) -> Listing:
    """A person's or client's single change. Raises StaleVersion, Conflict, or InvalidInput with the guard's reason."""
    change = PriceChange(listing_id, price, version, reason, confirmed)
    (outcome,) = price_apply(actor=actor, changes=[change])
    refusal = outcome.refusal
    if refusal is not None:
        if refusal.guard == "version":
            raise StaleVersion(
                refusal.reason,
                field="version",
                remedy="Look at the new price and decide again.",
                current_version=outcome.version,
            )
        if refusal.guard in {"status", "sale", "in_flight"}:
            raise Conflict(refusal.reason, field=refusal.field, remedy=refusal.remedy)
        raise InvalidInput(refusal.reason, field=refusal.field, remedy=refusal.remedy)
    return Listing.objects.select_related("game", "account").get(pk=listing_id)


def _check_amounts(changes: Sequence[PriceChange]) -> None:
    for change in changes:
        if not change.price.is_finite() or not 0 < change.price <= LARGEST:
            raise InvalidInput(f"{change.price} is not a price.", field="price", remedy="Write it like 70.50.")


def _facts(listings: list[Listing], past: Mapping[uuid.UUID, PricePast]) -> dict[uuid.UUID, _Facts]:
    ids = [listing.pk for listing in listings]
    full = list(Listing.objects.filter(pk__in=ids).select_related("season_ticket", "game"))
    brakes = brakes_for(full)
    papers = {listing.pk: listing.account.paper for listing in listings}
    bounds = bounds_of_all((listing.game, listing.platform, papers[listing.pk]) for listing in full)
    taken = listings_unsettled(ids)
    flying = set(
        MarketplaceCommand.objects.filter(
            listing_id__in=ids, state=CommandState.IN_FLIGHT, kind__in=[CommandKind.CREATE, CommandKind.REPRICE]
        ).values_list("listing_id", flat=True)
    )
    refused = publications_refused(listing for listing in full if listing.status == ListingStatus.ERROR)
    moment = now()
    return {
        listing.pk: _Facts(
            brakes=brakes[listing.pk],
            seat_taken=listing.pk in taken,
            push_in_flight=listing.pk in flying,
            refused=listing.pk in refused,
            hours_to_game=(listing.game.starts_at - moment).total_seconds() / 3600,
            bounds=bounds[listing.game_id, listing.platform, papers[listing.pk]],
            at=moment,
            past=past.get(listing.pk) or PricePast(listing.created_at),
        )
        for listing in full
    }


def publications_refused(listings: Iterable[Listing]) -> set[uuid.UUID]:
    """Which of these listings have a publication that was given up and waits for a person to send it again."""
    waiting = MarketplaceCommand.objects.filter(
        listing__in=[listing.pk for listing in listings], kind=CommandKind.CREATE, state=CommandState.NEEDS_PERSON
    )
    return set(waiting.values_list("listing__pk", flat=True))


def _judge(actor: Actor, listing: Listing, change: PriceChange, facts: _Facts, guards: Sequence[Guard]) -> PriceOutcome:
    proposed = round_money(change.price)
    verdicts = _verdicts(actor, listing, change, proposed, facts, guards)
    accepted = all(verdict.allowed for verdict in verdicts)
    _keep_proposal(actor, listing, change, proposed, verdicts, accepted=accepted)
    if accepted and proposed != listing.price:
        _carry_out(actor, listing, proposed, change.reason)
    return PriceOutcome(listing.pk, accepted, listing.price, listing.version, tuple(verdicts))


def _verdicts(
    actor: Actor, listing: Listing, change: PriceChange, proposed: Decimal, facts: _Facts, guards: Sequence[Guard]
) -> list[Verdict]:
    """The door's own, and where none of them refuses the guards'."""
    verdicts = _own_verdicts(listing, change, proposed, facts)
    if all(verdict.allowed for verdict in verdicts):
        context = PriceContext(
            platform=listing.platform, price=listing.price, proposed=proposed, floor=listing.floor,
            ceiling=listing.ceiling, currency=listing.currency, actor_is_person=actor.is_person,
            confirmed=change.confirmed, hours_to_game=facts.hours_to_game, at=facts.at,
            changed_at=facts.past.changed_at, person_set_at=facts.past.person_set_at,
            machine_changes=facts.past.machine_changes, grounds=change.grounds,
        )  # fmt: skip
        verdicts += [guard.check(context) for guard in guards]
    return verdicts


def _own_verdicts(listing: Listing, change: PriceChange, proposed: Decimal, facts: _Facts) -> list[Verdict]:
    """The door's own checks, in this order; none depends on a port being filled."""
    net_trouble = _net_problem(listing, proposed)
    money = partial(money_text, currency=listing.currency)
    floor, ceiling = money(listing.floor), money(listing.ceiling)
    halts, rising = facts.brakes.halts, facts.brakes.stops_lower
    why, halted = rising.why if rising else "", halts.what if halts else "Trading"
    checks = [
        (
            "version", change.version in {None, listing.version}, "The listing has changed since you looked.",
            "Look at the new price and decide again.",
        ),
        (
            "status", listing.status in OFFERED or facts.refused, f"The listing is {listing.get_status_display()}.",
            _afresh(listing),
        ),
        (
            "sale", not facts.seat_taken, "A sale of this listing is not settled yet.",
            "Price what is left of it once the sale is settled.",
        ),
        (
            "in_flight", not facts.push_in_flight, "A change of this listing is on its way to the marketplace.",
            "Wait a moment and try again.",
        ),
        ("halted", halts is None, f"{halted} is halted{why}.", halts.remedy if halts else ""),
        (
            "raise_only", rising is None or halts is not None or proposed >= listing.price,
            f"Prices may only rise now{why}, and {money(proposed)} is below {money(listing.price)}.",
            f"Choose {money(listing.price)} or more. {rising.remedy if rising else ''}",
        ),
        (
            "floor", proposed >= listing.floor, f"{money(proposed)} is below your floor of {floor}.",
            f"Choose {floor} or more.",
        ),
        (
            "net_floor", net_trouble is None, net_trouble.detail if net_trouble else "",
            (net_trouble.remedy or "") if net_trouble else "",
        ),
        (
            "ceiling", proposed <= listing.ceiling, f"{money(proposed)} is above your ceiling of {ceiling}.",
            f"Choose {ceiling} or less.",
        ),
    ]  # fmt: skip
    verdicts = [
        Verdict(key, allowed, "" if allowed else reason, "" if allowed else remedy)
        for key, allowed, reason, remedy in checks
    ]
    return [*verdicts, *_bounds_verdicts(facts.bounds, proposed, listing.currency)]


def _bounds_verdicts(bounds: Bounds, proposed: Decimal, currency: str) -> list[Verdict]:
    """What the marketplace takes, for the event and at all, and the team's and the venue's least price (I-12).

    What was told too long ago to refuse anything is said.
    """
    old = bounds.event_said if bounds.event_outside(proposed, currency) else ""
    of_currency = bounds.currency_problem(currency, "price", "Take the listing down there.")
    problems = (
        ("event_bounds", of_currency or bounds.event_problem(proposed, currency), old),
        ("least_price", bounds.least_problem(proposed, currency), ""),
    )
    return [
        Verdict(key, allowed=True, reason=said, remedy="")
        if problem is None
        else Verdict(key, allowed=False, reason=problem.detail, remedy=problem.remedy)
        for key, problem, said in problems
    ]


def _net_problem(listing: Listing, proposed: Decimal) -> FieldProblem | None:
    """What is wrong with a price below today's where the floor is on the net: a higher one brings no less than now."""
    if listing.floor_basis != "net" or proposed >= listing.price:
        return None
    return net_floor_problem(
        platform=listing.platform, mode=listing.mode, price=proposed, floor=listing.floor,
        net=net_expected(listing, proposed), currency=listing.currency,
    )  # fmt: skip


def _afresh(listing: Listing) -> str:
    return _PAST_PRICING.get(listing.status, "Wait a moment and try again.")


def _keep_proposal(
    actor: Actor, listing: Listing, change: PriceChange, proposed: Decimal, verdicts: list[Verdict], *, accepted: bool
) -> None:
    PriceProposal.objects.create(
        tenant_id=listing.tenant_id,
        listing=listing,
        previous_price=listing.price,
        proposed_price=proposed,
        currency=listing.currency,
        accepted=accepted,
        verdicts=[{"guard": v.guard, "allowed": v.allowed, "reason": v.reason} for v in verdicts],
        listing_version=listing.version,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        request_id=actor.request_id,
        reason=change.reason[:300],
    )


def _carry_out(actor: Actor, listing: Listing, price: Decimal, reason: str) -> None:
    before = listing.price
    listing.proceeds = net_expected(listing, price)
    listing.price = price
    listing.version += 1
    listing.save(update_fields=["price", "proceeds", "version", "updated_at"])
    # Only the newest price matters: one that was not sent yet is withdrawn. A waiting create reads the row itself.
    commands_supersede(listing, frozenset({CommandKind.REPRICE}))
    if listing.status in OFFERED:
        command_write(
            listing=listing,
            kind=CommandKind.REPRICE,
            key=f"reprice:{listing.external_id}:{listing.version}",
            payload={"price": str(price), "currency": listing.currency, "version": listing.version},
        )
    audit_record(
        actor=actor, verb="listing.reprice", object_type="listing", object_id=listing.pk,
        subject=listing.season_ticket.user_id, before={"price": before}, after={"price": price}, reason=reason,
    )  # fmt: skip
    listing_changed(listing)
