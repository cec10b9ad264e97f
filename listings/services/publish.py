"""Publishing seats: listing rows and one create command a platform, in the transaction that checked the seats."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import transaction

from listings.models import (
    CommandKind,
    DeliveryTerms,
    FoundKind,
    FoundListing,
    FoundState,
    Listing,
    ListingSeat,
    ListingStatus,
    Sale,
    SplitType,
)  # fmt: skip
from listings.selectors import may_be_shown
from listings.services.commands import command_write
from listings.services.delivery_terms import promise, terms_of
from listings.services.list_until import cut_offs, own_until_check, still_listable_check
from listings.services.net_floor import net_floor_problem
from listings.services.notify import listing_changed
from listings.services.trading import brakes_on
from marketplaces.bounds import bounds_of_all
from marketplaces.locks import accounts_keep
from marketplaces.models import MarketplaceAccount, Mode, modes_of
from marketplaces.registry import platform_name, traits_of
from marketplaces.selectors import fee_version, proceeds_at
from marketplaces.splits import split_offerable
from portfolios.labels import label_of
from portfolios.locks import seats_lock_whole
from portfolios.models import Game, GameStatus, OwnerState, SeasonTicket, Seat
from portfolios.selectors import ticket_sellers
from portfolios.services.groups import seat_group_for
from portfolios.services.ledger import seats_for
from seatsync.accounts.selectors import leaving_erased
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound
from seatsync.core.money import money_text, round_money


@transaction.atomic
def listing_publish(
    *,
    actor: Actor,
    seat_ids: Sequence[uuid.UUID],
    account_ids: Sequence[uuid.UUID],
    price: Decimal,
    floor: Decimal,
    ceiling: Decimal,
    split_type: str = SplitType.ANY,
    floor_basis: str = "list",
    list_until: datetime | None = None,
) -> list[Listing]:
    """Offer neighbouring seats of one game on one or more accounts; returns a listing per account, `publishing`.

    Prices are per ticket, in the ticket's currency; `list_until` (aware) is the holder's own cut-off. Raises
    InvalidInput (field by field) for what is wrong in itself, is not what a marketplace takes for the game or is less
    than the team asks for (I-12), NotFound for strangers' ids, NotAllowed, or Conflict where a seat is not free, is
    offered on that account already, a brake is on, or it would have to come down at once (I-08).
    """
    price, floor, ceiling = round_money(price), round_money(floor), round_money(ceiling)
    accounts = _accounts(actor, account_ids)
    seats = seats_lock_whole(seats_for(actor, seat_ids, verb="list"))
    seats.sort(key=lambda seat: seat.seat_number)
    _check_owners(seats[0].season_ticket, accounts)
    game = Game.objects.get(pk=seats[0].game_id)
    _check_input(
        price, floor, ceiling, split_type, floor_basis, seats, accounts,
        _bounds_problems(game, seats, accounts, price, split_type),
    )  # fmt: skip
    group = seat_group_for(seats=seats)
    _check_free(seats, game, accounts)
    offer_check(seats, game, accounts)
    _check_brakes(seats[0], accounts)
    terms = terms_of(seats[0].season_ticket)
    delivery_check(terms, accounts, game)
    own_until_check(list_until, game)
    listings, untils = [], cut_offs()
    for account in accounts:
        listing = listing_new(account, seats, game, price, floor, ceiling, split_type, floor_basis)
        promise(listing, terms)
        listing.list_until = list_until
        still_listable_check(listing, untils)
        listing.seat_group = group
        listing.save()
        rows = (ListingSeat(tenant_id=listing.tenant_id, listing=listing, seat=seat) for seat in seats)
        ListingSeat.objects.bulk_create(rows)
        command_write(listing=listing, kind=CommandKind.CREATE, key=f"create:{listing.external_id}")
        listing_changed(listing)
        listings.append(listing)
    audit_record(
        actor=actor, verb="listing.publish", object_type="seat_group", object_id=group.pk,
        subject=seats[0].season_ticket.user_id,
        after={"platforms": [a.platform for a in accounts], "price": price, "floor": floor, "ceiling": ceiling,
               "list_until": list_until},
    )  # fmt: skip
    return listings


def _accounts(actor: Actor, account_ids: Sequence[uuid.UUID]) -> list[MarketplaceAccount]:
    wanted = list(dict.fromkeys(account_ids))
    if not wanted:
        raise InvalidInput("No marketplace was chosen.", field="accounts", remedy="Choose at least one.")
    visible = MarketplaceAccount.objects.visible_to(actor).filter(pk__in=wanted)
    accounts_keep(visible.values_list("pk", flat=True))
    found = list(visible.order_by("platform", "pk"))
    if len(found) != len(wanted):
        raise NotFound(
            "No marketplace account with this id.", field="accounts", remedy="Use the ids of your own accounts."
        )
    for account in found:
        if not account.takes_listings:
            raise Conflict(
                f"The {account} account is not connected, or being given up.", field="accounts",
                remedy="Connect it again first.",
            )  # fmt: skip
        if account.mode == Mode.LIVE and account.user.kyc_status != "approved":
            raise NotAllowed("Live selling needs an approved identity check.")
    return found


def delivery_check(terms: DeliveryTerms, accounts: Sequence[MarketplaceAccount], game: Game) -> None:
    """Raises InvalidInput for what cannot be delivered: of a kind that a marketplace takes not, or after the game."""
    if terms.in_hand_on is not None and terms.in_hand_on > game.game_date:
        raise InvalidInput(
            f"These tickets are in hand on {terms.in_hand_on:%-d %b %Y}, after the game.", field="seats",
            remedy="Say an earlier day where you say how these seats are delivered, or leave this game out.",
        )  # fmt: skip
    for account in accounts:
        traits = traits_of(account.platform)
        if traits is not None and terms.delivery not in traits.deliveries:
            raise InvalidInput(
                f"{traits.name} takes no {terms.get_delivery_display()}.", field="accounts",
                remedy="Leave it out, or say otherwise how these seats are delivered.",
            )  # fmt: skip


def _check_owners(ticket: SeasonTicket, accounts: list[MarketplaceAccount]) -> None:
    """Who sells is paid: the accounts are of people whose seats they are, also where staff act for one of them."""
    sellers = ticket_sellers(ticket)
    if any(account.user_id not in sellers for account in accounts):
        raise InvalidInput(
            "This account belongs to somebody else than the seats.", field="accounts",
            remedy="Choose an account of the seats' holder.",
        )  # fmt: skip


def _check_input(
    price: Decimal, floor: Decimal, ceiling: Decimal, split: str, basis: str, seats: Sequence[Seat],
    accounts: list[MarketplaceAccount], outside: list[FieldProblem],
) -> None:  # fmt: skip
    problems, money = [], partial(money_text, currency=seats[0].currency)
    if floor <= 0:
        problems.append(FieldProblem("floor", "The floor must be above zero.", "Say the least you would take."))
    if ceiling < floor:
        problems.append(FieldProblem("ceiling", "The ceiling is below the floor.", "Raise it, or lower the floor."))
    elif not floor <= price <= ceiling:
        bounds = f"{money(floor)} to {money(ceiling)}"
        remedy = "Move the price, the floor or the ceiling."
        problems.append(FieldProblem("price", f"{money(price)} is outside {bounds}.", remedy))
    if split not in SplitType.values:
        problems.append(FieldProblem("split_type", f"{split!r} is unknown.", f"Use {', '.join(SplitType.values)}."))
    elif not split_offerable(split, len(seats)):
        problems.append(
            FieldProblem(
                "split_type", f"{len(seats)} seats cannot be sold in pairs.", "Choose another split or an even number."
            )
        )
    if basis not in {"list", "net"}:
        problems.append(FieldProblem("floor_basis", f"{basis!r} is unknown.", "Use list or net."))
    elif basis == "net":
        problems += [p for account in accounts if (p := _net_problem(account, price, floor, seats[0].currency))]
    problems += outside
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))


def _bounds_problems(
    game: Game, seats: Sequence[Seat], accounts: Sequence[MarketplaceAccount], price: Decimal, split: str
) -> list[FieldProblem]:
    """What its marketplaces do not take for the game, or its team or venue does not let pass (I-12); each said once."""
    known = bounds_of_all((game, account.platform, account.paper) for account in accounts)
    found = [
        problem
        for bounds in known.values()
        for problem in bounds.offer_problems(price=price, currency=seats[0].currency, quantity=len(seats), split=split)
    ]
    return list(dict.fromkeys(found))


def _net_problem(account: MarketplaceAccount, price: Decimal, floor: Decimal, currency: str) -> FieldProblem | None:
    net = proceeds_at(price, fee_version(account.platform))
    return net_floor_problem(
        platform=account.platform, mode=account.mode, price=price, floor=floor, net=net, currency=currency
    )


def _check_free(seats: list[Seat], game: Game, accounts: list[MarketplaceAccount]) -> None:
    if game.status != GameStatus.SCHEDULED or game.starts_at <= now():
        raise Conflict("This game can no longer be sold.", field="seats", remedy="Choose a game that is still to come.")
    for seat in seats:
        if seat.state != OwnerState.AVAILABLE:
            raise Conflict(
                f"Seat {seat} is {seat.get_state_display()}.", field="seats", remedy="Choose seats that are available."
            )
    doubled = (
        ListingSeat.objects.filter(may_be_shown(), seat__in=seats, offered=True, listing__account__in=accounts)
        .select_related("listing", "seat")
        .first()
    )
    if doubled is not None:
        raise Conflict(
            f"Seat {doubled.seat} is listed on {platform_name(doubled.listing.platform)} already.",
            field="accounts",
            remedy="Reprice that listing, or take it down first.",
        )


def offer_check(seats: Sequence[Seat], game: Game, accounts: Sequence[MarketplaceAccount]) -> None:
    """Raises InvalidInput or Conflict where they may be sold, or on show: in the other market, or as found there.

    Conflict too where their holder is to be erased: nobody offers them any more, on whose account ever.
    """
    if seats:
        _check_holder(seats[0].season_ticket)
    _check_market(seats, accounts)
    _check_unclear(seats)
    places = {(seat.section, seat.row) for seat in seats}
    undecided = [FoundState.WAITING, FoundState.COMING_DOWN]
    for found in FoundListing.objects.filter(account__in=accounts, kind=FoundKind.LISTING, state__in=undecided):
        if found.game_id == game.pk and _may_mean(found, places):
            raise Conflict(
                f"{platform_name(found.account.platform)} shows a listing that may be of these seats.",
                field="accounts",
                remedy="Decide first what it is, under Connections.",
            )


def _check_holder(ticket: SeasonTicket) -> None:
    """With their holder goes what proves that the seats are his (I-06), and who could hand them over."""
    if leaving_erased(ticket.user_id, ticket.tenant_id):
        raise Conflict(
            "These seats' holder leaves, and nobody offers them any more.", field="seats",
            remedy="Choose seats of another season ticket; support can take it back.",
        )  # fmt: skip


def _check_market(seats: Sequence[Seat], accounts: Sequence[MarketplaceAccount]) -> None:
    """A seat is offered in the paper market or for real: a sale on paper must take down nothing real (I-20)."""
    papers = {account.paper for account in accounts}
    if len(papers) > 1:
        raise InvalidInput(
            "On paper and for real at once the same seats cannot be sold.", field="accounts",
            remedy="Choose paper accounts alone, or others alone.",
        )  # fmt: skip
    (paper,) = papers
    other = ListingSeat.objects.filter(
        may_be_shown(), seat__in=seats, offered=True, listing__mode__in=modes_of(paper=not paper)
    )
    if (beside := other.select_related("listing", "seat").first()) is not None:
        where = "for real" if paper else "on paper"
        raise Conflict(
            f"Seat {beside.seat} is offered {where} at {platform_name(beside.listing.platform)}.", field="accounts",
            remedy="Take that listing down first.",
        )  # fmt: skip


def _check_unclear(seats: Sequence[Seat]) -> None:
    """What its holder kept for himself was not held for a sale that may have it; he frees it, but offers it not yet."""
    unclear = Sale.objects.may_have(seats).first()
    if unclear is not None:
        first = next(seat for seat in seats if seat.pk in unclear.may_be_of)
        raise Conflict(
            f"{platform_name(unclear.platform)} sale {unclear.platform_sale_id} may have seat {first}.", field="seats",
            remedy="Say first on the sale's page what it took.",
        )  # fmt: skip


def _may_mean(found: FoundListing, places: set[tuple[str, str]]) -> bool:
    """Whether a listing whose seats are not certain may be of these: of that row, in whatever section's spelling."""
    return any(label_of(found.row).casefold() == label_of(row).casefold() for _, row in places)


def _check_brakes(seat: Seat, accounts: list[MarketplaceAccount]) -> None:
    if brake := brakes_on(seat.season_ticket, game_id=seat.game_id, accounts=accounts).stops_new:
        raise Conflict(f"{brake.what} {brake.state.does}{brake.why}.", field=brake.field, remedy=brake.remedy)


def listing_new(
    account: MarketplaceAccount, seats: Sequence[Seat], game: Game, price: Decimal, floor: Decimal, ceiling: Decimal,
    split: str, basis: str,
) -> Listing:  # fmt: skip
    """The listing of these seats as it is published, not saved."""
    first = seats[0]
    return Listing(
        tenant_id=first.tenant_id,
        account=account,
        mode=account.mode,
        season_ticket_id=first.season_ticket_id,
        game=game,
        game_date=game.game_date,
        platform=account.platform,
        section=first.section,
        row=first.row,
        quantity=len(seats),
        price=price,
        original_price=price,
        proceeds=proceeds_at(price, fee_version(account.platform)),
        currency=first.currency,
        floor=floor,
        ceiling=ceiling,
        floor_basis=basis,
        status=ListingStatus.PUBLISHING,
        split_type=split,
    )
