"""Trading states: brakes by scope; what any that applies forbids is forbidden (I-19)."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from listings.models import CommandState, Listing, MarketplaceCommand, PushHalt, TradingState, TradingStateKind
from listings.scopes import game_scope
from listings.selectors import trading_states
from listings.services.wake import outbox_wake
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_name
from portfolios.models import Game, SeasonTicket
from portfolios.services.ledger import watchers
from seatsync.accounts.models import Membership
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput, NotAllowed, NotFound
from seatsync.live.events import LiveType
from seatsync.live.publish import publish

SCOPES = ("holder", "account", "season", "game")
# The scope of what staff has set on many at once (PushHalt).
STAFF = "staff"
_WORDS = {"season": "season ticket", "account": "marketplace account"}
_STRICTNESS = {
    TradingStateKind.ACTIVE: 0,
    TradingStateKind.RAISE_ONLY: 1,
    TradingStateKind.NO_NEW_LISTINGS: 2,
    TradingStateKind.HALTED: 3,
}


@dataclass(frozen=True, slots=True)
class Brake:
    """A state in force, on what it stands, and what was said when it was set."""

    state: TradingStateKind
    reason: str
    scope: str
    # The marketplace that it stands on alone, by its name; empty: it stands on more.
    at: str = ""

    @property
    def what(self) -> str:
        """What it stops, as the beginning of a sentence that goes on with what its state does."""
        return f"Trading at {self.at}" if self.at else "Trading"

    @property
    def field(self) -> str:
        """What to choose otherwise."""
        return "accounts" if self.at else "seats"

    @property
    def why(self) -> str:
        """The reason to be put behind what is stopped; empty where none was given."""
        return f" ({self.reason})" if self.reason else ""

    @property
    def remedy(self) -> str:
        """Who can lift it, and where."""
        if self.scope == "holder":
            return "Its holder resumes trading under Settings, Selling."
        others = f"Leave {self.at} out. " if self.at else ""
        if self.scope == STAFF:
            return f"{others}Support has set it, and lifts it as soon as that is safe. Taking down goes on."
        what = _WORDS.get(self.scope, self.scope)
        return f"{others}It stands on this {what} alone: lift it under Settings, Selling."


@dataclass(frozen=True, slots=True)
class _Place:
    """What a brake is kept under, and the season ticket that it stands on or whose game it is."""

    key: uuid.UUID
    ticket: SeasonTicket | None = None


@dataclass(frozen=True, slots=True)
class Brakes:
    """Every brake in force on something. Each forbids what its own state says: none lifts what another one stops."""

    found: tuple[Brake, ...] = ()

    @property
    def halts(self) -> Brake | None:
        """The one that stops everything but takedowns; None where there is none."""
        return self._strictest(TradingStateKind.HALTED)

    @property
    def stops_new(self) -> Brake | None:
        """The strictest that lets no listing go up."""
        return self._strictest(TradingStateKind.NO_NEW_LISTINGS, TradingStateKind.HALTED)

    @property
    def stops_lower(self) -> Brake | None:
        """The strictest that lets no price fall."""
        return self._strictest(TradingStateKind.RAISE_ONLY, TradingStateKind.HALTED)

    def _strictest(self, *states: TradingStateKind) -> Brake | None:
        stopping = (brake for brake in self.found if brake.state in states)
        return max(stopping, key=lambda brake: _STRICTNESS[brake.state], default=None)


def brakes_on(ticket: SeasonTicket, *, game_id: uuid.UUID, accounts: Collection[MarketplaceAccount] = ()) -> Brakes:
    """The brakes in force on the ticket's holder, the ticket, the game and the accounts, and staff's on any of them."""
    scopes = (
        Q(scope="holder", scope_id=ticket.user_id)
        | Q(scope="season", scope_id=ticket.pk)
        | Q(scope="game", scope_id=game_scope(ticket.pk, game_id))
        | Q(scope="account", scope_id__in=[account.pk for account in accounts])
    )
    rows = TradingState.objects.in_force().filter(scopes, tenant_id=ticket.tenant_id)
    platforms = {account.platform for account in accounts}
    names = {account.pk: platform_name(account.platform) for account in accounts}
    own = (replace(_brake(row), at=names.get(row.scope_id, "") if row.scope == "account" else "") for row in rows)
    staffs = (halt for halt in PushHalt.objects.in_force() if halt.covers(ticket.tenant_id, platforms))
    return Brakes((*own, *map(_staffs, staffs)))


def _staffs(halt: PushHalt) -> Brake:
    at = platform_name(halt.platform) if halt.platform else ""
    return Brake(TradingStateKind(halt.state), halt.reason, STAFF, at)


def _brake(row: TradingState) -> Brake:
    return Brake(TradingStateKind(row.state), row.reason, row.scope)


# As `in_force` of both, asked before everything that is sent: written out, since putting it together takes longer.
_OWN = """
SELECT * FROM trading_states WHERE scope_id = ANY(%(scopes)s) AND (until IS NULL OR until > %(now)s)
"""
_STAFFS = """
SELECT * FROM push_halts WHERE lifted_at IS NULL AND (until IS NULL OR until > %(now)s)
"""


_TOUCHED = """
SELECT EXISTS (SELECT 1 FROM trading_states WHERE updated_at > %(since)s)
    OR EXISTS (SELECT 1 FROM push_halts WHERE updated_at > %(since)s)
"""
# So long the change of a brake may take from its moment until it can be read; and clocks are a little apart.
_SEEN_WITHIN = timedelta(minutes=1)


def brakes_touched(since: datetime) -> bool:
    """Whether any brake anywhere may have been set since they were asked at a moment (aware UTC), in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, {"since": since - _SEEN_WITHIN})
        return bool(cursor.fetchone()[0])


def brakes_for(listings: Iterable[Listing]) -> dict[uuid.UUID, Brakes]:
    """The brakes in force on each listing (its season_ticket must be loaded), in two queries."""
    wanted = list(listings)
    scope_ids: dict[uuid.UUID, set[uuid.UUID]] = {listing.pk: _scope_ids(listing) for listing in wanted}
    if not wanted:
        return {}
    rows = TradingState.objects.raw(_OWN, {"scopes": list(set().union(*scope_ids.values())), "now": now()})
    brakes = [(row.tenant_id, row.scope_id, _brake(row)) for row in rows]
    halts = list(PushHalt.objects.raw(_STAFFS, {"now": now()}))
    return {
        listing.pk: Brakes((
            *(brake for tenant_id, scope_id, brake in brakes
              if tenant_id == listing.tenant_id and scope_id in scope_ids[listing.pk]),
            *(_staffs(halt) for halt in halts if halt.covers(listing.tenant_id, (listing.platform,))),
        ))
        for listing in wanted
    }  # fmt: skip


def _scope_ids(listing: Listing) -> set[uuid.UUID]:
    return {
        listing.season_ticket.user_id,
        listing.season_ticket_id,
        game_scope(listing.season_ticket_id, listing.game_id),
        listing.account_id,
    }


@transaction.atomic
def trading_state_set(
    *,
    actor: Actor,
    scope: str,
    scope_id: uuid.UUID,
    state: str,
    reason: str,
    until: datetime | None = None,
    season_ticket_id: uuid.UUID | None = None,
) -> TradingState:
    """Set a brake. Idempotent; needs no model and no marketplace.

    For scope "game" `season_ticket_id` says whose game it is. Raises InvalidInput, NotFound or NotAllowed.
    """
    if state not in TradingStateKind.values:
        raise InvalidInput(
            f"{state!r} is not a state.", field="state", remedy=f"Use {', '.join(TradingStateKind.values)}."
        )
    if until is not None and until <= now():
        raise InvalidInput("The end lies in the past.", field="until", remedy="Give a later time, or none.")
    if actor.tenant_id is None:
        raise NotFound("No such tenant.")
    place = _checked_scope(actor, actor.tenant_id, scope, scope_id, season_ticket_id)
    row, _ = TradingState.objects.update_or_create(
        tenant_id=actor.tenant_id,
        scope=scope,
        scope_id=place.key,
        defaults={
            "state": state, "reason": reason[:200], "until": until, "season_ticket": place.ticket,
            "game_id": scope_id if scope == "game" else None,
        },
    )  # fmt: skip
    # What a brake held back looks again at once.
    waiting = MarketplaceCommand.objects.filter(tenant_id=actor.tenant_id, state=CommandState.PENDING)
    waiting.filter(last_error__startswith="waiting: trading").update(not_before=now())
    outbox_wake()
    audit_record(
        actor=actor, verb="trading_state.set", object_type=scope, object_id=scope_id, after={"state": state},
        reason=reason,
    )  # fmt: skip
    place_id = place.ticket.pk if place.ticket else scope_id
    people = {*_concerned(scope, place_id), *([actor.user_id] if actor.user_id else [])}
    for kind in (LiveType.TRADING_CHANGED, LiveType.SEASON_CHANGED):
        publish(tenant_id=actor.tenant_id, user_ids=people, kind=kind, object_id=scope_id)
    return row


def _concerned(scope: str, object_id: uuid.UUID) -> list[uuid.UUID]:
    """Who sells less or more because of a brake: on a holder, an account, or a season ticket and its games."""
    if scope == "holder":
        return [object_id]
    if scope == "account":
        return list(MarketplaceAccount.objects.filter(pk=object_id).values_list("user_id", flat=True))
    return watchers(object_id)


@transaction.atomic
def trading_state_lift(*, actor: Actor, state_id: uuid.UUID) -> TradingState:
    """Let what a brake stands on be sold again. Raises NotFound, or NotAllowed where the actor may only look."""
    row = trading_states(actor).filter(pk=state_id).first()
    if row is None:
        raise NotFound("No brake with this id.")
    return trading_state_set(
        actor=actor, scope=row.scope, scope_id=row.named_id, state=TradingStateKind.ACTIVE, reason="",
        season_ticket_id=row.season_ticket_id if row.scope == "game" else None,
    )  # fmt: skip


def _checked_scope(
    actor: Actor, tenant_id: uuid.UUID, scope: str, scope_id: uuid.UUID, season_id: uuid.UUID | None
) -> _Place:
    if scope != "game" and season_id is not None:
        raise InvalidInput(
            "Only a game needs its season ticket beside it.", field="season_ticket_id",
            remedy="Leave it out, or use scope game.",
        )  # fmt: skip
    if scope == "holder":
        ours = Membership.objects.filter(user_id=scope_id, tenant_id=tenant_id)
        if actor.user_id != scope_id and not (actor.is_staff and ours.exists()):
            raise NotFound("No holder with this id.")
        return _Place(scope_id)
    if scope == "account":
        MarketplaceAccount.objects.get_for(actor, scope_id)
        return _Place(scope_id)
    if scope == "season":
        return _Place(scope_id, _may_brake(actor, scope_id))
    if scope == "game" and season_id is None:
        raise InvalidInput(
            "The season ticket is missing.", field="season_ticket_id", remedy="Say whose seats of the game it is for."
        )
    if scope == "game":
        ticket = _may_brake(actor, season_id)
        if not Game.objects.filter(pk=scope_id, seats__season_ticket=ticket).exists():
            raise NotFound("No game with this id.")
        return _Place(game_scope(ticket.pk, scope_id), ticket)
    raise InvalidInput(f"{scope!r} is not a scope.", field="scope", remedy=f"Use {', '.join(SCOPES)}.")


def _may_brake(actor: Actor, ticket_id: uuid.UUID | None) -> SeasonTicket:
    ticket = SeasonTicket.objects.get_for(actor, ticket_id)
    if not ticket.may(actor, "delist"):
        raise NotAllowed("You may look at this season ticket but not change it.")
    return ticket
