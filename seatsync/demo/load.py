"""Loading the demo, step by step; every step is idempotent."""

from collections.abc import Callable
from decimal import Decimal

from intelligence.services.refresh import prices_refresh
from intelligence.services.suggest import price_suggest
from listings.models import Listing
from listings.services.expire import listings_expire
from listings.services.outbox import commands_drain
from listings.services.publish import listing_publish
from marketplaces.models import MarketplaceAccount
from portfolios.models import Game, OwnerState, Seat
from portfolios.services.groups import seat_group_for
from portfolios.services.ledger import seats_set_state
from seatsync.core.clock import now
from seatsync.core.money import round_money
from seatsync.demo.accounts import SEATGEEK_TOKEN, account_existing, accounts_load
from seatsync.demo.facts import facts
from seatsync.demo.hand_made import hand_made_load
from seatsync.demo.paper import SimulatorDoor, events_load, market_refresh
from seatsync.demo.people import People, people_load
from seatsync.demo.reference import reference_load

LISTED_GAMES = 3
ATTENDED_EVERY = 4
# The seed of what hands listed before the holder connected.
HANDS = 1

Tell = Callable[[str], None]


def demo_load(tell: Tell, *, hands: int = HANDS) -> People:
    """Load everything; `tell` hears of each step. `hands`: the seed of what hands have listed before, 0 for nothing."""
    games = reference_load()
    tell(f"{len(games)} games of {games[0].home_team} at {games[0].venue}, moved by {games[0].shifted_weeks} weeks")
    people = people_load(games)
    tell(f"holder {people.holder.email} with {people.ticket}")
    door = SimulatorDoor()
    try:
        events_load(door, games)
        if account_existing(people.actor, "seatgeek") is None:
            made = hand_made_load(
                door, platform="seatgeek", token=SEATGEEK_TOKEN, ticket=people.ticket, games=games, seed=hands
            )
            tell(f"listings that hands made at seatgeek: {made}")
        accounts = accounts_load(people.actor, door)
        tell(f"paper accounts: {', '.join(account.platform for account in accounts)}")
        tell(f"paper market: {market_refresh(games, door)} new points")
        _over()
        _attended(people, games)
        _listed(people, accounts, games)
        door.control("buyers", action="start")
        tell(f"prices worked out for {prices_refresh(only_missing=True)} seat groups")
    finally:
        door.close()
    return people


def _over() -> None:
    """Take down what can no longer be delivered: nobody did so while the product was off."""
    if listings_expire():
        commands_drain()


def _attended(people: People, games: list[Game]) -> None:
    """The holder went to every fourth game of the schedule that is over; done once, through the ledger.

    A game that was ever offered stays as its offers left it.
    """
    places = {game.key: place for place, game in enumerate(facts().games)}
    offered = set(Listing.objects.filter(season_ticket=people.ticket).values_list("game_id", flat=True))
    for game in games:
        if game.starts_at >= now() or places[game.source_key] % ATTENDED_EVERY or game.pk in offered:
            continue
        seats = list(Seat.objects.filter(season_ticket=people.ticket, game=game, state=OwnerState.AVAILABLE))
        if len(seats) == people.ticket.seats.filter(game=game).count():
            seats_set_state(
                actor=people.actor, seat_ids=[s.pk for s in seats], to_state=OwnerState.ATTENDING, reason="went there"
            )


def _listed(people: People, accounts: list[MarketplaceAccount], games: list[Game]) -> None:
    """The first pair of three coming games is on sale, at the suggested price; done once, through the services."""
    if Listing.objects.filter(season_ticket=people.ticket).exists():
        return
    coming = [game for game in games if game.starts_at > now()]
    for game in coming[2 : 2 + 2 * LISTED_GAMES : 2]:
        pair = list(Seat.objects.filter(season_ticket=people.ticket, game=game).order_by("seat_number")[:2])
        suggestion = price_suggest(actor=people.actor, seat_group=seat_group_for(seats=pair))
        if suggestion is None:
            continue
        price = suggestion.predicted_value
        listing_publish(
            actor=people.actor, seat_ids=[seat.pk for seat in pair], account_ids=[account.pk for account in accounts],
            price=price, floor=round_money(price * Decimal("0.60")), ceiling=round_money(price * 2),
        )  # fmt: skip
    commands_drain()
