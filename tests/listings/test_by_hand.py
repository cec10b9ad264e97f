"""Assisted accounts: what a person does there with his own hands, and what that does here."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandState, Listing, ListingStatus, MarketplaceCommand, Sale, SaleState
from listings.payables import Received, short_of
from listings.selectors import hand_tasks, needs_person
from listings.services.by_hand import hand_done, hand_sold, nag_due, tasks_nag
from listings.services.hand_words import words_of
from listings.services.outbox import command_retry
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from listings.services.resolve import sale_resolve
from marketplaces.errors import TemporaryError
from marketplaces.models import FeeVersion, MarketplaceAccount, Mode
from marketplaces.services.connect import account_leave, disconnect
from marketplaces.services.inbox import mail_receive
from portfolios.models import Game, OwnerState, Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.live.models import Alert, AlertDelivery
from tests.hands import mail_for, offer, offered, take, task, told, transfer_mail, up
from tests.market import Market

pytestmark = pytest.mark.django_db


def test_what_is_asked_for_by_hand_is_said_to_be_its_holders_to_do(
    market: Market, assisted: MarketplaceAccount, client: Client
) -> None:
    _, beta = up(market, assisted)
    client.force_login(market.holding.user)
    url = reverse("listings:listing_reprice", args=[beta.pk])
    page = client.post(url, {"price": "88", "version": beta.version}, follow=True).text
    said = "on Beta yourself, then say under By hand that it is done: until then nothing has changed there."
    assert (f"Change the price {said}" in page, "on its way" in page) == (True, False)
    assert "$84.00 there until you change it there" in page
    assert "will be a task for your hands: take it down on Beta yourself" in page
    page = client.post(reverse("listings:listing_delist", args=[beta.pk]), follow=True).text
    assert (f"Take it down {said}" in page, "is being taken down" in page) == (True, False)


def test_a_listing_goes_up_in_one_tap_with_the_words_to_copy(market: Market, assisted: MarketplaceAccount) -> None:
    (listing,) = offer(market, assisted)
    one = task(market, "create")
    words = words_of(one).text
    for part in ("131", "row 27", "1, 2, 3, 4", "$84.00", "To you per ticket: $75.60", market.holding.game.venue.name):
        assert part in words
    assert market.beta.calls == []
    assert not needs_person(market.holding.actor).filter(pk=one.pk).exists()
    with pytest.raises(Conflict, match="your own hands"):
        command_retry(actor=market.holding.actor, command_id=one.pk)
    with pytest.raises(NotFound):
        hand_done(actor=market.holding.outsider, command_id=one.pk)
    hand_done(actor=market.holding.actor, command_id=one.pk, listing_id="TM-77")
    listing.refresh_from_db()
    assert (listing.status, listing.listing_id, listing.live_price) == (ListingStatus.ACTIVE, "TM-77", Decimal("84.00"))
    with pytest.raises(Conflict):
        hand_done(actor=market.holding.actor, command_id=one.pk)
    assert not Alert.objects.filter(kind="hand.task", state="firing").exists()


def test_only_the_newest_price_is_a_task(market: Market, assisted: MarketplaceAccount) -> None:
    (listing,) = offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    for price in ("80.00", "78.00"):
        listing.refresh_from_db()
        listing_reprice(
            actor=market.holding.actor, listing_id=listing.pk, price=Decimal(price), version=listing.version
        )
    one = task(market, "reprice")
    assert "$78.00" in words_of(one).text
    hand_done(actor=market.holding.actor, command_id=one.pk)
    listing.refresh_from_db()
    assert listing.live_price == Decimal("78.00")


def test_what_sold_there_comes_down_everywhere_else(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, beta = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    seats = [seat.pk for seat in market.holding.seats]
    with pytest.raises(InvalidInput, match="order number"):
        hand_sold(actor=market.holding.actor, listing_id=beta.pk, seat_ids=seats, price=Decimal("84.00"), order=" ")
    with pytest.raises(Conflict, match="by itself"):
        hand_sold(actor=market.holding.actor, listing_id=alpha.pk, seat_ids=seats, price=Decimal("84.00"), order="A-1")
    sale = hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=seats[:2], price=Decimal("84.00"), order="A-12345"
    )
    again = hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=seats[:2], price=Decimal("84.00"), order="A-12345"
    )
    assert again.pk == sale.pk
    assert (sale.state, sale.gross, sale.proceeds) == (SaleState.CONFIRMED, Decimal("168.00"), Decimal("151.20"))
    market.work()
    assert market.alpha.seats[alpha.external_id] == [3, 4]
    beta.refresh_from_db()
    assert (beta.status, beta.quantity) == (ListingStatus.ACTIVE, 2)


def test_what_sells_elsewhere_is_a_task_that_nags_on_two_channels_and_its_time_is_apart(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, beta = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    one, sale = task(market, "delist"), Sale.objects.get()
    # Nothing of ours is left to do: the person's time is not in the figure.
    assert sale.notice_to_last_delist_ms == 0
    sold = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert sold.body.endswith("to you. Take them down at Beta with your own hands.")
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(f"/portfolio/sales/{sale.pk}/").text
    assert ("on show at Beta until you take them down" in page, "all gone" in page) == (True, False)
    alert = Alert.objects.get(kind="hand.task", object_id=str(one.pk))
    assert alert.severity == "critical"
    channels = AlertDelivery.objects.filter(alert=alert).values_list("channel", flat=True)
    assert set(channels) == {"in_app", "mail"}
    assert tasks_nag() == 0
    MarketplaceCommand.objects.filter(pk=one.pk).update(created_at=now() - timedelta(minutes=6))
    assert (tasks_nag(), tasks_nag()) == (1, 0)
    MarketplaceCommand.objects.filter(pk=one.pk).update(created_at=now() - timedelta(minutes=21))
    assert tasks_nag() == 1
    firing = Alert.objects.filter(kind="hand.task", object_id=str(one.pk), state="firing")
    assert firing.count() == 1
    assert firing.get().title.startswith("Still: ")
    hand_done(actor=market.holding.actor, command_id=one.pk)
    beta.refresh_from_db()
    assert beta.status == ListingStatus.CANCELLED
    assert beta.gone_verified_at is not None
    assert not firing.exists()
    sold.refresh_from_db()
    assert "with your own hands" not in sold.body
    assert "on show at" not in client.get(f"/portfolio/sales/{sale.pk}/").text
    MarketplaceCommand.objects.filter(pk=one.pk).update(created_at=now() - timedelta(days=2))
    assert tasks_nag() == 0


def test_the_nags_come_ever_more_seldom_and_never_end() -> None:
    dues = [nag_due(step) for step in range(12)]
    gaps = [after - before for before, after in pairwise(dues)]
    assert dues[0] == timedelta(minutes=5)
    assert all(gap > timedelta() for gap in gaps)
    assert gaps == sorted(gaps)
    assert gaps[-1] == timedelta(hours=3)


def test_a_forwarded_mail_sells_its_seats_once(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, beta = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    assert (take(market, assisted, mail_for(market)), take(market, assisted, mail_for(market))) == (1, 0)
    sale = Sale.objects.get()
    assert (sale.platform_sale_id, sale.state, sale.proceeds) == ("B7731-22", SaleState.CONFIRMED, Decimal("151.20"))
    assert sale.listing == beta
    sold = Seat.objects.filter(game=market.holding.game, state=OwnerState.SOLD)
    assert sorted(sold.values_list("seat_number", flat=True)) == [2, 3]
    alpha.refresh_from_db()
    # What is left lies apart.
    assert alpha.status == ListingStatus.CANCELLED


def test_a_mail_that_is_forwarded_proves_itself_by_the_accounts_own_secret(
    market: Market, assisted: MarketplaceAccount
) -> None:
    """Whoever knows the address alone sells nobody's seats."""
    address = f"/webhooks/beta/{assisted.pk}/"

    def forwarded(**headers: str) -> int:
        mail = mail_for(market)
        return Client().post(address, mail, "message/rfc822", headers=headers).status_code

    secret = assisted.webhook_secret
    refused = [forwarded(), forwarded(Authorization="Bearer "), forwarded(Authorization="Bearer another-secret")]
    assert (refused, assisted.inbound.count()) == ([401, 401, 401], 0)
    assert 200 <= forwarded(Authorization=f"Bearer {secret}") < 300
    assert assisted.inbound.count() == 1
    assisted.refresh_from_db()
    assert assisted.rejected_webhooks == 3


def test_a_mail_that_is_not_certain_asks(market: Market, assisted: MarketplaceAccount) -> None:
    offer(market, assisted)
    take(market, assisted, mail_for(market, day="May 1, 2031"))
    assert Sale.objects.get().state == SaleState.NEEDS_PERSON
    take(market, assisted, b"Subject: Our newsletter\n\nTen tips for sellers, order now")
    assert Alert.objects.filter(kind="marketplace.notice", severity="action").exists()
    assert Sale.objects.count() == 1
    with pytest.raises(InvalidInput):
        mail_receive(actor=market.holding.actor, account_id=assisted.pk, mail=b"  ")
    with pytest.raises(Conflict):
        mail_receive(actor=market.holding.actor, account_id=market.accounts["alpha"].pk, mail=mail_for(market))


def coming(market: Market, days_before: int) -> Game:
    """A game against the same opponent so many days before the one that the market is of."""
    game = market.holding.game
    other = next(one for one in market.holding.games if one.starts_at > now() and one.pk != game.pk)
    day = game.game_date - timedelta(days=days_before)
    Game.objects.filter(pk=other.pk).update(game_date=day, starts_at=game.starts_at - timedelta(days=days_before))
    other.refresh_from_db()
    return other


def sold_seats() -> set[tuple[object, int]]:
    return set(Seat.objects.filter(state=OwnerState.SOLD).values_list("game_id", "seat_number"))


@pytest.mark.parametrize("said", ["Please transfer the tickets by {}.", "Also that week: {}"])
def test_a_mail_sells_the_seats_that_are_on_offer_there_and_not_those_of_another_day_that_it_names(
    market: Market, assisted: MarketplaceAccount, said: str
) -> None:
    before, game = coming(market, 1), market.holding.game
    listing = offered(market, assisted, game)
    take(market, assisted, transfer_mail(market, said.format(f"{before.game_date:%b %-d, %Y}")))
    sale = Sale.objects.get()
    assert (sale.state, sale.game_id, sale.listing) == (SaleState.CONFIRMED, game.pk, listing)
    assert sold_seats() == {(game.pk, 1), (game.pk, 2)}


def test_a_mail_that_names_two_games_which_are_on_offer_there_sells_neither_and_says_why(
    market: Market, assisted: MarketplaceAccount
) -> None:
    before, game = coming(market, 1), market.holding.game
    offered(market, assisted, game)
    offered(market, assisted, before)
    take(market, assisted, transfer_mail(market, f"Also that week: {before.game_date:%b %-d, %Y}"))
    sale = Sale.objects.get()
    assert (sale.state, sold_seats()) == (SaleState.NEEDS_PERSON, set())
    assert sale.state_reason == (
        f"you have such seats in games on several days that it names: {before.game_date}, {game.game_date}"
    )
    assert sale.state_reason in Alert.objects.get(kind="sale.unclear").body


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("On Mon, {} at 9:12 AM Beta <orders@beta.example> wrote:", "it does not say which game it is of"),
        ("You sold 2 tickets. Order #TM-77702, of {}", "it names several orders"),
        ("Section 131, Row 27, Seats 3-4 of {}", "it names several runs of seats"),
    ],
)
def test_a_mail_whose_only_day_is_not_the_games_or_that_tells_of_two_sales_sells_nothing(
    market: Market, assisted: MarketplaceAccount, said: str, why: str
) -> None:
    before = coming(market, 1)
    offered(market, assisted, before)
    told = transfer_mail(market, said.format(f"{before.game_date:%b %-d, %Y}")).decode()
    # The game itself is named in a way that nobody reads.
    take(market, assisted, told.replace(f"{market.holding.game.game_date:%b %-d, %Y}", "this Sunday").encode())
    sale = Sale.objects.get()
    assert (sale.state, sale.state_reason, sold_seats()) == (SaleState.NEEDS_PERSON, why, set())


def test_a_mail_of_several_sales_changes_nothing_of_one_that_is_known(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offered(market, assisted, market.holding.game)
    take(market, assisted, transfer_mail(market, ""))
    sale = Sale.objects.get()
    take(market, assisted, transfer_mail(market, "Order #TM-77702 too").replace(b"150.00", b"75.00"))
    assert (Sale.objects.get().proceeds, sale.state) == (Decimal("150.00"), SaleState.CONFIRMED)
    assert "it names several orders" in Alert.objects.get(kind="sale.unclear", user_id=market.holding.user.pk).body


def test_a_mail_of_seats_that_are_not_on_offer_there_holds_them_and_asks(
    market: Market, assisted: MarketplaceAccount
) -> None:
    before, game = coming(market, 1), market.holding.game
    offered(market, assisted, before)
    (alpha,) = offer(market, market.accounts["alpha"])
    take(market, assisted, transfer_mail(market, ""))
    sale = Sale.objects.get()
    assert (sale.state, sale.game_id) == (SaleState.NEEDS_PERSON, game.pk)
    assert sale.state_reason == f"you have no such seats of the game of {game.game_date} on offer there"
    held = set(Seat.objects.filter(state=OwnerState.HELD).values_list("game_id", "seat_number"))
    assert (sold_seats(), held) == (set(), {(game.pk, 1), (game.pk, 2)})
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.CANCELLED
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seat.pk for seat in market.holding.seats[:2]])
    assert sold_seats() == {(game.pk, 1), (game.pk, 2)}


def test_a_mail_of_a_section_that_only_may_be_ours_asks_although_it_names_seats(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offered(market, assisted, market.holding.game)
    take(market, assisted, transfer_mail(market, "").replace(b"Section 131", b"Section Main 131"))
    sale = Sale.objects.get()
    assert (sale.state, sold_seats()) == (SaleState.NEEDS_PERSON, set())
    assert sale.state_reason == "section Main 131 there may be your 131"


def test_a_mail_of_seats_in_two_listings_there_asks(market: Market, assisted: MarketplaceAccount) -> None:
    seats = market.holding.seats
    for pair in (seats[:1], seats[1:]):
        listing_publish(
            actor=market.holding.actor, seat_ids=[seat.pk for seat in pair], account_ids=[assisted.pk],
            price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )  # fmt: skip
    take(market, assisted, transfer_mail(market, ""))
    sale = Sale.objects.get()
    assert (sale.state, sale.state_reason) == (
        SaleState.NEEDS_PERSON,
        "its seats are of several of your listings there",
    )
    assert Listing.objects.count() == 2


def test_a_mail_of_seats_that_were_sold_elsewhere_and_are_still_shown_there_is_a_conflict(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, _ = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    take(market, assisted, transfer_mail(market, ""))
    assert Sale.objects.get(account=assisted).state == SaleState.CONFLICT


def test_leaving_keeps_the_listings_up_and_makes_them_the_holders_own_work(market: Market) -> None:
    alpha, beta = market.published()
    account = market.accounts["beta"]
    account_leave(actor=market.holding.actor, account_id=account.pk)
    account.refresh_from_db()
    assert (account.mode, account.access_token, account.is_active) == (Mode.ASSISTED, "", True)
    assert market.beta.shown() == [beta.external_id]
    # What was practice stays practice, and says so among what is for real.
    client = Client()
    client.force_login(market.holding.user)
    assert '>Beta</span> <span class="tag">paper</span>' in client.get(reverse("listings:hand_list")).text
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    assert market.beta.shown() == [beta.external_id]
    assert task(market, "delist").listing == beta
    with pytest.raises(Conflict):
        account_leave(actor=market.holding.actor, account_id=account.pk)


def test_what_waited_for_the_worker_waits_for_the_holder_after_leaving(market: Market) -> None:
    _, beta = market.published()
    listing_reprice(actor=market.holding.actor, listing_id=beta.pk, price=Decimal("80.00"), version=beta.version)
    flying = MarketplaceCommand.objects.get(listing=beta, kind="reprice")
    MarketplaceCommand.objects.filter(pk=flying.pk).update(state=CommandState.IN_FLIGHT)
    account = market.accounts["beta"]
    with pytest.raises(Conflict, match="on its way"):
        account_leave(actor=market.holding.actor, account_id=account.pk)
    MarketplaceCommand.objects.filter(pk=flying.pk).update(state=CommandState.PENDING)
    account_leave(actor=market.holding.actor, account_id=account.pk)
    assert task(market, "reprice").pk == flying.pk
    market.work()
    assert ("reprice", beta.external_id) not in market.beta.calls


@pytest.mark.parametrize("how", ["it waited", "it was written late"])
def test_what_a_worker_left_to_its_holder_is_his_time_and_not_ours(market: Market, how: str) -> None:
    alpha, beta = market.published()
    account = market.accounts["beta"]
    market.beta.script["delist"] = [TemporaryError("it is away")] * 9
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    account_leave(actor=market.holding.actor, account_id=account.pk)
    if how == "it was written late":
        MarketplaceCommand.objects.filter(listing=beta, kind="delist").update(state="pending", by_hand=False)
        Sale.objects.update(last_delist_at=None, notice_to_last_delist_ms=None)
        tasks_nag()
    sold = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert sold.body.endswith("to you. Take them down at Beta with your own hands.")
    Sale.objects.update(noticed_at=now() - timedelta(hours=2), last_delist_at=now() - timedelta(hours=2))
    hand_done(actor=market.holding.actor, command_id=task(market, "delist").pk)
    assert Sale.objects.get().notice_to_last_delist_ms == 0


def test_an_assisted_account_is_closed_when_its_holder_has_taken_all_down(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    assert disconnect(actor=market.holding.actor, account_id=assisted.pk).is_active
    hand_done(actor=market.holding.actor, command_id=task(market, "delist").pk)
    disconnect(actor=market.holding.actor, account_id=assisted.pk)
    assisted.refresh_from_db()
    assert not assisted.is_active


def test_what_he_was_asked_to_list_may_be_up_whether_he_said_so_or_not(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, beta = offer(market, market.accounts["alpha"], assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    beta.refresh_from_db()
    assert beta.status == ListingStatus.DELISTING
    assert [one.kind for one in hand_tasks(market.holding.actor)] == ["delist"]
    hand_done(actor=market.holding.actor, command_id=task(market, "delist").pk)
    beta.refresh_from_db()
    assert beta.status == ListingStatus.CANCELLED


def test_a_mail_that_names_no_seats_holds_what_it_may_have_taken(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, _ = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    mail = mail_for(market).replace(b"<td>Seats: 2 - 3</td>", b"")
    take(market, assisted, mail)
    assert Sale.objects.get().state == SaleState.NEEDS_PERSON
    states = set(Seat.objects.filter(game=market.holding.game).values_list("state", flat=True))
    assert states == {OwnerState.HELD}
    assert market.alpha.shown() == []
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.CANCELLED


def test_a_mail_without_a_payout_brings_the_price_less_the_fee(market: Market, assisted: MarketplaceAccount) -> None:
    offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    take(market, assisted, mail_for(market).replace(b"<p>You'll be paid: $151.20</p>", b""))
    sale = Sale.objects.get()
    assert (sale.gross, sale.proceeds) == (Decimal("168.00"), Decimal("151.20"))


def test_a_mail_with_a_payout_that_cannot_be_asks_and_guesses_it_by_the_price(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    take(market, assisted, mail_for(market).replace(b"$151.20", b"$99,999,999,999.00"))
    sale = Sale.objects.get()
    assert (sale.state, sale.proceeds) == (SaleState.NEEDS_PERSON, Decimal("151.20"))
    assert sale.state_reason == "it tells a payout of $99,999,999,999.00, which cannot be"
    assert set(assisted.inbound.values_list("state", flat=True)) == {"done"}
    resolved = sale_resolve(
        actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seat.pk for seat in market.holding.seats[1:3]]
    )
    assert (resolved.state, resolved.proceeds) == (SaleState.CONFIRMED, Decimal("151.20"))


def test_a_pasted_text_is_no_header(market: Market, assisted: MarketplaceAccount) -> None:
    offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    game = market.holding.game
    text = (
        f"Section: 131\nRow: 27\nSeats: 1-2\nYou sold 2 tickets\nOrder: 778899\n{game.game_date:%Y-%m-%d}\n"
        f"{game.opponent.name} at {game.home_team.name}\nPayout: $150.00\n"
    )
    take(market, assisted, text.encode())
    assert Sale.objects.get().state == SaleState.CONFIRMED


def test_where_no_fee_is_known_what_reaches_the_seller_is_not_told(
    market: Market, assisted: MarketplaceAccount, client: Client
) -> None:
    FeeVersion.objects.filter(platform="beta").delete()
    (listing,) = offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    said: dict[str, Any] = {
        "actor": market.holding.actor, "listing_id": listing.pk, "price": Decimal("84.00"), "order": "B7731-22",
        "seat_ids": [seat.pk for seat in market.holding.seats[1:3]],
    }  # fmt: skip
    sale = hand_sold(**said)
    assert (sale.gross, sale.fees, sale.proceeds_told) == (Decimal("168.00"), Decimal("0.00"), False)
    alert = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert alert.body.startswith("$168.00 less a fee that is not told.")
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).content.decode()
    assert page.count('<span class="muted">not told</span>') == 2
    assert "$0.00" not in page
    # Told later, by hand or by a mail that names the payout alone.
    assert short_of(sale, Received(Decimal("150.00"), Decimal("0.00"), paid=True)) == 0
    take(market, assisted, mail_for(market))
    sale.refresh_from_db()
    assert (sale.gross, sale.fees, sale.proceeds, sale.proceeds_told) == (
        Decimal("168.00"), Decimal("16.80"), Decimal("151.20"), True,
    )  # fmt: skip
    # What was told is not lost again.
    sale = hand_sold(**said)
    assert (sale.proceeds, sale.proceeds_told) == (Decimal("151.20"), True)
    sale = hand_sold(**said, proceeds=Decimal("150.00"))
    assert (sale.fees, sale.proceeds, sale.proceeds_told) == (Decimal("18.00"), Decimal("150.00"), True)


def test_a_mail_without_a_payout_tells_nothing_of_it_where_no_fee_is_known(
    market: Market, assisted: MarketplaceAccount
) -> None:
    FeeVersion.objects.filter(platform="beta").delete()
    offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    take(market, assisted, mail_for(market).replace(b"<p>You'll be paid: $151.20</p>", b""))
    sale = Sale.objects.get()
    assert (sale.gross, sale.fees, sale.proceeds_told) == (Decimal("168.00"), Decimal("0.00"), False)


def test_proceeds_that_cannot_be_are_refused(market: Market, assisted: MarketplaceAccount) -> None:
    (listing,) = offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    for proceeds in ("-1.00", "84.01"):
        with pytest.raises(InvalidInput, match="cannot come of"):
            hand_sold(
                actor=market.holding.actor, listing_id=listing.pk, seat_ids=[market.holding.seats[0].pk],
                price=Decimal("84.00"), order="A-1", proceeds=Decimal(proceeds),
            )  # fmt: skip


def test_a_price_that_makes_more_than_a_sale_can_be_is_refused(market: Market, assisted: MarketplaceAccount) -> None:
    (listing,) = offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    with pytest.raises(InvalidInput, match="cannot be"):
        hand_sold(
            actor=market.holding.actor, listing_id=listing.pk, seat_ids=[seat.pk for seat in market.holding.seats],
            price=Decimal("99999999.99"), order="A-1",
        )  # fmt: skip
    assert not Sale.objects.exists()


def test_an_order_number_in_another_case_is_the_same_sale(market: Market, assisted: MarketplaceAccount) -> None:
    (listing,) = offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    pair = market.holding.seats[1:3]
    sale = told(market, listing, pair, "b7731-22")
    assert told(market, listing, pair, " B7731-22 ").pk == sale.pk
    take(market, assisted, mail_for(market))
    sale = Sale.objects.get()
    assert (sale.platform_sale_id, sale.state) == ("b7731-22", SaleState.CONFIRMED)
    assert not Alert.objects.filter(kind="sale.unclear").exists()


def test_an_order_number_of_other_seats_is_refused_and_its_sale_stays(
    market: Market, assisted: MarketplaceAccount
) -> None:
    before, game = coming(market, 1), market.holding.game
    listing, other = offered(market, assisted, game), offered(market, assisted, before)
    seats = market.holding.seats
    sale = told(market, listing, seats[:2], "ORD-1")
    for of, chosen in ((listing, seats[2:]), (listing, seats[:1]), (other, market.holding.seats_of(before)[:2])):
        with pytest.raises(
            Conflict, match=r"Order ORD-1 is known already: 2 seats 131 row 27, .* on .* [(]sold[)]"
        ) as no:
            told(market, of, chosen, "ord-1")
        assert no.value.problems[0].field == "order"
    sale.refresh_from_db()
    assert (Sale.objects.count(), sale.listing, sold_seats()) == (1, listing, {(game.pk, 1), (game.pk, 2)})
    with pytest.raises(NotFound):
        hand_sold(
            actor=market.holding.outsider, listing_id=listing.pk, seat_ids=[seats[3].pk], price=Decimal("84.00"),
            order="ORD-1",
        )  # fmt: skip


def test_a_mail_of_other_seats_under_a_known_number_moves_nothing_and_is_said(
    market: Market, assisted: MarketplaceAccount
) -> None:
    before, game = coming(market, 1), market.holding.game
    offered(market, assisted, game)
    told(market, offered(market, assisted, before), market.holding.seats_of(before)[:2], "tm-55501")
    take(market, assisted, transfer_mail(market, ""))
    sale = Sale.objects.get()
    assert (sale.state, sold_seats()) == (SaleState.CONFIRMED, {(before.pk, 1), (before.pk, 2)})
    assert "of other seats" in Alert.objects.get(kind="sale.unclear", user_id=market.holding.user.pk).body
    assert not Seat.objects.filter(game=game).exclude(state=OwnerState.AVAILABLE).exists()


def test_what_a_mail_left_unclear_is_told_by_hand_under_its_number(
    market: Market, assisted: MarketplaceAccount
) -> None:
    (listing,) = offer(market, assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    take(market, assisted, mail_for(market, day="May 1, 2031"))
    unclear = Sale.objects.get()
    assert (unclear.state, unclear.listing) == (SaleState.NEEDS_PERSON, None)
    sale = told(market, listing, market.holding.seats[:2], "b7731-22")
    assert (sale.pk, sale.state) == (unclear.pk, SaleState.CONFIRMED)


def test_what_was_written_for_a_worker_while_the_account_was_left_becomes_a_task(market: Market) -> None:
    _, beta = market.published()
    account_leave(actor=market.holding.actor, account_id=market.accounts["beta"].pk)
    MarketplaceCommand.objects.create(
        tenant_id=beta.tenant_id, account=beta.account, listing=beta, kind="delist", idempotency_key="late",
        not_before=now(), priority=0,
    )  # fmt: skip
    tasks_nag()
    assert task(market, "delist").idempotency_key == "late"


def test_a_seat_that_was_sold_there_is_not_sold_there_again(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    told(market, beta, market.holding.seats[:2], "TM-1")
    with pytest.raises(Conflict, match="was sold there already, with order TM-1") as refused:
        told(market, beta, market.holding.seats[1:3], "TM-2")
    assert [problem.field for problem in refused.value.problems] == ["seats"]
    assert Sale.objects.count() == 1
    told(market, beta, market.holding.seats[2:], "TM-2")
    assert Sale.objects.filter(state=SaleState.CONFIRMED).count() == 2
