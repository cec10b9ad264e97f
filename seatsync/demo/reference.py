"""Reference data of the demo: league, venue, sections, teams and the shifted games. Idempotent."""

from datetime import date
from decimal import Decimal

from marketplaces.models import FeeVersion
from portfolios.models import Game, League, Team, Venue, VenueSection
from portfolios.services.games import games_close
from seatsync.demo.facts import facts, season_shift

# (platform, percent, valid from, source, checked on); FACTS of public record, dated (I-26).
FEES = (
    ("stubhub", Decimal("10.000"), date(2023, 1, 1), "10.0 % below list in a recorded sale, 2023", date(2026, 11, 22)),
    ("seatgeek", Decimal("5.000"), date(2026, 3, 1), "5 % of subtotal on 8,506 of 8,507 orders of one broker",
     date(2026, 11, 22)),
    ("gametime", Decimal("0.000"), date(2026, 1, 1),
     "Gametime's API (reconstructed): a purchase's price is taken for what a ticket brings, and no fee is told",
     date(2026, 11, 22)),
)  # fmt: skip


def reference_load() -> list[Game]:
    """Make what is missing and return the season's games by start."""
    known, weeks = facts(), season_shift()
    league, _ = League.objects.get_or_create(key=known.league["key"], defaults={"name": known.league["name"]})
    place = {key: known.venue[key] for key in ("city", "state", "timezone", "capacity")}
    venue, _ = Venue.objects.get_or_create(name=known.venue["name"], defaults=place)
    for name, zone in known.sections.items():
        VenueSection.objects.get_or_create(venue=venue, name=name, defaults={"zone": zone})
    teams = {
        short: Team.objects.get_or_create(league=league, abbreviation=short, defaults={"name": name})[0]
        for short, name in known.teams.items()
    }
    home = teams[known.team]
    if home.venue_id is None:
        home.venue = venue
        home.save(update_fields=["venue", "updated_at"])
    year = (known.games[0].starts_at(weeks, known.zone)).year
    for game in known.games:
        starts = game.starts_at(weeks, known.zone)
        Game.objects.get_or_create(
            home_team=home, source=known.source, source_key=game.key,
            defaults={
                "opponent": teams[game.opponent], "venue": venue, "starts_at": starts, "season_year": year,
                "game_date": starts.astimezone(known.zone).date(), "shifted_weeks": weeks,
            },
        )  # fmt: skip
    fees_load()
    games_close()
    games = Game.objects.filter(home_team=home, source=known.source)
    return list(games.select_related("home_team", "opponent", "venue").order_by("starts_at"))


def fees_load() -> None:
    """The dated fee rows that are known, with their sources."""
    for platform, percent, valid_from, source, checked_on in FEES:
        FeeVersion.objects.get_or_create(
            platform=platform, side="seller", valid_from=valid_from,
            defaults={"percent": percent, "source": source, "checked_on": checked_on},
        )  # fmt: skip
