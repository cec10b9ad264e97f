"""Many listings at once: looked at first, each judged by itself, and done as it was shown."""

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandKind, Listing, MarketplaceCommand, PriceProposal
from listings.services import bulk, pricing
from listings.services.bulk import AT_ONCE, MOST, Act, Chosen, Line, listings_bulk
from marketplaces.models import MarketplaceAccount
from seatsync.core.errors import Busy, InvalidInput, NotAllowed, NotFound
from tests.builders import bearer, browser
from tests.hands import up
from tests.market import Market

pytestmark = pytest.mark.django_db


def together(
    market: Market, listings: list[Listing], act: str = "by_percent", amount: str | None = "-5", **more: Any
) -> list[Line]:
    wish = {"actor": market.holding.actor, "act": Act(act), "amount": None if amount is None else Decimal(amount)}
    chosen = [Chosen(listing.pk, listing.version) for listing in listings]
    return listings_bulk(**{**wish, "chosen": chosen, **more})


def prices(listings: list[Listing]) -> list[str]:
    return [str(Listing.objects.get(pk=listing.pk).price) for listing in listings]


@pytest.mark.parametrize(
    ("act", "amount", "becomes"),
    [
        ("by_percent", "-5", "79.80"),
        ("by_percent", "2.5", "86.10"),
        ("by_amount", "-4.01", "79.99"),
        ("to", "80", "80.00"),
    ],
)
def test_what_is_shown_first_is_what_is_done(market: Market, act: str, amount: str, becomes: str) -> None:
    both = list(market.published())
    shown = together(market, both, act, amount, dry_run=True)
    assert prices(both) == ["84.00", "84.00"]
    assert PriceProposal.objects.count() == 0
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE).exists()
    done = together(market, both, act, amount)
    for lines in (shown, done):
        assert [(str(line.asked), str(line.price), line.refusal, line.changes) for line in lines] == [
            ("84.00", becomes, None, True)
        ] * 2
    nets = [(line.net, line.net_then) for line in done]
    assert nets == [(line.net, line.net_then) for line in shown]
    assert [then for _, then in nets] == [Listing.objects.get(pk=line.listing.pk).proceeds for line in done]
    assert prices(both) == [becomes, becomes]
    market.work()
    assert {str(one.price) for one in market.alpha.listings.values()} == {becomes}


def test_one_that_is_refused_keeps_no_other_from_it(market: Market) -> None:
    alpha, beta = market.published()
    Listing.objects.filter(pk=alpha.pk).update(floor="80.00")
    for dry_run in (True, False):
        lines = {line.listing.pk: line for line in together(market, [alpha, beta], dry_run=dry_run)}
        refusal = lines[alpha.pk].refusal
        assert refusal is not None
        assert (refusal.guard, lines[alpha.pk].changes, lines[beta.pk].refusal) == ("floor", False, None)
        assert "below your floor of $80.00" in refusal.reason
    assert prices([alpha, beta]) == ["84.00", "79.80"]


def test_a_listing_that_changed_since_it_was_looked_at_is_left(market: Market) -> None:
    both = list(market.published())
    together(market, both[:1], "to", "82")
    for dry_run in (True, False):
        lines = together(market, both, dry_run=dry_run)
        guards = {line.listing.pk: line.refusal.guard if line.refusal else "" for line in lines}
        assert guards == {both[0].pk: "version", both[1].pk: ""}
    # Sent twice it is done once.
    assert [bool(line.refusal) for line in together(market, both)] == [True, True]
    assert prices(both) == ["82.00", "79.80"]


def test_a_large_step_is_asked_about(market: Market) -> None:
    both = list(market.published())
    asked = together(market, both, "by_percent", "-30", dry_run=True)
    assert [line.to_confirm for line in asked] == [True, True]
    meant = together(market, both, "by_percent", "-30", confirmed=True)
    assert [line.refusal for line in meant] == [None, None]
    assert prices(both) == ["58.80", "58.80"]


@pytest.mark.parametrize(
    ("act", "amount", "field", "says"),
    [
        ("to", "0", "amount", "no amount"), ("to", "-5", "amount", "no amount"), ("to", None, "amount", "no amount"),
        ("to", "NaN", "amount", "no amount"), ("by_percent", "0", "amount", "changes nothing"),
        ("by_percent", "-100", "amount", "makes no price"), ("by_percent", "1001", "amount", "makes no price"),
    ],
)  # fmt: skip
def test_an_amount_that_makes_no_sense_is_refused(
    market: Market, act: str, amount: str | None, field: str, says: str
) -> None:
    both = list(market.published())
    with pytest.raises(InvalidInput, match=says) as refused:
        together(market, both, act, amount)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert prices(both) == ["84.00", "84.00"]


def test_an_amount_that_leaves_no_price_refuses_that_listing_alone(market: Market) -> None:
    both = list(market.published())
    Listing.objects.filter(pk=both[1].pk).update(price="190.00")
    both[1].refresh_from_db()
    lines = {line.listing.pk: line for line in together(market, both, "by_amount", "-84", confirmed=True)}
    refusal = lines[both[0].pk].refusal
    assert refusal is not None
    assert (refusal.guard, lines[both[0].pk].price, refusal.reason) == ("price", None, "$0.00 is not a price.")
    assert prices(both) == ["84.00", "106.00"]


def test_amounts_of_two_currencies_are_not_one(market: Market) -> None:
    both = list(market.published())
    market.beta.currencies = ("USD", "CAD")
    Listing.objects.filter(pk=both[1].pk).update(currency="CAD")
    for act in ("to", "by_amount"):
        with pytest.raises(InvalidInput, match="asked for in CAD and USD"):
            together(market, both, act, "80")
    assert all(line.refusal is None for line in together(market, both, "by_percent", "-5", dry_run=True))


def test_none_or_too_many_are_refused(market: Market) -> None:
    with pytest.raises(InvalidInput, match="No listing was chosen"):
        together(market, [])
    many = [Chosen(uuid.uuid4()) for _ in range(MOST + 1)]
    with pytest.raises(InvalidInput, match=f"{MOST + 1} listings are too many"):
        together(market, [], chosen=many)


def test_they_are_taken_down(market: Market) -> None:
    both = list(market.published())
    shown = together(market, both, "down", None, dry_run=True)
    assert [line.changes for line in shown] == [True, True]
    assert len(market.alpha.shown()) == 1
    together(market, both, "down", None, reason="we go ourselves")
    market.work()
    assert [len(one.shown()) for one in (market.alpha, market.beta)] == [0, 0]
    again = together(market, both, "down", None)
    assert [line.refusal.guard if line.refusal else "" for line in again] == ["status", "status"]


def test_a_strangers_listing_and_a_viewers_act_change_nothing(market: Market) -> None:
    both = list(market.published())
    holding = market.holding
    for actor, error in ((holding.other, NotFound), (holding.outsider, NotFound), (holding.viewer, NotAllowed)):
        for act, amount in (("by_percent", "-5"), ("down", None)):
            with pytest.raises(error):
                together(market, both, act, amount, actor=actor)
    assert prices(both) == ["84.00", "84.00"]


def test_no_more_than_a_few_are_locked_at_once_and_a_busy_one_leaves_the_others(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = list(market.published())
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    batches: list[int] = []
    apply = pricing.price_apply

    def busy_once(**wish: Any) -> Any:
        batches.append(len(wish["changes"]))
        if len(batches) == 1:
            raise Busy("Somebody else holds it.")
        return apply(**wish)

    monkeypatch.setattr(bulk, "price_apply", busy_once)
    lines = together(market, both)
    assert batches == [1, 1]
    assert sorted(line.refusal.guard if line.refusal else "" for line in lines) == ["", "busy"]
    assert sorted(prices(both)) == ["79.80", "84.00"]
    assert AT_ONCE == 10


# The page.
def send(client: Client, listings: list[Listing], **form: str) -> Any:
    values = [f"{listing.pk}:{listing.version}" for listing in listings]
    return client.post(reverse("listings:listing_bulk"), {"listing": values, **form})


def test_the_board_offers_it_to_whoever_may_and_the_page_shows_it_first(market: Market) -> None:
    both = list(market.published())
    client = browser()
    board = client.get(reverse("listings:listing_list")).text
    assert board.count('form="together"') == 2
    assert f'value="{both[0].pk}:{both[0].version}"' in board
    for name in ("viewer", "staff"):
        seen = browser(name).get(reverse("listings:listing_list")).text
        assert ('form="together"' in seen, 'id="together"' in seen) == (name == "staff",) * 2, name
    # Whoever may only look is refused at the page as well, also where a form was made up.
    for form in ({"act": "by_percent", "amount": "-5"}, {"act": "down"}):
        assert send(browser("viewer"), both, **form, sure="on").status_code == 403
    assert prices(both) == ["84.00", "84.00"]
    assert not MarketplaceCommand.objects.exclude(kind=CommandKind.CREATE).exists()
    shown = send(client, both, act="by_percent", amount="-5")
    assert shown.status_code == 200
    assert "2 of 2 would change" in shown.text
    assert shown.text.count("$79.80") == 2
    assert "Change 2 prices" in shown.text
    assert prices(both) == ["84.00", "84.00"]
    done = send(client, both, act="by_percent", amount="-5", sure="on")
    assert (done.status_code, done.url) == (302, reverse("listings:listing_list"))
    assert "2 new prices are on their way." in client.get(done.url).text
    assert prices(both) == ["79.80", "79.80"]
    # Once more from the page as it was: nothing is done twice, and each says why.
    late = send(client, both, act="by_percent", amount="-5", sure="on")
    assert late.text.count("The listing has changed since you looked.") == 2
    assert prices(both) == ["79.80", "79.80"]


def test_the_page_says_what_is_wrong_beside_its_field_and_keeps_what_was_chosen(market: Market) -> None:
    both = list(market.published())
    client = browser()
    for amount, says in (("", "That is no amount."), ("abc", "is not an amount"), ("0", "That changes nothing.")):
        refused = send(client, both, act="by_percent", amount=amount)
        assert (refused.status_code, says in refused.text) == (422, True), amount
        assert refused.text.count('name="listing"') == 2
        assert 'href="#id_amount"' in refused.text
    nothing = client.post(reverse("listings:listing_bulk"), {"act": "down", "listing": ["x", "x:y", ""]})
    assert (nothing.status_code, "No listing was chosen." in nothing.text) == (422, True)
    asked = send(client, both, act="by_percent", amount="-30")
    assert "Yes, the large steps are meant" in asked.text
    meant = send(client, both, act="by_percent", amount="-30", confirmed="on")
    assert "Change what is allowed" in meant.text
    send(client, both, act="by_percent", amount="-30", confirmed="on", sure="on")
    assert prices(both) == ["58.80", "58.80"]


def test_what_is_done_by_hand_says_so(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    client = browser()
    shown = send(client, [beta], act="down")
    assert "You take it down with your own hands." in shown.text
    done = client.get(send(client, [beta], act="down", sure="on").url)
    assert "1 listing is being taken down. 1 of them you do with your own hands: see By hand." in done.text


def test_a_price_is_set_in_its_place_on_the_board(market: Market) -> None:
    alpha, _ = market.published()
    client, url = browser(), reverse("listings:listing_reprice", args=[alpha.pk])
    headers = {"HX-Request": "true", "HX-Target": f"cell-{alpha.pk}"}
    refused = client.post(url, {"price": "10", "version": str(alpha.version)}, headers=headers)
    assert refused.status_code == 422
    assert "below your floor" in refused.text
    assert re.search(r'<details class="edit" open>', refused.text)
    cell = client.post(url, {"price": "80", "version": str(alpha.version)}, headers=headers)
    assert cell.status_code == 200
    assert f'id="cell-{alpha.pk}"' in cell.text
    assert "$80.00" in cell.text
    assert "<tr" not in cell.text


@pytest.mark.parametrize(
    ("act", "amount", "becomes"),
    [
        ("by_percent", "\N{MINUS SIGN}5", "79.80"), ("by_percent", "-5%", "79.80"), ("by_percent", "2.5 %", "86.10"),
        ("by_amount", "$5", "89.00"), ("by_amount", "-$4.01", "79.99"), ("to", "$80", "80.00"),
    ],
)  # fmt: skip
def test_an_amount_may_be_written_in_any_way_that_says_one_thing(
    market: Market, act: str, amount: str, becomes: str
) -> None:
    both = list(market.published())
    assert send(browser(), both, act=act, amount=amount).text.count(f"${becomes}") == 2
    send(browser(), both, act=act, amount=amount, sure="on")
    assert prices(both) == [becomes, becomes]


@pytest.mark.parametrize(
    ("act", "amount", "says"),
    [
        ("by_amount", "5%", "5% is a percentage. Move the price by percent, or leave out the %."),
        ("to", "80 %", "80 % is a percentage."),
        ("by_percent", "$5", "$5 is an amount. Move the price by an amount, or leave out the $."),
    ],
)
def test_a_percentage_is_no_amount_and_the_other_way_round(market: Market, act: str, amount: str, says: str) -> None:
    both = list(market.published())
    refused = send(browser(), both, act=act, amount=amount, sure="on")
    assert (refused.status_code, says in refused.text, prices(both)) == (422, True, ["84.00", "84.00"])
    assert 'id="id_amount_error"' in refused.text


def test_what_is_taken_down_needs_no_amount(market: Market) -> None:
    both = list(market.published())
    assert "2 of 2 would change" in send(browser(), both, act="down", amount="whatever").text


def test_the_address_opened_anew_leads_back_to_the_board_as_it_was_filtered(market: Market) -> None:
    both, client = list(market.published()), browser()
    url, board = reverse("listings:listing_bulk"), reverse("listings:listing_list")
    for filters in ("", "?show=all&platform=alpha"):
        assert client.get(f"{url}{filters}").headers["Location"] == f"{board}{filters}"
    assert f'action="{url}?show=all&amp;platform=alpha"' in client.get(f"{board}?show=all&platform=alpha").text
    wish = {"listing": [f"{one.pk}:{one.version}" for one in both[:1]], "act": "by_percent", "amount": "-5"}
    shown = client.post(f"{url}?platform=alpha", wish).text
    assert shown.count(f'href="{board}?platform=alpha"') == 2
    done = client.post(f"{url}?platform=alpha", {**wish, "sure": "on"})
    assert done.headers["Location"] == f"{board}?platform=alpha"


def test_nothing_chosen_is_said_on_the_board_with_all_that_was_typed(market: Market) -> None:
    both = list(market.published())
    nothing = browser().post(f"{reverse('listings:listing_bulk')}?show=all", {"act": "by_amount", "amount": "-3"})
    assert (nothing.status_code, "No listing was chosen. Choose at least one." in nothing.text) == (422, True)
    assert f'id="cell-{both[0].pk}"' in nothing.text
    assert 'name="amount" value="-3"' in nothing.text
    assert re.search(r'<option value="by_amount"\s+selected', nothing.text)
    # It fetches itself again as the board, not as the form that was sent.
    assert f'hx-get="{reverse("listings:listing_list")}?show=all"' in nothing.text
    wrong = send(browser(), both[:1], act="by_amount", amount="x").text
    assert re.findall(r'value="([0-9a-f-]+):[0-9]+" checked', wrong) == [str(both[0].pk)]


def test_the_board_says_how_many_can_be_chosen(market: Market) -> None:
    market.published()
    board = browser().get(reverse("listings:listing_list")).text
    assert ">Choose all 2</button>" in board
    assert 'role="status" data-counts="listing">none of 2 chosen<' in board


def test_of_a_listing_that_waits_for_its_mapping_nothing_is_said_to_be_sent(market: Market) -> None:
    market.alpha.events = []
    both = list(market.published())
    alpha = next(one for one in both if one.platform == "alpha")
    assert alpha.status == "error"
    shown = send(browser(), both, act="by_percent", amount="-5").text
    assert "The new price would be kept: it goes there with the listing, which waits for its event to be" in shown
    assert shown.count("The new price is sent.") == 1
    wish = {"act": "by_percent", "amount": "-5.00", "dry_run": True, "listings": [{"id": str(alpha.pk)}]}
    assert call(wish).json()["results"][0]["waits_for"] == "event"
    both[1].refresh_from_db()
    send(browser(), both, act="by_percent", amount="-5", sure="on")
    assert not MarketplaceCommand.objects.filter(listing=alpha, kind=CommandKind.REPRICE).exists()
    assert prices(both) == ["79.80", "79.80"]


# The API.
def call(body: dict[str, Any], **headers: str) -> Any:
    return bearer().post("/api/v1/listings/together/", body, content_type="application/json", headers=headers)


def test_the_api_does_the_same_and_tells_of_each(market: Market) -> None:
    both = list(market.published())
    listings = [{"id": str(listing.pk), "version": listing.version} for listing in both]
    wish = {"act": "by_percent", "amount": "-5.00", "listings": listings}
    told = call(wish | {"dry_run": True}).json()
    assert (told["dry_run"], told["changed"], told["refused"]) == (True, 2, 0)
    assert [(one["price_before"], one["price"], one["accepted"], one["guard"]) for one in told["results"]] == [
        ("84.00", "79.80", True, "")
    ] * 2
    assert prices(both) == ["84.00", "84.00"]
    done = call(wish, **{"Idempotency-Key": "a-key-of-mine"})
    assert (done.status_code, prices(both)) == (200, ["79.80", "79.80"])
    assert call(wish, **{"Idempotency-Key": "a-key-of-mine"}).json() == done.json()
    late = call(wish).json()
    assert (late["changed"], late["refused"], late["results"][0]["guard"]) == (0, 2, "version")
    assert late["results"][0]["remedy"] == "Look at the new price and decide again."
    refused = call(wish | {"amount": "0"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "amount")
    assert call(wish | {"listings": []}).status_code == 422
    assert call(wish | {"listings": listings * 30}).status_code == 422
    assert call({"act": "down", "listings": listings}).json()["changed"] == 2
    market.work()
    assert market.alpha.shown() == []
