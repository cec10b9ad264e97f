"""What its holder decides on something that was found on an account and not made here."""

import uuid
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from listings.locks import found_lock
from listings.models import CommandKind, FoundKind, FoundListing, FoundState
from listings.selectors import found_get
from listings.services.adopt import delivery_known, kept_problem, listing_adopt
from listings.services.come_over import listing_take_in, sale_come_over
from listings.services.commands import command_write
from listings.services.drift_alerts import alert_stock_known, alerts_found_over
from listings.services.mapping_learn import mapping_learn
from listings.services.practice import past_practice
from listings.services.recognise import told_of_found, told_otherwise
from listings.services.sale_saga import sale_apply
from listings.services.stock import stock_order
from marketplaces.contracts import RemoteSale
from marketplaces.delivery import DeliveryType
from marketplaces.errors import MarketplaceError
from marketplaces.locks import account_lock_for, accounts_keep
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, platform_name, traits_of
from marketplaces.services.alerts import account_changed
from marketplaces.services.files import file_declare
from marketplaces.services.links import over_link
from portfolios.locks import seats_lock_whole
from portfolios.models import Seat
from portfolios.selectors import ticket_sellers
from portfolios.services.ledger import seats_for
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound

LARGEST_FILE = 20_000_000


def found_adopt(
    *, actor: Actor, found_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], delivery: str = ""
) -> FoundListing:
    """Say which seats a found listing, or a past sale, is of: a listing is kept in step, a sale counts.

    What that says of its event and its section is remembered, so that nobody is asked the same again. `delivery`: what
    a listing's tickets are (a DeliveryType), for one whose marketplace does not tell. Raises NotFound, NotAllowed,
    InvalidInput by field (another number of seats, another game's, or tickets of which nobody has said what they are),
    or Conflict where it was decided meanwhile, a seat is not for sale, or its marketplace cannot be asked for the sale.
    """
    known = _own(actor, found_id)
    seats = seats_for(actor, seat_ids, verb="list")
    if len(seats) != known.quantity:
        raise InvalidInput(
            f"It is of {known.quantity} seats, and {len(seats)} were chosen.", field="seats",
            remedy=f"Choose the {known.quantity} that it is of.",
        )  # fmt: skip
    _check_owner(known, seats)
    _check_game(known, seats)
    sale = _sale_of(known) if known.kind == FoundKind.SALE else None
    if sale is not None:
        # Told by hand meanwhile, on an account that was left: with its listing it comes over before the locks.
        sale_come_over(account=known.account, remote=sale)
    kind = _delivery(known, seats, delivery) if sale is None else ""
    adopted = past_practice(lambda: _adopt(actor, known, seats, sale, kind))
    if adopted.listing is not None:
        mapping_learn(actor=actor, found=adopted, listing=adopted.listing)
    return adopted


def delivery_asked(found: FoundListing) -> bool:
    """Whether its holder has to say what its tickets are: of a listing whose marketplace tells nothing of it."""
    traits = traits_of(found.account.platform)
    return found.kind == FoundKind.LISTING and not found.delivery and traits is not None and len(traits.deliveries) > 1


def _delivery(found: FoundListing, seats: Sequence[Seat], said: str) -> str:
    """What its tickets are: as its marketplace tells, else as the person says, else as was entered for the seats."""
    if said and said not in set(DeliveryType):
        raise InvalidInput(
            f"{said!r} is unknown.", field="delivery", remedy=f"Use {', '.join(kind.value for kind in DeliveryType)}."
        )
    known = delivery_known(found.account, found.delivery or said, seats)
    if not known:
        raise InvalidInput(
            f"{platform_name(found.account.platform)} does not tell what its tickets are.", field="delivery",
            remedy="Say how they reach their buyer.",
        )  # fmt: skip
    return known


@transaction.atomic
def _adopt(
    actor: Actor, known: FoundListing, chosen: Sequence[Seat], sale: RemoteSale | None, delivery: str
) -> FoundListing:
    found = _waiting(known)
    seats = seats_lock_whole(chosen)
    if problem := kept_problem(found.account, seats):
        raise Conflict(
            f"{problem[:1].upper()}{problem[1:]}.", field="seats", remedy="Free the seat, or take the listing down."
        )
    if sale is None:
        listing = listing_take_in(
            actor=actor, account=found.account, seats=seats, listing_id=found.remote_id, remote_key=found.remote_key,
            price=found.price, currency=found.currency, delivery=delivery,
        )  # fmt: skip
    else:
        # What another row had of it has come over by now.
        listing = listing_adopt(
            actor=actor, account=found.account, seats=seats, listing_id=sale.listing_id, remote_key=found.remote_key,
            price=found.price, currency=found.currency, price_seen=False,
        )  # fmt: skip
    found.listing, found.game_id = listing, seats[0].game_id
    _decide(actor, found, FoundState.ADOPTED)
    if sale is not None:
        sale_apply(account=found.account, remote=sale)
    return found


def _check_owner(found: FoundListing, seats: Sequence[Seat]) -> None:
    """Who sells is paid: the account is one of theirs whose seats they are, also where staff decides."""
    if any(found.account.user_id not in ticket_sellers(ticket) for ticket in {seat.season_ticket for seat in seats}):
        raise InvalidInput(
            "This account belongs to somebody else than the seats.", field="seats",
            remedy="Choose seats of the account's holder.",
        )  # fmt: skip


def _check_game(found: FoundListing, seats: Sequence[Seat]) -> None:
    """A listing of one game must not keep another game's seats in step: a sale there would sell these."""
    for game in {seat.game for seat in seats}:
        if other := told_otherwise(found.account, told_of_found(found), game):
            raise InvalidInput(
                f"It is of {other}, and these seats are not.", field="seats",
                remedy="Choose the seats of that game, or say first which game its event is.",
            )  # fmt: skip


def _sale_of(found: FoundListing) -> RemoteSale:
    adapter = adapter_get(found.account.platform)
    try:
        sale = over_link(found.account, lambda link: adapter.fetch_sale(link, found.remote_id))
    except MarketplaceError as error:
        raise Conflict(
            f"{adapter.traits.name} could not be asked: {str(error).rstrip('.')}.", remedy="Try again in a minute."
        ) from error
    if sale is None:
        raise Conflict(f"{adapter.traits.name} knows no such sale any more.", remedy="Say that it is not yours.")
    return sale


@transaction.atomic
def found_not_ours(*, actor: Actor, found_ids: Sequence[uuid.UUID]) -> list[FoundListing]:
    """Say that these are not of one's own seats: they are left alone, and not asked about again.

    Raises NotFound, or Conflict where one was decided on meanwhile.
    """
    if not found_ids:
        raise InvalidInput("Nothing was chosen.", field="found", remedy="Choose at least one.")
    decided = []
    for found_id in sorted(set(found_ids)):
        found = _waiting(_own(actor, found_id))
        _decide(actor, found, FoundState.NOT_OURS)
        decided.append(found)
    return decided


@transaction.atomic
def found_ask_again(*, actor: Actor, found_id: uuid.UUID) -> FoundListing:
    """Take back that something is not one's own; it waits for a word again. Raises NotFound, or Conflict otherwise."""
    found = found_lock(_own(actor, found_id).pk)
    if found.state != FoundState.NOT_OURS:
        raise Conflict(f"It is {found.get_state_display()}.", remedy="Nothing needs to be taken back.")
    _decide(actor, found, FoundState.WAITING)
    return found


@transaction.atomic
def found_take_down(*, actor: Actor, found_id: uuid.UUID) -> FoundListing:
    """Take a found listing down without making it one of ours. Raises NotFound, or Conflict for what is none."""
    found = _waiting(_own(actor, found_id))
    if found.kind != FoundKind.LISTING:
        raise Conflict("A sale cannot be taken down.", remedy="Say which seats it took, or that it is not yours.")
    ref = {"external_id": found.remote_key, "listing_id": found.remote_id, "event_id": found.event_id,
           "quantity": found.quantity}  # fmt: skip
    command_write(
        account=found.account, kind=CommandKind.DELIST, payload={"found": str(found.pk), "ref": ref},
        key=f"delist:found:{found.pk}:{now():%Y%m%d%H%M%S%f}",
    )  # fmt: skip
    _decide(actor, found, FoundState.COMING_DOWN)
    return found


@transaction.atomic
def stock_declare(*, actor: Actor, account_id: uuid.UUID, file: bytes | None) -> MarketplaceAccount:
    """Say what an account lists already where its platform does not show that: its file, or nothing (None).

    What is in the file is then looked at like everything that was found. Raises NotFound, Conflict where nothing is
    asked, or InvalidInput for a file that the platform would not read.
    """
    account = account_lock_for(actor, account_id)
    if not account.stock_unknown:
        raise Conflict(
            f"{platform_name(account.platform)} shows what it lists by itself.", remedy="Nothing needs to be said."
        )
    if file is not None:
        _check_file(account, file)
    file_declare(account, file or b"")
    account.stock_unknown = False
    account.save(update_fields=["stock_unknown", "updated_at"])
    alert_stock_known(account)
    stock_order(account.pk)
    account_changed(account)
    audit_record(
        actor=actor, verb="account.stock", object_type="marketplace_account", object_id=account.pk,
        subject=account.user_id, after={"bytes": len(file or b"")},
    )  # fmt: skip
    return account


def _check_file(account: MarketplaceAccount, file: bytes) -> None:
    if not file or len(file) > LARGEST_FILE:
        raise InvalidInput(
            f"The file has {len(file)} bytes.", field="file", remedy="Upload the inventory file as it lies there."
        )
    try:
        adapter_get(account.platform).listings_in(file)
    except MarketplaceError as error:
        raise InvalidInput(
            f"{str(error).rstrip('.')}.", field="file", remedy="Upload the inventory file as it lies there."
        ) from error


def _own(actor: Actor, found_id: uuid.UUID) -> FoundListing:
    found = found_get(actor, found_id)
    if not found.account.is_of(actor):
        raise NotFound("Nothing with this id was found on an account of yours.")
    return found


def _waiting(known: FoundListing) -> FoundListing:
    found = found_lock(known.pk)
    accounts_keep([found.account_id])
    if not found.account.is_active:
        raise Conflict("Its account is disconnected.", field="found", remedy="Connect it again first.")
    if found.state != FoundState.WAITING:
        raise Conflict(f"It is {found.get_state_display()}.", field="found", remedy="Look at it again first.")
    return found


def _decide(actor: Actor, found: FoundListing, state: FoundState) -> None:
    before, found.state = found.state, state
    found.decided_at, found.decided_by = now(), f"{actor.kind.value}:{actor.id}"[:64]
    found.save()
    alerts_found_over(found.account, [found])
    account_changed(found.account)
    audit_record(
        actor=actor, verb=f"found.{state}", object_type="found_listing", object_id=found.pk,
        subject=found.account.user_id, before={"state": before}, after={"state": state, "price": Decimal(found.price)},
    )  # fmt: skip
