"""A holder who works an account at beta with his own hands."""

from decimal import Decimal

from listings.models import Listing, MarketplaceCommand, Sale
from listings.selectors import hand_tasks
from listings.services.by_hand import hand_done, hand_sold
from listings.services.publish import listing_publish
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import connect_assisted
from marketplaces.services.inbox import mail_receive
from marketplaces.services.understand import inbound_process
from portfolios.models import Game, Seat
from seatsync.accounts.models import User
from tests.market import Market

MAIL = """From: StubHub <orders@stubhub.example>
To: owner@example.com
Subject: Fwd: You sold your tickets! Order #B7731-22
Message-ID: <abc@mail.example>
Date: Mon, 30 Nov 2026 12:00:00 +0000
Content-Type: text/html; charset=utf-8

<html><style>p {{ color: red }}</style><body><p>You&#39;ve sold 2 tickets</p>
<p>{event}</p><p>{day}</p><table><tr><td>Section: 131</td><td>Row: 27</td><td>Seats: 2 - 3</td></tr></table>
<p>You'll be paid: $151.20</p></body></html>
"""
TRANSFER = """Subject: Fwd: You sold your tickets

You sold 2 tickets. Order #TM-55501
{said}
{event}
{day}
Section 131, Row 27, Seats 1-2
Your payout: $150.00
"""


def assist(market: Market) -> MarketplaceAccount:
    """An account at beta that gives its holder no interface; the one that has is gone."""
    market.accounts["beta"].is_active = False
    market.accounts["beta"].save()
    # What a person lists with his hands is no practice, nor is what is listed beside it.
    market.accounts["alpha"].mode = Mode.LIVE
    market.accounts["alpha"].save()
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    return connect_assisted(actor=market.holding.actor, platform="beta")


def offer(market: Market, *accounts: MarketplaceAccount) -> list[Listing]:
    made = listing_publish(
        actor=market.holding.actor, seat_ids=[seat.pk for seat in market.holding.seats],
        account_ids=[account.pk for account in accounts], price=Decimal("84.00"), floor=Decimal("50.00"),
        ceiling=Decimal("200.00"),
    )  # fmt: skip
    market.work()
    return sorted(made, key=lambda listing: listing.platform)


def task(market: Market, kind: str) -> MarketplaceCommand:
    return hand_tasks(market.holding.actor).get(kind=kind)


def told(market: Market, listing: Listing, seats: list[Seat], order: str) -> Sale:
    return hand_sold(
        actor=market.holding.actor, listing_id=listing.pk, seat_ids=[seat.pk for seat in seats],
        price=Decimal("84.00"), order=order,
    )  # fmt: skip


def up(market: Market, account: MarketplaceAccount) -> tuple[Listing, Listing]:
    """All seats are on offer at alpha, and at beta by hand."""
    alpha, beta = offer(market, market.accounts["alpha"], account)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk, listing_id="TM-77")
    return alpha, beta


def offered(market: Market, account: MarketplaceAccount, game: Game) -> Listing:
    """All seats of the game are up there, by hand."""
    (made,) = listing_publish(
        actor=market.holding.actor, seat_ids=[seat.pk for seat in market.holding.seats_of(game)],
        account_ids=[account.pk], price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    market.work()
    hand_done(actor=market.holding.actor, command_id=hand_tasks(market.holding.actor).get(listing=made).pk)
    return made


def transfer_mail(market: Market, said: str) -> bytes:
    """That seats 1 and 2 sold for $150.00, and something more."""
    game = market.holding.game
    words = f"{game.opponent.name} at {game.home_team.name}"
    return TRANSFER.format(said=said, event=words, day=f"{game.game_date:%b %-d, %Y}").encode()


def mail_for(market: Market, **changes: str) -> bytes:
    """That seats 2 and 3 sold for $151.20."""
    game = market.holding.game
    words = {"event": f"{game.opponent.name} at {game.home_team.name}", "day": f"{game.game_date:%B %-d, %Y}"}
    return MAIL.format(**words | changes).encode()


def take(market: Market, account: MarketplaceAccount, mail: bytes) -> int:
    """The mail is forwarded to the account and worked off; returns how many sales it was told of anew."""
    fresh = mail_receive(actor=market.holding.actor, account_id=account.pk, mail=mail)
    for event in account.inbound.filter(state="received"):
        inbound_process(event_id=event.pk)
    market.work()
    return fresh
