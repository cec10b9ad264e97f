"""Sales of accounts by hand that contradict each other, or are told again after they were over."""

import uuid
from collections.abc import Iterable

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Listing, ListingStatus, Sale, SaleState
from listings.services.delist import listings_delist
from listings.services.obstacles import hold_key
from listings.services.resolve import sale_resolve
from listings.services.sale_report import sale_report
from marketplaces.contracts import RemoteSaleState
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import account_leave, webhook_url
from marketplaces.services.understand import inbound_process, inbound_replay
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.live.models import Alert
from tests.hands import mail_for, offer, take, task, told, up
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    return list(Seat.objects.filter(game=market.holding.game).order_by("seat_number").values_list("state", flat=True))


def test_a_mail_without_seats_takes_none_that_another_unclear_sale_there_holds(
    market: Market, assisted: MarketplaceAccount
) -> None:
    up(market, assisted)
    mail = mail_for(market).replace(b"2 tickets", b"4 tickets")
    several = mail.replace(b"Seats: 2 - 3", b"Seats: 1 - 4").replace(b"</body>", b"<p>Order #B9999-99</p></body>")
    take(market, assisted, several)
    first = Sale.objects.get()
    assert first.state == SaleState.NEEDS_PERSON
    other = mail.replace(b"<td>Seats: 2 - 3</td>", b"").replace(b"B7731-22", b"C1000").replace(b"abc@", b"abd@")
    take(market, assisted, other)
    second = Sale.objects.get(platform_sale_id="C1000")
    assert (second.state, second.state_reason) == (
        SaleState.NEEDS_PERSON, "another sale that is not clear yet may have these seats",
    )  # fmt: skip
    assert states(market) == [OwnerState.HELD] * 4
    seats = [seat.pk for seat in market.holding.seats]
    with pytest.raises(Conflict, match="Another sale has one of these seats"):
        sale_resolve(actor=market.holding.actor, sale_id=second.pk, seat_ids=seats)
    sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=[], reason="it told of two orders")
    sale_resolve(actor=market.holding.actor, sale_id=second.pk, seat_ids=seats)
    second.refresh_from_db()
    assert (second.state, states(market)) == (SaleState.CONFIRMED, [OwnerState.SOLD] * 4)


@pytest.fixture
def two(market: Market, assisted: MarketplaceAccount) -> tuple[Sale, Sale]:
    """An unclear sale that holds all seats, and a second one by mail that holds none and may have them."""
    up(market, assisted)
    mail = mail_for(market).replace(b"2 tickets", b"4 tickets")
    several = mail.replace(b"Seats: 2 - 3", b"Seats: 1 - 4").replace(b"</body>", b"<p>Order #B9999-99</p></body>")
    take(market, assisted, several)
    take(
        market, assisted, mail.replace(b"<td>Seats: 2 - 3</td>", b"").replace(b"B7731", b"C1000").replace(b"c@", b"d@")
    )
    first, second = Sale.objects.order_by("noticed_at")
    assert (first.state, second.state) == (SaleState.NEEDS_PERSON, SaleState.NEEDS_PERSON)
    assert holders(market) == {first.platform_sale_id}
    return first, second


def holders(market: Market) -> set[str]:
    """The sales that hold the game's seats; an empty number for those that nobody holds."""
    held = Seat.objects.filter(game=market.holding.game).values_list("held_by", flat=True)
    return {by.rsplit(":", 1)[-1] for by in held}


@pytest.mark.parametrize("how", ["dismissed", "cancelled"])
def test_what_an_unclear_sale_lets_go_is_held_for_the_next_one_that_may_have_it(
    market: Market, two: tuple[Sale, Sale], how: str
) -> None:
    first, second = two
    if how == "dismissed":
        sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=[], reason="it told of two orders")
    else:
        sale_report(actor=market.holding.actor, sale_id=first.pk, what="cancelled", reason="they wrote so")
    assert (states(market), holders(market)) == ([OwnerState.HELD] * 4, {second.platform_sale_id})
    with pytest.raises(Conflict):
        market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    assert market.alpha.shown() == []
    assert not Listing.objects.filter(status=ListingStatus.ACTIVE).exists()
    said = f"since then Beta sale {first.platform_sale_id} let seats of it go, which are held for it"
    client = Client()
    client.force_login(market.holding.user)
    assert said in client.get(reverse("listings:sale_detail", args=[second.pk])).text
    assert said in client.get(reverse("listings:sale_resolve", args=[second.pk])).text
    alert = Alert.objects.get(kind="sale.unclear", object_id=str(second.pk), user_id=market.holding.user.pk)
    assert (said in alert.body, alert.state) == (True, "firing")
    # Nobody else waits for them.
    sale_resolve(actor=market.holding.actor, sale_id=second.pk, seat_ids=[], reason="nor is this one")
    assert (states(market), holders(market)) == ([OwnerState.AVAILABLE] * 4, {""})


def test_what_passes_to_a_sale_while_it_ends_stays_held_for_nobody(
    market: Market, two: tuple[Sale, Sale], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    Sale.objects.filter(pk=second.pk).update(listing=None)
    lock = seats_lock

    def passed_meanwhile(ids: Iterable[uuid.UUID]) -> list[Seat]:
        """As if the first one was dismissed by another request after it was asked what the second one holds."""
        wanted, key = list(ids), hold_key(second.account_id, second.platform_sale_id)
        Seat.objects.filter(game=market.holding.game).update(held_by=key)
        return lock(wanted)

    monkeypatch.setattr("listings.services.endings.seats_lock", passed_meanwhile)
    sale_report(actor=market.holding.actor, sale_id=second.pk, what="cancelled", reason="they wrote so")
    assert Sale.objects.get(pk=second.pk).state == SaleState.CANCELLED
    assert (states(market), holders(market)) == ([OwnerState.HELD] * 4, {first.platform_sale_id})


def test_what_a_settled_sale_leaves_over_is_held_for_the_other_one(market: Market, two: tuple[Sale, Sale]) -> None:
    first, second = two
    Sale.objects.update(quantity=2)
    seats = [seat.pk for seat in market.holding.seats]
    sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=seats[:2])
    assert states(market) == [OwnerState.SOLD] * 2 + [OwnerState.HELD] * 2
    assert holders(market) == {first.platform_sale_id, second.platform_sale_id}
    sale_resolve(actor=market.holding.actor, sale_id=second.pk, seat_ids=seats[2:])
    assert states(market) == [OwnerState.SOLD] * 4


def test_of_two_sales_of_an_unknown_listing_the_second_has_what_the_first_lets_go(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offer(market, market.accounts["alpha"])
    mail = mail_for(market).replace(b"Section: 131", b"Section: Main 131")
    for number in (b"B7731-22", b"C1000-22", b"D1000-22"):
        take(market, assisted, mail.replace(b"B7731-22", number).replace(b"abc@", number[:3] + b"@"))
    first, second, third = Sale.objects.order_by("noticed_at")
    assert {sale.listing for sale in (first, second, third)} == {None}
    for sale in (second, third):
        resolved = sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=[], reason="no sale")
        assert (resolved.state, states(market)) == (SaleState.CANCELLED, [OwnerState.HELD] * 4)
        assert holders(market) == {sale.platform_sale_id}
        first = sale
    sale_resolve(actor=market.holding.actor, sale_id=third.pk, seat_ids=[seat.pk for seat in market.holding.seats[1:3]])
    assert states(market) == [OwnerState.AVAILABLE, OwnerState.SOLD, OwnerState.SOLD, OwnerState.AVAILABLE]


def test_a_seat_that_its_holder_kept_and_an_unclear_sale_may_have_is_not_offered_until_that_is_settled(
    market: Market, assisted: MarketplaceAccount
) -> None:
    seat = market.holding.seats[1]
    up(market, assisted)
    mail = mail_for(market).replace(b"<td>Seats: 2 - 3</td>", b"")
    take(market, assisted, mail)
    sale = Sale.objects.get()
    assert (sale.state, states(market)) == (SaleState.NEEDS_PERSON, [OwnerState.HELD] * 4)
    # As where he had it for himself when the sale came: it is held for nobody.
    Seat.objects.filter(pk=seat.pk).update(state=OwnerState.AVAILABLE, held_by="")
    alpha = market.accounts["alpha"].pk
    with pytest.raises(Conflict, match=f"Beta sale {sale.platform_sale_id} may have seat") as refused:
        market.publish([seat], account_ids=[alpha])
    assert [problem.field for problem in refused.value.problems] == ["seats"]
    others = [one.pk for one in market.holding.seats if one != seat]
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=others[1:])
    market.publish([seat], account_ids=[alpha])


def test_a_seat_that_was_kept_when_an_unclear_sale_came_may_be_the_one_that_it_took(
    market: Market, assisted: MarketplaceAccount
) -> None:
    seats = market.holding.seats
    Seat.objects.filter(pk=seats[1].pk).update(state=OwnerState.ATTENDING)
    take(market, assisted, mail_for(market).replace(b"Section: 131", b"Section: Main 131"))
    sale = Sale.objects.get()
    assert (seats[1].pk in sale.may_be_of, states(market)[1]) == (True, OwnerState.ATTENDING)
    took = [seats[1].pk, seats[2].pk]
    with pytest.raises(InvalidInput):
        sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=took)
    Seat.objects.filter(pk=seats[1].pk).update(state=OwnerState.AVAILABLE)
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=took)
    assert states(market)[1:3] == [OwnerState.SOLD] * 2


@pytest.fixture
def over(market: Market, assisted: MarketplaceAccount) -> tuple[Listing, Sale, Listing]:
    """The listing at beta, its sale that was reported cancelled by mistake, and its seats' new listing at alpha."""
    _, beta = up(market, assisted)
    sale = told(market, beta, market.holding.seats[:2], "A-1001")
    sale_report(actor=market.holding.actor, sale_id=sale.pk, what="cancelled", reason="the wrong one")
    assert states(market) == [OwnerState.AVAILABLE] * 4
    (listing,) = market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    market.work()
    return beta, sale, listing


def test_a_sale_that_was_over_and_is_told_by_hand_again_stands_again_as_often_as_it_is_told(
    market: Market, over: tuple[Listing, Sale, Listing]
) -> None:
    beta, sale, listing = over
    for _ in range(2):
        again = told(market, beta, market.holding.seats[:2], "A-1001")
        assert (again.pk, again.state, again.ending, again.stands) == (sale.pk, SaleState.CONFIRMED, "", True)
        assert states(market)[:2] == [OwnerState.SOLD] * 2
        market.work()
        listing.refresh_from_db()
        assert listing.status == ListingStatus.CANCELLED
        sale_report(actor=market.holding.actor, sale_id=sale.pk, what="cancelled", reason="once more")


def test_a_sale_that_was_dismissed_and_is_told_by_hand_has_its_seats(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    take(market, assisted, mail_for(market).replace(b"<td>Seats: 2 - 3</td>", b""))
    sale = Sale.objects.get()
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[], reason="no sale")
    again = told(market, beta, market.holding.seats[:2], sale.platform_sale_id)
    assert (again.pk, again.state) == (sale.pk, SaleState.CONFIRMED)
    assert states(market) == [OwnerState.SOLD] * 2 + [OwnerState.AVAILABLE] * 2


def test_a_sale_that_was_over_and_whose_seats_somebody_else_has_is_a_conflict_and_the_page_says_so(
    market: Market, over: tuple[Listing, Sale, Listing]
) -> None:
    beta, sale, listing = over
    market.webhook(market.alpha.sell(listing.external_id, (1, 2)))
    client = Client()
    client.force_login(market.holding.user)
    body = {"seats": [str(seat.pk) for seat in market.holding.seats[:2]], "price": "84", "order": "A-1001"}
    answer = client.post(reverse("listings:listing_sold", args=[beta.pk]), body, follow=True)
    sale.refresh_from_db()
    assert sale.state == SaleState.CONFLICT
    said = [str(message) for message in answer.context["messages"]]
    assert said == ["Conflict: a seat of this sale belongs to somebody else."]


def test_a_sale_that_was_over_and_is_told_by_mail_again_holds_its_seats_and_asks(
    market: Market, assisted: MarketplaceAccount, over: tuple[Listing, Sale, Listing]
) -> None:
    _, sale, listing = over
    mail = mail_for(market).replace(b"B7731-22", b"A-1001").replace(b"Seats: 2 - 3", b"Seats: 1 - 2")
    take(market, assisted, mail)
    sale.refresh_from_db()
    listing.refresh_from_db()
    assert (sale.state, listing.status) == (SaleState.NEEDS_PERSON, ListingStatus.CANCELLED)
    assert OwnerState.AVAILABLE not in states(market)[:2]
    seats = [seat.pk for seat in market.holding.seats[:2]]
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=seats)
    sale.refresh_from_db()
    assert (sale.state, states(market)[:2]) == (SaleState.CONFIRMED, [OwnerState.SOLD] * 2)


@pytest.mark.parametrize(
    ("what", "state", "seat"),
    [("paid", SaleState.CONFIRMED, OwnerState.SOLD), ("cancelled", SaleState.CANCELLED, OwnerState.AVAILABLE)],
)
def test_of_a_sale_that_was_promised_at_an_account_left_since_its_holder_says_what_became_of_it(
    market: Market, what: str, state: str, seat: str
) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL))
    sale = Sale.objects.get()
    with pytest.raises(Conflict):
        sale_report(actor=market.holding.actor, sale_id=sale.pk, what="paid", reason="it says so")
    account_leave(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    client = Client()
    client.force_login(market.holding.user)
    page = reverse("listings:sale_report", args=[sale.pk])
    assert page in client.get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert [value for value, _ in client.get(page).context["choices"]] == ["paid", "cancelled"]
    client.post(page, {"what": what, "reason": "its page there says so"})
    sale.refresh_from_db()
    assert (sale.state, states(market)[:2]) == (state, [seat] * 2)
    with pytest.raises(Conflict):
        sale_report(actor=market.holding.actor, sale_id=sale.pk, what="paid", reason="once more")


def test_an_unclear_sale_tells_the_game_that_its_mail_names_and_no_amount_that_nobody_told(
    market: Market, assisted: MarketplaceAccount
) -> None:
    game = market.holding.game
    words = f"{game.opponent.name} at {game.home_team.name}"
    told = f"You sold 2 tickets. Order #TM-88\n{words}\n{game.game_date:%b %-d, %Y}\nSection 999, Row 1, Seats 1-2"
    take(market, assisted, f"Subject: Fwd: You sold your tickets\n\n{told}\n".encode())
    sale = Sale.objects.get()
    assert (sale.state, sale.game, sale.amount_told) == (SaleState.NEEDS_PERSON, None, False)
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert f"<h1>2 seats, {words}, {game.game_date:%a %-d %b}</h1>" in page
    assert ("It is not known which seats it took." in page, "once the sale is read back" in page) == (True, False)
    assert ("<dt>Read back</dt>" in page, "nothing is read back there: what its holder says" in page) == (False, True)
    decide = client.get(reverse("listings:sale_resolve", args=[sale.pk])).text
    assert f"2 tickets, the amount is not told. Its mail names {words}, {game.game_date:%a %-d %b}</p>" in decide
    for text in (page, decide, client.get(reverse("listings:sale_list")).text):
        assert "$0.00" not in text


def test_a_mail_that_names_no_sale_is_said_so_in_words_and_leads_to_where_mails_go(
    market: Market, assisted: MarketplaceAccount
) -> None:
    client = Client()
    client.force_login(market.holding.user)
    page = reverse("listings:hand_account", args=[assisted.pk])
    answer = client.post(reverse("listings:mail_forward", args=[assisted.pk]), {"mail": "hello"}, follow=True)
    assert "The mail is being read: you are told what we find in it." in answer.text
    assert "under Sales" not in answer.text
    again = client.post(reverse("listings:mail_forward", args=[assisted.pk]), {"mail": "hello"}, follow=True)
    assert ("This mail was here before." in again.text, "under Sales" in again.text) == (True, False)
    for event in assisted.inbound.filter(state="received"):
        inbound_process(event_id=event.pk)
    alert = Alert.objects.get(kind="marketplace.notice")
    assert alert.body.startswith("We found no order, section or seats in it.")
    assert alert.url == page
    assert client.get(page).status_code == 200
    # Each mail may be of a sale: one that was read before is told of once, another beside it.
    inbound_replay(actor=market.holding.actor, event_id=uuid.UUID(alert.object_id))
    inbound_process(event_id=uuid.UUID(alert.object_id))
    assert Alert.objects.get(kind="marketplace.notice").count == 2
    client.post(reverse("listings:mail_forward", args=[assisted.pk]), {"mail": "hello again"})
    inbound_process(event_id=assisted.inbound.get(state="received").pk)
    assert Alert.objects.filter(kind="marketplace.notice").count() == 2


TWICE = "the same seats may be sold twice."


def test_that_seats_may_be_sold_twice_is_said_where_a_buyer_elsewhere_has_them(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, beta = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    body = Alert.objects.get(kind="hand.task", object_id=str(task(market, "resize").pk)).body
    assert body.endswith(f"2 were sold elsewhere. Until it is done there, {TWICE}")
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    assert Alert.objects.get(kind="hand.task", object_id=str(task(market, "delist").pk)).body.endswith(TWICE)


@pytest.mark.parametrize("why", ["the rest cannot be sold", "taken down", "taken down after a sale there", "unclear"])
def test_what_was_sold_there_alone_is_not_said_to_be_sold_twice(
    market: Market, assisted: MarketplaceAccount, why: str
) -> None:
    _, beta = up(market, assisted)
    if why == "unclear":
        take(market, assisted, mail_for(market).replace(b"<td>Seats: 2 - 3</td>", b""))
    elif why == "the rest cannot be sold":
        told(market, beta, [market.holding.seats[1]], "A-1001")
    elif why == "taken down after a sale there":
        told(market, beta, market.holding.seats[:2], "A-1001")
    if why.startswith("taken down"):
        listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    body = Alert.objects.get(kind="hand.task", object_id=str(task(market, "delist").pk)).body
    assert body.endswith("Until it is done there, what is not for sale may be bought.")


def test_pages_of_a_sale_and_a_listing_by_hand_name_nothing_that_only_an_interface_has(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    sale = told(market, beta, market.holding.seats[:2], "A-1001")
    Sale.objects.update(delivery_step="untold")
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert ("Last told" in page, "Read back" in page, "Told to Beta" in page, "Ask Beta now" in page) == (
        True, False, False, False,
    )  # fmt: skip
    listing = client.get(reverse("listings:listing_detail", args=[beta.pk])).text
    assert ("so there, as its holder says" in listing, "confirmed there" in listing) == (True, False)
    board = client.get(reverse("listings:listing_list")).text
    cell = board[board.index(reverse("listings:listing_detail", args=[beta.pk])) :].split("</td>")[0]
    assert ("by hand" in cell, "checked" in cell) == (True, False)


def test_what_is_done_by_hand_belongs_to_the_listings_in_the_navigation(
    market: Market, assisted: MarketplaceAccount
) -> None:
    client = Client()
    client.force_login(market.holding.user)
    for address in (reverse("listings:hand_list"), reverse("listings:listing_list")):
        nav = client.get(address).context["nav"]
        assert [(item.label, item.phone) for item in nav if item.active] == [("Listings", "Sell")]


def test_address_and_secret_for_mails_stand_whole_in_fields_that_are_only_copied(
    market: Market, assisted: MarketplaceAccount
) -> None:
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:hand_account", args=[assisted.pk])).text
    for name, value in (("mail-url", webhook_url(assisted)), ("mail-secret", assisted.webhook_secret)):
        assert f"""id="{name}" class="mono" readonly value="{value}">""" in page
