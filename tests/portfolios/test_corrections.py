"""A season ticket that was entered wrongly: mended or deleted while that may be, by the API and on its pages."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from listings.models import SOLD_THERE, CommandState, Listing, ListingSeat, Sale
from listings.services.delist import listings_delist
from listings.services.let_go import listings_let_go
from listings.services.outbox import command_retry
from portfolios.locks import seats_lock
from portfolios.models import SeasonTicket, Seat, SeatGroup
from portfolios.services.corrections import season_ticket_correct, season_ticket_remove
from portfolios.services.ledger import seats_set_state
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from seatsync.core.models import AuditEntry
from tests.builders import GAMES, SEATS, Holding, bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db


def correct(holding: Holding, **changes: Any) -> SeasonTicket:
    return season_ticket_correct(actor=holding.actor, ticket_id=holding.ticket.pk, **changes)


def entries(holding: Holding, verb: str) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(verb=verb, object_id=str(holding.ticket.pk))
    return [audit_read(row) or {} for row in rows]


def test_i27_a_new_cost_is_split_over_all_seats_to_the_cent(holding: Holding) -> None:
    seats_set_state(actor=holding.actor, seat_ids=[holding.seats[0].pk], to_state="attending", reason="we go")
    ticket = correct(holding, cost_basis=Decimal("1234.57"), version=1)
    costs = list(Seat.objects.filter(season_ticket=ticket).values_list("cost", flat=True))
    assert (ticket.cost_basis, ticket.version) == (Decimal("1234.57"), 2)
    assert sum(costs) == Decimal("1234.57")
    assert len(costs) == GAMES * SEATS
    assert max(costs) - min(costs) <= Decimal("0.01")
    (entry,) = entries(holding, "season_ticket.correct")
    assert (entry["before"]["cost_basis"], entry["after"]["cost_basis"]) == ("1000.01", "1234.57")


def test_the_same_again_changes_nothing(holding: Holding) -> None:
    assert correct(holding, cost_basis=holding.ticket.cost_basis, section="131").version == 1
    assert entries(holding, "season_ticket.correct") == []


def test_the_place_of_untouched_seats_is_mended_with_a_ledger_of_its_own(holding: Holding) -> None:
    old = set(SeatGroup.objects.values_list("pk", flat=True))
    ticket = correct(holding, section="132", seat_from=5, seat_to=6)
    seats = Seat.objects.filter(season_ticket=ticket)
    assert {(s.section, s.row, s.seat_number) for s in seats} == {("132", "27", 5), ("132", "27", 6)}
    assert seats.count() == 2 * GAMES
    assert sum(seat.cost for seat in seats) == Decimal("1000.01")
    assert (str(ticket), ticket.games_remaining) == ("132/27/5-6 2026", GAMES - 1)
    assert not set(seats.values_list("group", flat=True)) & old
    # And back: the groups that were there stand again, with what was predicted of them.
    correct(holding, section="131", seat_from=1, seat_to=SEATS)
    assert set(seats.values_list("group", flat=True)) == old


def test_the_place_stays_once_a_seat_has_a_history(holding: Holding) -> None:
    seat = holding.seats[0]
    seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state="attending", reason="we go")
    seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state="available", reason="we do not")
    with pytest.raises(Conflict) as caught:
        correct(holding, row="28")
    assert caught.value.detail == (
        "The place of these seats cannot change. On record: 1 seat kept, held, sold or given away."
    )
    assert caught.value.problems[0].field == "section"
    assert set(Seat.objects.values_list("row", flat=True)) == {"27"}
    assert correct(holding, order_reference=" ACC-2 ").order_reference == "ACC-2"


def test_a_place_that_is_another_ticket_s_is_refused_and_nothing_moves(holding: Holding) -> None:
    season_ticket_create(
        actor=holding.actor, user_id=holding.user.pk, team_id=holding.ticket.team_id, season_year=2026, section="140",
        row="1", seat_from=1, seat_to=1, cost_basis=Decimal("1.00"), order_reference="B",
    )  # fmt: skip
    with pytest.raises(Conflict, match="in the ledger already"):
        correct(holding, section="140", row="1")
    assert Seat.objects.filter(season_ticket=holding.ticket, section="131").count() == GAMES * SEATS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cost_basis": Decimal(-1)}, "cost_basis"),
        ({"order_reference": " "}, "order_reference"),
        ({"seat_to": 99}, "seat_to"),
        ({"section": " "}, "section"),
        ({"row": "x" * 30}, "row"),
    ],
)
def test_what_cannot_be_is_refused_by_field(holding: Holding, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        correct(holding, **changes)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_stale_version_writes_nothing(holding: Holding) -> None:
    correct(holding, order_reference="ACC-2")
    for act in (season_ticket_correct, season_ticket_remove):
        with pytest.raises(StaleVersion) as caught:
            act(actor=holding.actor, ticket_id=holding.ticket.pk, version=1)
        assert caught.value.current_version == 2


def test_only_the_holder_may(holding: Holding) -> None:
    for act in (season_ticket_correct, season_ticket_remove):
        for actor in (holding.co_owner, holding.viewer):
            with pytest.raises(NotAllowed):
                act(actor=actor, ticket_id=holding.ticket.pk)
        for actor in (holding.other, holding.outsider):
            with pytest.raises(NotFound):
                act(actor=actor, ticket_id=holding.ticket.pk)


def test_a_deleted_ticket_is_nobody_s_and_its_seats_can_be_entered_again(holding: Holding) -> None:
    season_ticket_remove(actor=holding.actor, ticket_id=holding.ticket.pk, version=1)
    assert not Seat.objects.exists()
    for actor in (holding.actor, holding.co_owner, holding.staff):
        assert not SeasonTicket.objects.visible_to(actor).exists()
    (entry,) = entries(holding, "season_ticket.remove")
    assert (entry["before"]["cost_basis"], entry["before"]["ledger_rows"]) == ("1000.01", GAMES * SEATS)
    with pytest.raises(NotFound):
        season_ticket_remove(actor=holding.actor, ticket_id=holding.ticket.pk)
    again = season_ticket_create(
        actor=holding.actor, user_id=holding.user.pk, team_id=holding.ticket.team_id, season_year=2026, section="131",
        row="27", seat_from=1, seat_to=SEATS, cost_basis=Decimal("10.00"), order_reference="ACC-1",
    )  # fmt: skip
    assert again.seats.count() == GAMES * SEATS


def test_a_ticket_that_was_ever_listed_is_kept(market: Market) -> None:
    holding = market.holding
    listing, _ = market.published(holding.seats[:1])
    listings_delist(actor=holding.actor, listing_ids=[listing.pk], reason="a mistake")
    market.work()
    with pytest.raises(Conflict) as caught:
        season_ticket_remove(actor=holding.actor, ticket_id=holding.ticket.pk)
    assert (caught.value.detail, caught.value.problems[0].remedy) == (
        "It cannot be deleted. On record: 2 listings.", "Correct its cost or its order number instead.",
    )  # fmt: skip
    assert SeasonTicket.objects.get().removed_at is None
    assert "cannot be deleted. On record: 2 listings." in browser("owner").get(_page(holding, "delete")).text


def unmapped(market: Market) -> Listing:
    """A ticket of a section that nobody knows, and a publication of it that waits for its mapping."""
    correct(market.holding, section="999")
    seats = list(Seat.objects.filter(game=market.holding.game).order_by("seat_number"))
    (listing,) = market.publish(seats, account_ids=[market.accounts["alpha"].pk])
    market.work()
    listing.refresh_from_db()
    assert (listing.status, market.alpha.shown()) == ("error", [])
    return listing


def take_down(market: Market, listing: Listing) -> None:
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk], reason="a mistake")
    market.work()
    listing.refresh_from_db()
    assert listing.status == "cancelled"


UNDER_WAY = "On record: 1 publication under way (take down first)."


def test_a_publication_that_waits_binds_until_it_is_taken_down(market: Market) -> None:
    holding, listing = market.holding, unmapped(market)
    for refused in (
        lambda: correct(holding, section="131"),
        lambda: season_ticket_remove(actor=holding.actor, ticket_id=holding.ticket.pk),
    ):
        with pytest.raises(Conflict) as caught:
            refused()
        assert UNDER_WAY in caught.value.detail
        assert caught.value.problems[0].remedy == "Take down what is under way, and try again."
    assert UNDER_WAY in browser("owner").get(_page(holding, "correct")).text
    assert ListingSeat.objects.filter(listing=listing).count() == SEATS


def test_a_publication_that_came_to_nothing_lets_the_place_be_mended(market: Market) -> None:
    holding, listing = market.holding, unmapped(market)
    take_down(market, listing)
    assert correct(holding, section="131").section == "131"
    seats = Seat.objects.filter(season_ticket=holding.ticket)
    assert (set(seats.values_list("section", flat=True)), seats.count()) == ({"131"}, GAMES * SEATS)
    # The listing says what was asked for, and has no seats any more.
    listing.refresh_from_db()
    assert (listing.section, listing.status, listing.quantity) == ("999", "cancelled", SEATS)
    assert not ListingSeat.objects.filter(listing=listing).exists()
    (entry,) = AuditEntry.objects.filter(verb="listing.let_go", object_id=str(listing.pk))
    assert (audit_read(entry) or {})["before"] == {"seats": [1, 2, 3, 4]}
    assert browser("owner").get(f"/portfolio/listings/{listing.pk}/").status_code == 200
    # And the seats at their right place are sold as any others.
    alpha, _ = market.published(list(seats.filter(game=holding.game).order_by("seat_number")))
    assert (alpha.section, market.alpha.shown()) == ("131", [alpha.external_id])


def test_a_ticket_whose_publication_came_to_nothing_is_deleted(market: Market) -> None:
    listing = unmapped(market)
    take_down(market, listing)
    owner = browser("owner")
    assert "24 seats over 6 games" in owner.get(_page(market.holding, "delete")).text
    season_ticket_remove(actor=market.holding.actor, ticket_id=market.holding.ticket.pk)
    assert not Seat.objects.exists()
    assert Listing.objects.get().commands.exists()
    assert owner.get(f"/portfolio/listings/{listing.pk}/").status_code == 404


def test_sending_an_unmapped_publication_again_binds_nobody_for_ever(market: Market) -> None:
    listing = unmapped(market)
    command_retry(actor=market.holding.actor, command_id=listing.commands.get().pk)
    market.work()
    take_down(market, listing)
    assert correct(market.holding, section="131").section == "131"


@pytest.mark.parametrize("known", ["shown", "read back", "unknown", "sold there", "a sale", "pending", "in flight"])
def test_a_listing_that_its_marketplace_may_have_had_still_binds(market: Market, known: str) -> None:
    listing = unmapped(market)
    take_down(market, listing)
    mine, create = Listing.objects.filter(pk=listing.pk), listing.commands.filter(kind="create")
    if known == "shown":
        mine.update(published_at=now())
    elif known == "read back":
        mine.update(listing_id="alpha-L1")
    elif known == "unknown":
        create.update(outcome_unknown=True)
    elif known == "sold there":
        mine.update(status_reason=SOLD_THERE)
    elif known == "a sale":
        Sale.objects.create(
            tenant_id=listing.tenant_id, account=listing.account, mode=listing.mode, listing=listing, platform="alpha",
            platform_sale_id="S-1", state="cancelled", sold_at=now(), noticed_at=now(),
        )  # fmt: skip
    else:
        create.update(state=CommandState.PENDING if known == "pending" else CommandState.IN_FLIGHT)
    with pytest.raises(Conflict, match=r"On record: 1 (listing|publication under way \(take down first\))"):
        correct(market.holding, section="131")
    with pytest.raises(Conflict, match="was listed"), transaction.atomic():
        listings_let_go(market.holding.actor, list(Seat.objects.values_list("pk", flat=True)))
    assert ListingSeat.objects.filter(listing=listing).count() == SEATS


def _page(holding: Holding, verb: str) -> str:
    return f"/portfolio/{holding.ticket.pk}/{verb}/"


def test_the_page_mends_it_and_says_what_stays(holding: Holding) -> None:
    owner, page = browser("owner"), _page(holding, "correct")
    assert f'href="{page}"' in owner.get(f"/portfolio/{holding.ticket.pk}/").text
    assert 'value="1000.01"' in owner.get(page).text
    wish = {
        "section": "131", "row": "28", "seat_from": 1, "seat_to": 4, "cost_basis": "$1,100", "order_reference": "ACC-1",
        "version": 1,
    }  # fmt: skip
    answer = owner.post(page, wish)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/portfolio/{holding.ticket.pk}/")
    ticket = SeasonTicket.objects.get()
    assert (ticket.row, ticket.cost_basis) == ("28", Decimal("1100.00"))
    stale = owner.post(page, wish)
    assert stale.status_code == 422
    assert "has changed since you looked" in stale.text
    seat = Seat.objects.filter(game=holding.game).earliest("seat_number")
    seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state="attending", reason="we go")
    said = owner.get(page).text
    assert 'name="section"' not in said
    assert "On record: 1 seat kept, held, sold or given away." in said
    assert 'name="cost_basis"' not in browser("co").get(page).text


def test_the_page_says_exactly_what_goes_and_deletes_it(holding: Holding) -> None:
    owner, page = browser("owner"), _page(holding, "delete")
    said = owner.get(page).text
    assert "24 seats over 6 games, with $1,000.01 of cost" in said
    assert "What 2 other people may see of it" in said
    assert owner.post(page, {"version": 7}).status_code == 422
    assert Seat.objects.count() == GAMES * SEATS
    answer = owner.post(page, {"version": 1}, follow=True)
    assert "seats 131/27/1-4 2026, is deleted." in answer.text
    assert "You hold no season ticket yet." in answer.text
    assert owner.get(f"/portfolio/{holding.ticket.pk}/").status_code == 404


def test_the_api_mends_and_deletes_under_its_version(holding: Holding) -> None:
    owner, path = bearer("owner"), f"/api/v1/season-tickets/{holding.ticket.pk}/"

    def patch(body: dict[str, Any], **headers: str) -> Any:
        return owner.patch(path, body, content_type="application/json", headers=headers)

    answer = patch({"cost_basis": "1100.00", "version": 1})
    assert (answer.status_code, answer.json()["cost_basis"], answer.json()["version"]) == (200, "1100.00", 2)
    assert patch({"row": "9", "version": 1}).status_code == 409
    assert patch({"row": "9"}, **{"If-Match": '"v1"'}).status_code == 412
    assert owner.delete(path, headers={"If-Match": '"v1"'}).status_code == 412
    assert owner.delete(path, headers={"If-Match": '"v2"'}).status_code == 204
    assert owner.get(path).status_code == 404
    assert not Seat.objects.exists()


def test_seats_that_went_meanwhile_are_a_refusal(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever read the seats before their ticket was corrected is told, and no half of them moves."""
    from portfolios.services import ledger

    read = ledger.seats_for(holding.actor, [seat.pk for seat in holding.seats], verb="list")
    monkeypatch.setattr(ledger, "seats_for", lambda *_args, **_named: read)
    correct(holding, row="28")
    with pytest.raises(Conflict, match="was changed"):
        seats_set_state(actor=holding.actor, seat_ids=[seat.pk for seat in read], to_state="attending", reason="x")


def test_games_that_are_over_count_no_more(holding: Holding) -> None:
    """A ticket that is mended after the season began counts only what is still to come."""
    assert holding.games[0].starts_at < holding.moment < holding.games[0].starts_at + timedelta(days=7)
    assert correct(holding, row="28").games_remaining == GAMES - 1


@pytest.mark.parametrize("act", [season_ticket_correct, season_ticket_remove])
def test_who_comes_in_between_wins(holding: Holding, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """A version that moves while the seats are waited for is no longer written over."""

    def overtaken(ids: Any) -> list[Seat]:
        SeasonTicket.objects.update(version=5, order_reference="THEIRS")
        return seats_lock(ids)

    monkeypatch.setattr("portfolios.services.corrections.seats_lock", overtaken)
    wish = {"cost_basis": Decimal("5.00")} if act is season_ticket_correct else {}
    with pytest.raises(StaleVersion):
        act(actor=holding.actor, ticket_id=holding.ticket.pk, **wish)
    assert sum(seat.cost for seat in Seat.objects.all()) == Decimal("1000.01")
    assert SeasonTicket.objects.get().removed_at is None
