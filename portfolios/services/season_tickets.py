"""Season tickets: creation of a ticket with its ledger."""

import uuid
from decimal import Decimal

from django.db import transaction

from portfolios.labels import label_of, seats_label
from portfolios.models import Game, SeasonTicket, Team
from portfolios.services.ledger import games_remaining_refresh
from portfolios.services.ticket_ledger import ledger_fill, ticket_clean, ticket_input_check
from portfolios.services.twins import twins_report
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import InvalidInput, NotFound
from seatsync.core.money import round_money


@transaction.atomic
def season_ticket_create(
    *,
    actor: Actor,
    user_id: uuid.UUID,
    team_id: uuid.UUID,
    season_year: int,
    section: str,
    row: str,
    seat_from: int,
    seat_to: int,
    cost_basis: Decimal,
    order_reference: str,
    source: str | None = None,
) -> SeasonTicket:
    """Create the ticket and one ledger row per seat and home game of that season.

    `source` says whose schedule; None stands for the only one that there is. The whole cost is split evenly over seats
    and games and sums to the cent (I-27). Raises InvalidInput naming the field, NotFound for an unknown team, Conflict
    where a seat of the tenant's ledger has an owner already.
    """
    if actor.tenant_id is None:
        raise NotFound("No such tenant.")
    ticket_input_check(seat_from, seat_to, cost_basis, order_reference, section, row)
    team = Team.objects.select_related("league", "venue").filter(pk=team_id).first()
    if team is None or team.venue is None:
        raise NotFound("No team with this id.")
    games = _games(team, season_year, source)
    ticket = SeasonTicket(
        tenant_id=actor.tenant_id,
        user_id=user_id,
        team=team,
        league=team.league,
        venue=team.venue,
        section=label_of(section),
        row=label_of(row),
        seat=seats_label(seat_from, seat_to),
        season_year=season_year,
        schedule=games[0].source,
        cost_basis=round_money(cost_basis),
        total_games=len(games),
        order_reference=order_reference.strip(),
    )
    ticket_clean(ticket)
    ticket.save()
    twins_report(ticket, ledger_fill(ticket, games, range(seat_from, seat_to + 1)))
    games_remaining_refresh([ticket.pk])
    ticket.refresh_from_db()
    audit_record(
        actor=actor, verb="season_ticket.create", object_type="season_ticket", object_id=ticket.pk, subject=user_id,
        after={"team": team.name, "season": season_year, "seats": ticket.seat, "cost_basis": ticket.cost_basis},
    )  # fmt: skip
    return ticket


def _games(team: Team, season_year: int, source: str | None) -> list[Game]:
    home = Game.objects.filter(home_team=team)
    season = home.filter(season_year=season_year)
    sources = sorted(season.values_list("source", flat=True).distinct())
    if not sources:
        years = sorted(home.values_list("season_year", flat=True).distinct())
        known = ", ".join(map(str, years)) or "none yet"
        raise InvalidInput(
            f"{team} has no games in {season_year} yet.", field="season_year",
            remedy=f"Choose a season with a schedule: {known}.",
        )  # fmt: skip
    if source is None and len(sources) == 1:
        source = sources[0]
    if source not in sources:
        named = " or ".join(f'"{known}"' for known in sources)
        detail = "has no such schedule" if source is not None else "has more than one schedule"
        raise InvalidInput(f"{team} {detail} in {season_year}.", field="source", remedy=f"Choose {named}.")
    return list(season.filter(source=source).order_by("starts_at"))
