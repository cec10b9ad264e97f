"""Reference data of the demo: league, venue, sections, teams and the shifted games. Idempotent."""

from marketplaces.services.figures import figures_load
from portfolios.models import Game, League, Team, Venue, VenueSection
from portfolios.services.games import games_close
from seatsync.demo.facts import facts, season_shift


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
    figures_load()
    games_close()
    games = Game.objects.filter(home_team=home, source=known.source)
    return list(games.select_related("home_team", "opponent", "venue").order_by("starts_at"))
