"""What a person has to do on a marketplace's own site: in words to copy, with what it brings and where it is done."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from listings.models import CommandKind, Listing, MarketplaceCommand, Sale
from listings.selectors import hand_facts
from listings.services.hand_alerts import listing_of_task, seats_that_stay, seats_there, title_of
from listings.services.hand_overs import hand_overs_told
from listings.services.sale_alerts import conflict_asks_by_hand, reject_by
from listings.services.trading import Brakes, brakes_for
from marketplaces.registry import event_page
from marketplaces.selectors import NetBasis, net_by_percent, net_said
from seatsync.core.actors import Actor
from seatsync.core.money import money_text
from seatsync.core.venue_time import local

# What a listing is called there that its holder has given no name.
OWN_NAME = "by hand "
_PRICED = frozenset({CommandKind.CREATE, CommandKind.REPRICE})


@dataclass(frozen=True, slots=True)
class Words:
    """What to enter there, line by line; `net` per ticket in the listing's currency, None where it is not known.

    `stay` and `go`: the seats of a listing that is to be made smaller. `link`: the event's page there, or its site.
    `held`: why it is not to be done now, by a brake that was set since; empty where none forbids it.
    """

    title: str
    lines: list[str]
    link: str
    net: Decimal | None = None
    net_basis: NetBasis | None = None
    net_said: str = ""
    stay: tuple[int, ...] = ()
    go: tuple[int, ...] = ()
    until: datetime | None = None
    held: str = ""

    @property
    def text(self) -> str:
        """All of it, to copy."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class _Net:
    net: Decimal | None
    basis: NetBasis
    said: str


def words_of(command: MarketplaceCommand, actor: Actor | None = None) -> Words:
    """What to do there, in words to copy; see `words_of_tasks`."""
    return words_of_tasks([command], actor)[0]


def words_of_tasks(commands: Sequence[MarketplaceCommand], actor: Actor | None = None) -> list[Words]:
    """What to do there for each of these, in words to copy; what they need is read for all of them together.

    That is what they do not bring (`hand_facts`), and what is handed over: what goes to a buyer, and who he is, is told
    to an `actor` whose own account it is, and to nobody else.
    """
    bare = [command.pk for command in commands if not hasattr(command, "told_page")]
    facts = {one.pk: one for one in hand_facts(MarketplaceCommand.objects.filter(pk__in=bare))} if bare else {}
    given = hand_overs_told(actor, commands) if actor else {}
    brakes = brakes_for(command.listing for command in commands if command.listing and command.kind in _PRICED)
    return [
        replace(_words(command, facts.get(command.pk, command), given.get(command.pk, [])), held=_held(command, brakes))
        for command in commands
    ]


def _held(command: MarketplaceCommand, brakes: Mapping[uuid.UUID, Brakes]) -> str:
    """Why a listing is not to go up, or its price not to be changed, at this moment (I-19)."""
    listing = command.listing
    if listing is None or listing.pk not in brakes or command.kind not in _PRICED:
        return ""
    found = brakes[listing.pk]
    lower = listing.live_price is not None and listing.price < listing.live_price
    brake = found.stops_new if command.kind == CommandKind.CREATE else found.stops_lower if lower else found.halts
    return f"{brake.what} {brake.state.does}{brake.why}." if brake else ""


def _words(command: MarketplaceCommand, facts: MarketplaceCommand, given: list[str]) -> Words:
    page: str = getattr(facts, "told_page", None) or ""
    link = event_page(command.account.platform, page)
    listing, sale = command.listing, command.sale
    if listing is None:
        until = reject_by(sale) if sale and command.kind == CommandKind.REJECT_SALE else None
        return Words(title_of(command), _lines_of_sale(command, sale) + given, link, until=until)
    stay, go = _parts(command, listing)
    lines = _lines_of_listing(command, listing, stay, go, facts)
    if command.kind not in _PRICED:
        return Words(title_of(command), lines, link, stay=stay, go=go)
    net = _net_of(command, listing, facts)
    lines.append(f"Price per ticket: {money_text(listing.price, listing.currency)}")
    brings = "not known" if net.net is None else money_text(net.net, listing.currency)
    lines.append(f"To you per ticket: {brings}, {net.said}")
    if command.kind == CommandKind.CREATE:
        lines += [f"Quantity: {listing.quantity}", f"Split: {listing.get_split_type_display()}"]
    return Words(title_of(command), lines, link, net.net, net.basis, net.said)


def _net_of(command: MarketplaceCommand, listing: Listing, facts: MarketplaceCommand) -> _Net:
    """What the listing's price brings: as its marketplace told before it was left, or by the fee table."""
    platform, percent = command.account.platform, getattr(facts, "fee_percent", None)
    since: date | None = getattr(facts, "fee_from", None)
    by_table = None if percent is None else net_by_percent(listing.price, percent)
    net = by_table if listing.proceeds is None else listing.proceeds
    known = NetBasis.FEES if net == by_table else NetBasis.TOLD
    basis = NetBasis.UNTOLD if net is None else known
    return _Net(net, basis, net_said(basis, platform, since))


def _parts(command: MarketplaceCommand, listing: Listing) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seats that stay on offer and those that are to be taken off, where a listing is to be made smaller."""
    if command.kind != CommandKind.RESIZE:
        return (), ()
    asked = set(command.payload.get("gone", ()))
    gone = {row.seat.seat_number for row in listing.listing_seats.all() if not row.offered}
    return tuple(seats_that_stay(listing)), tuple(sorted(asked & gone))


def _lines_of_listing(
    command: MarketplaceCommand, listing: Listing, stay: tuple[int, ...], go: tuple[int, ...],
    facts: MarketplaceCommand,
) -> list[str]:  # fmt: skip
    down = command.kind == CommandKind.DELIST
    seats = seats_there(listing, getattr(facts, "made_smaller", None)) if down else seats_that_stay(listing)
    lines = [_game_line(listing)]
    if command.kind == CommandKind.RESIZE:
        go_words = f"Take off: {_seats(go)}" if go else "Take off: every other seat"
        lines += [f"Section {listing.section}, row {listing.row}", go_words, f"Leave on sale: {_seats(stay)}"]
    else:
        lines.append(f"Section {listing.section}, row {listing.row}, seats {', '.join(map(str, seats))}")
    if listing.listing_id and not listing.listing_id.startswith(OWN_NAME):
        lines.append(f"Listing there: {listing.listing_id}")
    return lines


def _lines_of_sale(command: MarketplaceCommand, sale: Sale | None) -> list[str]:
    ref = command.payload.get("ref") or {}
    lines = [f"Listing there: {ref.get('listing_id') or ref.get('external_id')}"] if ref else []
    if sale is None:
        return lines
    lines.append(f"Sale {sale.platform_sale_id}")
    listing = listing_of_task(command)
    if listing is not None:
        seats = sorted(row.seat.seat_number for row in sale.sale_seats.all())
        which = f", {_seats(seats)}" if seats else ""
        lines += [_game_line(listing), f"Section {listing.section}, row {listing.row}{which}"]
    if command.kind == CommandKind.REJECT_SALE:
        lines.append(conflict_asks_by_hand(sale))
    return lines


def _seats(numbers: tuple[int, ...] | list[int]) -> str:
    return f"seat{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _game_line(listing: Listing) -> str:
    game = listing.game
    starts = local(game.starts_at, game.venue.timezone)
    return f"{game.opponent.name} at {game.home_team.name}, {starts:%a %-d %b %Y, %H:%M}, {game.venue.name}"
