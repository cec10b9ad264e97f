"""One object of every kind that an address can name, all of them the owner's."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from pytest_django.plugin import DjangoDbBlocker

from listings.models import CommandState, FoundListing, MarketplaceCommand, Payout
from listings.services.halts import push_halt_lift, push_halt_set
from listings.services.payouts import payout_apply
from listings.services.publish import listing_publish
from listings.services.trading import trading_state_set
from marketplaces.contracts import RemotePayment
from marketplaces.models import InboundEvent, InboxState
from marketplaces.services.connect import connect_assisted
from portfolios.models import Venue
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.live.alerts import alert_raise
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market, scripted
from tests.standing import standing


@dataclass(frozen=True)
class World:
    """The market, and the id of each object by the name that routes.py uses."""

    market: Market
    ids: dict[str, str]

    def user(self, who: str) -> User:
        return User.objects.get(email=f"{who}@example.com")

    def filled(self, wish: Any) -> Any:
        """A body with `@name` replaced by that object's id."""
        if isinstance(wish, dict):
            return {key: self.filled(value) for key, value in wish.items()}
        if isinstance(wish, list):
            return [self.filled(value) for value in wish]
        return self.ids[wish[1:]] if isinstance(wish, str) and wish.startswith("@") else wish


@pytest.fixture
def own_world(db: None, platforms: tuple[ScriptedPlatform, ScriptedPlatform]) -> World:
    """A world of one's own, whose platforms may be worked on."""
    return build_world(platforms)


@pytest.fixture(scope="module")
def _standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    platforms = ScriptedPlatform("alpha"), ScriptedPlatform("beta")
    with standing(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        scripted(patch, platforms)
        yield build_world(platforms)


@pytest.fixture
def world(_standing_world: World, db: None) -> World:
    """One for all tests of a module: what a test writes is rolled back, and none lets the worker run."""
    valkey().flushdb()
    return _standing_world


def build_world(platforms: tuple[ScriptedPlatform, ScriptedPlatform]) -> World:
    """The market with something of each kind in it."""
    valkey().flushdb()
    market = build_market(platforms)
    holding = market.holding
    Venue.objects.update(name="T-Mobile Park")  # a venue whose sections have a shipped history of sales
    alpha, _ = market.published([holding.seats[2]])
    market.webhook(market.alpha.sell(alpha.external_id, (3,)))
    market.work()
    sale = market.sale()
    listing, _ = market.published(holding.seats[:2])
    command = MarketplaceCommand.objects.filter(listing=listing).latest("created_at")
    MarketplaceCommand.objects.filter(pk=command.pk).update(state=CommandState.NEEDS_PERSON)
    waiting = MarketplaceCommand.objects.create(
        tenant_id=listing.tenant_id, account=listing.account, listing=listing, kind="create", state="needs_person",
        idempotency_key="waits:1", payload={"wants": "section"}, not_before=listing.created_at,
        last_error="Section 131 is not mapped.",
    )  # fmt: skip
    # One that stands no more: the others' tests would meet it.
    brake = trading_state_set(
        actor=holding.actor, scope="game", scope_id=holding.game.pk, state="ACTIVE", reason="",
        season_ticket_id=holding.ticket.pk,
    )  # fmt: skip
    # Another one that was lifted: staff's own.
    halt = push_halt_set(actor=holding.staff, reason="an outage", platform="alpha")
    push_halt_lift(actor=holding.staff, halt_id=halt.pk)
    alert = alert_raise(
        tenant_id=holding.ticket.tenant_id, user_id=holding.user.pk, kind="test", severity="action",
        dedupe_key="test:1", url="/alerts/", title="Look",
    )  # fmt: skip
    inbound = market.accounts["alpha"].inbound.earliest("received_at")
    InboundEvent.objects.filter(pk=inbound.pk).update(state=InboxState.FAILED)
    assisted = connect_assisted(actor=holding.actor, platform="alpha")
    (by_hand,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats_of(holding.games[-1])[:2]],
        account_ids=[assisted.pk], price=Decimal("80.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    found = FoundListing.objects.create(
        tenant_id=holding.ticket.tenant_id, account=market.accounts["alpha"], remote_id="X-1", quantity=1,
        price=Decimal("80.00"), section="131", row="27", first_seen_at=listing.created_at,
        last_seen_at=listing.created_at, why="it names no seats",
    )  # fmt: skip
    totp.TOTP.activate(holding.user, totp.generate_totp_secret())
    RecoveryCodes.activate(holding.user)
    payout_apply(account=market.accounts["alpha"], remote=RemotePayment("P-0", now(), Decimal("1.00"), "USD"))
    objects = {
        "ticket": holding.ticket, "game": holding.game, "free_seat": holding.seats[3], "listing": listing,
        "account": market.accounts["alpha"], "command": command, "waiting": waiting, "sale": sale, "alert": alert,
        "inbound": inbound, "brake": brake, "found": found, "assisted": assisted, "hand_listing": by_hand,
        "task": by_hand.commands.get(), "hand_seat": holding.seats_of(holding.games[-1])[0],
        "halt": halt,
        "payout": Payout.objects.get(),
    }  # fmt: skip
    ids = {name: str(found.pk) for name, found in objects.items()}
    return World(market, {**ids, "group": str(listing.seat_group_id)})
