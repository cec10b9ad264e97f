"""Season tickets: creation of a ticket with its ledger."""

import uuid
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portfolios.labels import label_of
from portfolios.models import Game, SeasonTicket, Seat, SeatGroup, Team
from portfolios.ports import groups_added
from portfolios.services.ledger import games_remaining_refresh
from portfolios.services.twins import twins_report
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from seatsync.core.money import round_money, split_evenly

MOST_SEATS = 40
LARGEST_SEAT = 99_999


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
    _check(seat_from, seat_to, cost_basis, order_reference, section, row)
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
        seat=f"{seat_from}-{seat_to}" if seat_to > seat_from else str(seat_from),
        season_year=season_year,
        schedule=games[0].source,
        cost_basis=round_money(cost_basis),
        total_games=len(games),
        order_reference=order_reference.strip(),
    )
    try:
        ticket.full_clean()
    except ValidationError as error:
        raise InvalidInput(
            "The season ticket is not valid.",
            problems=tuple(
                FieldProblem(f, " ".join(m), "Mend it and save again.") for f, m in error.message_dict.items()
            ),
        ) from error
    ticket.save()
    twins_report(ticket, _fill_ledger(ticket, games, range(seat_from, seat_to + 1)))
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


def _check(seat_from: int, seat_to: int, cost: Decimal, reference: str, section: str, row: str) -> None:
    problems = []
    if not section.strip():
        problems.append(FieldProblem("section", "The section is missing.", "Write it as on the ticket."))
    if not row.strip():
        problems.append(FieldProblem("row", "The row is missing.", "Write it as on the ticket."))
    if seat_to > LARGEST_SEAT:
        problems.append(
            FieldProblem("seat_to", "No seat has this number.", f"Use first and last seat, up to {LARGEST_SEAT}.")
        )
    elif seat_from < 1 or seat_to < seat_from or seat_to - seat_from >= MOST_SEATS:
        problems.append(
            FieldProblem("seat_to", "The seat range is not valid.", f"Use first and last seat, at most {MOST_SEATS}.")
        )
    if cost < 0:
        problems.append(FieldProblem("cost_basis", "The cost is negative.", "Write the invoice's total."))
    if not reference.strip():
        problems.append(
            FieldProblem("order_reference", "Proof of ownership is missing.", "Write the order or account number.")
        )
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))


def _fill_ledger(ticket: SeasonTicket, games: list[Game], numbers: range) -> list[Seat]:
    costs = iter(split_evenly(ticket.cost_basis, len(games) * len(numbers)))
    groups = SeatGroup.objects.bulk_create(
        SeatGroup(
            tenant_id=ticket.tenant_id, season_ticket=ticket, game=game, section=ticket.section, row=ticket.row,
            seat_from=numbers[0], seat_to=numbers[-1],
        )
        for game in games
    )  # fmt: skip
    seats = [
        Seat(
            tenant_id=ticket.tenant_id, season_ticket=ticket, game=group.game, group=group, section=ticket.section,
            row=ticket.row, seat_number=number, cost=next(costs), currency=ticket.currency,
        )
        for group in groups
        for number in numbers
    ]  # fmt: skip
    groups_added.tell([group.pk for group in groups])
    try:
        with transaction.atomic():
            Seat.objects.bulk_create(seats, batch_size=1000)
    except IntegrityError as error:
        raise Conflict(
            "A seat of this section and row is in the ledger already.",
            field="seat_from",
            remedy="Look for it under your season tickets, or ask support.",
        ) from error
    return seats
