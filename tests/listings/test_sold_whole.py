"""All of a listing at an assisted account sells in one tap; number and net are said afterwards, or it is taken back."""

import html
import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandKind, Listing, ListingStatus, Sale, SaleState
from listings.selectors import hand_tasks
from listings.services import mail_sales
from listings.services.by_hand import hand_sold
from listings.services.sale_report import sale_report
from listings.services.sold_whole import hand_sold_whole, wholes_of
from marketplaces.models import FeeVersion, MarketplaceAccount
from portfolios.locks import seats_lock
from portfolios.models import Seat
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.audit import audit_read
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.hands import mail_for, take, told, up
from tests.listings.platform import ScriptedPlatform
from tests.market import Market
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


def tap(market: Market, listing: Listing) -> Sale:
    return hand_sold_whole(actor=market.holding.actor, listing_id=listing.pk)


def page(market: Market) -> Client:
    client = Client()
    client.force_login(market.holding.user)
    return client


def states(market: Market) -> list[str]:
    own = Seat.objects.filter(pk__in=[seat.pk for seat in market.holding.seats]).order_by("seat_number")
    return list(own.values_list("state", flat=True))


def test_one_tap_sells_all_of_it_at_its_price_and_everything_else_comes_down(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    client, url = page(market), reverse("listings:listing_sold_whole", args=[beta.pk])
    for shown in (reverse("listings:listing_detail", args=[beta.pk]), reverse("listings:hand_list")):
        text = client.get(shown).text
        assert f'action="{url}"' in text, shown
        assert ("all 4 at $84.00" in text, "$302.40 to you, reckoned by its fee" in text) == (True, True), shown
    answer = client.post(url)
    sale = Sale.objects.get()
    assert answer.headers["Location"] == reverse("listings:sale_detail", args=[sale.pk])
    assert (sale.state, sale.quantity, sale.gross, sale.proceeds) == (
        SaleState.CONFIRMED, 4, Decimal("336.00"), Decimal("302.40"),
    )  # fmt: skip
    assert (sale.proceeds_told, sale.reckoned, sale.unnumbered) == (False, True, True)
    market.work()
    assert market.alpha.shown() == []
    beta.refresh_from_db()
    assert (beta.status, states(market)) == (ListingStatus.SOLD, ["sold"] * 4)
    text = client.get(answer.headers["Location"]).text
    for said in (
        "Told in one tap",
        "$302.40 <span",
        "reckoned by its fee, not told",
        "Say its number",
        "its number is not told yet",
    ):
        assert said in text, said


def test_a_second_tap_is_the_same_sale(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    first, entries = tap(market, beta), AuditEntry.objects.count()
    assert (tap(market, beta).pk, Sale.objects.count(), AuditEntry.objects.count()) == (first.pk, 1, entries)


def test_it_sells_what_is_left_at_the_price_that_is_up_there(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    told(market, beta, market.holding.seats[:1], "A-1")
    # Another price that nobody has entered there yet.
    Listing.objects.filter(pk=beta.pk).update(price=Decimal("78.00"))
    sale = tap(market, beta)
    assert (sale.quantity, sale.gross) == (3, Decimal("252.00"))
    with pytest.raises(Conflict, match="offers nothing there"):
        hand_sold_whole(actor=market.holding.actor, listing_id=_sold_out(market, beta, sale).pk)


def test_a_tap_on_a_page_that_shows_other_seats_or_another_price_notes_nothing(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    client, url = page(market), reverse("listings:listing_sold_whole", args=[beta.pk])
    text = client.get(reverse("listings:hand_list")).text
    shown = dict(re.findall(r'name="(quantity|price)" value="([^"]+)"', text))
    assert shown == {"quantity": "4", "price": "84.00"}
    # In another tab a part of it is told meanwhile: it may be the same sale.
    told(market, beta, market.holding.seats[:1], "A-1")
    answer = client.post(url, shown, follow=True)
    assert "changed since you looked: it offers 3 at $84.00 now" in html.unescape(answer.text)
    assert (Sale.objects.count(), states(market)) == (1, ["sold", *["available"] * 3])
    api = f"/api/v1/listings/{beta.pk}/sold-whole/"
    token = tokens_issue(market.holding.user, market.holding.ticket.tenant_id).access
    caller, seen = Client(headers={"Authorization": f"Bearer {token}"}), {"quantity": 3, "price": "90.00"}
    assert caller.post(api, seen, content_type="application/json").status_code == 409
    assert caller.post(api, seen | {"price": "84.00"}, content_type="application/json").status_code == 201
    # A second tap of the same page is the same sale, whatever it shows.
    assert client.post(url, {"quantity": "3", "price": "84.00"}).status_code == 302
    assert (Sale.objects.count(), states(market)) == (2, ["sold"] * 4)


def _sold_out(market: Market, listing: Listing, sale: Sale) -> Listing:
    seats = [row.seat_id for row in sale.sale_seats.all()]
    hand_sold(
        actor=market.holding.actor, listing_id=listing.pk, seat_ids=seats, price=Decimal("84.00"), order="A-2"
    )  # fmt: skip
    return listing


def test_the_form_names_its_number_and_puts_its_amounts_right(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    sale, client = tap(market, beta), page(market)
    url = reverse("listings:listing_sold_form", args=[beta.pk])
    text = client.get(url).text
    assert text.count("checked") == 4
    answer = client.post(
        reverse("listings:listing_sold", args=[beta.pk]),
        {"seats": [seat.pk for seat in market.holding.seats], "price": "90", "proceeds": "320", "order": " A-77 "},
    )  # fmt: skip
    assert answer.headers["Location"] == reverse("listings:sale_detail", args=[sale.pk])
    version = sale.version
    sale.refresh_from_db()
    assert (sale.platform_sale_id, sale.gross, sale.proceeds, sale.proceeds_told) == (
        "A-77", Decimal("360.00"), Decimal("320.00"), True,
    )  # fmt: skip
    assert (sale.version > version, sale.state, states(market)) == (True, SaleState.CONFIRMED, ["sold"] * 4)
    assert set(Seat.objects.filter(state="sold").values_list("held_by", flat=True)) == {f"sale:{assisted.pk.hex}:A-77"}
    kept = AuditEntry.objects.get(verb="sale.numbered")
    assert (audit_read(kept) or {})["after"] == {"platform_sale_id": "A-77"}
    # Told again it is this sale, and it can be reported on as any other.
    told_again = hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=[seat.pk for seat in market.holding.seats],
        price=Decimal("90.00"), order="a-77", proceeds=Decimal("320.00"),
    )  # fmt: skip
    assert (told_again.pk, Sale.objects.count()) == (sale.pk, 1)
    sale_report(actor=market.holding.actor, sale_id=sale.pk, what="cancelled", reason="they wrote so")
    assert states(market) == ["available"] * 4


def test_the_price_alone_puts_the_reckoned_net_right(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    sale = tap(market, beta)
    hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=[seat.pk for seat in market.holding.seats],
        price=Decimal("100.00"), order="A-1",
    )  # fmt: skip
    sale.refresh_from_db()
    assert (sale.gross, sale.proceeds, sale.reckoned) == (Decimal("400.00"), Decimal("360.00"), True)


def test_its_mail_is_the_same_sale_and_tells_number_and_net(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    told(market, beta, [market.holding.seats[0]], "A-1")
    told(market, beta, [market.holding.seats[3]], "A-2")
    sale = tap(market, beta)
    take(market, assisted, mail_for(market))
    sale.refresh_from_db()
    assert (sale.platform_sale_id, sale.proceeds, sale.proceeds_told) == ("B7731-22", Decimal("151.20"), True)
    assert (sale.state, Sale.objects.count(), states(market)) == (SaleState.CONFIRMED, 3, ["sold"] * 4)
    assert not Alert.objects.filter(kind="sale.unclear").exists()
    # Forwarded once more it changes nothing.
    take(market, assisted, mail_for(market))
    assert Sale.objects.count() == 3


def test_a_mail_gives_its_number_to_no_sale_that_was_taken_back_while_it_was_read(
    market: Market, assisted: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, beta = up(market, assisted)
    told(market, beta, [market.holding.seats[0]], "A-1")
    told(market, beta, [market.holding.seats[3]], "A-2")
    sale = tap(market, beta)

    def first_another(seat_ids: Iterable[uuid.UUID]) -> list[Seat]:
        Sale.objects.filter(pk=sale.pk).update(state=SaleState.CANCELLED, ending="cancelled")
        sale.sale_seats.update(live=False)
        Seat.objects.filter(sale_seats__sale=sale).update(state="available", held_by="")
        return seats_lock(seat_ids)

    monkeypatch.setattr(mail_sales, "seats_lock", first_another)
    take(market, assisted, mail_for(market))
    sale.refresh_from_db()
    assert (sale.state, sale.unnumbered) == (SaleState.CANCELLED, True)
    # What the mail tells of is another sale, as if it had come a moment later.
    assert Sale.objects.get(platform_sale_id="B7731-22").pk != sale.pk


def test_a_number_that_another_sale_has_names_no_second_one(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    told(market, beta, market.holding.seats[:1], "A-1")
    sale = tap(market, beta)
    with pytest.raises(Conflict, match="Order A-1 is known already"):
        told(market, beta, market.holding.seats[1:], "A-1")
    sale.refresh_from_db()
    assert sale.unnumbered


def test_it_is_taken_back_in_one_tap_and_said_otherwise(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    sale, client = tap(market, beta), page(market)
    with pytest.raises(Conflict, match="was sold there already, with order unnumbered"):
        told(market, beta, market.holding.seats[:2], "A-1")
    url = reverse("listings:sale_detail", args=[sale.pk])
    assert "It was no sale: take it back" in client.get(url).text
    client.post(reverse("listings:sale_report", args=[sale.pk]), {"what": "cancelled", "reason": "told by mistake"})
    sale.refresh_from_db()
    assert (sale.state, states(market)) == (SaleState.CANCELLED, ["available"] * 4)
    text = client.get(url).text
    assert ("take it back" in text, "Say what sold, if anything did" in text) == (False, True)
    partial = told(market, beta, market.holding.seats[:2], "A-1")
    assert (partial.state, states(market)) == (SaleState.CONFIRMED, ["sold", "sold", "available", "available"])


def test_no_file_is_written_by_hand_and_what_is_taken_back_comes_down_once(
    market: Market, assisted: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others send the whole account as a file, a person's listing is gone once it sold there."""
    traits = market.beta.traits
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: replace(traits, whole_account=True)))
    _, beta = up(market, assisted)
    sale = tap(market, beta)
    down = hand_tasks(market.holding.actor).filter(listing=beta, kind__in=[CommandKind.DELIST, CommandKind.RESIZE])
    assert not down.exists()
    sale_report(actor=market.holding.actor, sale_id=sale.pk, what="cancelled", reason="told by mistake")
    assert down.count() == 1


def test_a_part_that_sold_by_hand_asks_for_no_file(
    market: Market, assisted: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    traits = market.beta.traits
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: replace(traits, whole_account=True)))
    _, beta = up(market, assisted)
    told(market, beta, market.holding.seats[:2], "A-1")
    assert not hand_tasks(market.holding.actor).filter(listing=beta).exists()


def test_taken_back_it_does_not_read_as_its_marketplaces_doing(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    sale = tap(market, beta)
    sale_report(
        actor=market.holding.actor, sale_id=sale.pk, what="cancelled", reason="It was no sale: told by mistake."
    )
    text = page(market).get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert ("taken back by its holder" in text, "cancelled by its marketplace" in text) == (True, False)


def test_where_nothing_is_kept_back_that_is_reckoned_too(market: Market, assisted: MarketplaceAccount) -> None:
    FeeVersion.objects.filter(platform="beta").update(percent=0)
    _, beta = up(market, assisted)
    sale = tap(market, beta)
    assert (sale.proceeds, sale.proceeds_told, sale.reckoned) == (Decimal("336.00"), False, True)
    alert = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert alert.body.startswith("$336.00 to you, reckoned by its fee. ")
    assert "reckoned by its fee, not told" in page(market).get(reverse("listings:sale_detail", args=[sale.pk])).text


def test_where_no_fee_is_known_nothing_is_reckoned(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    FeeVersion.objects.filter(platform="beta").delete()
    ((_, whole),) = wholes_of([Listing.objects.select_related("account").get(pk=beta.pk)])
    assert whole is not None
    assert whole.proceeds is None
    sale = tap(market, beta)
    assert (sale.reckoned, sale.proceeds_told) == (False, False)


def test_only_who_may_sell_says_so_and_only_by_hand(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, beta = up(market, assisted)
    for stranger in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            hand_sold_whole(actor=stranger, listing_id=beta.pk)
    with pytest.raises(Conflict, match="tells its sales by itself"):
        tap(market, alpha)
    assert not Sale.objects.exists()
    with pytest.raises((NotAllowed, InvalidInput, NotFound)):
        hand_sold_whole(actor=market.holding.outsider, listing_id=alpha.pk)


def test_the_api_sells_it_too(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    token = tokens_issue(market.holding.user, market.holding.ticket.tenant_id).access
    client = Client(headers={"Authorization": f"Bearer {token}"})
    answers = [
        client.post(
            f"/api/v1/listings/{beta.pk}/sold-whole/", {}, content_type="application/json",
            headers={"Idempotency-Key": key},
        ).json()
        for key in ("one", "one", "two")
    ]  # fmt: skip
    assert len({answer["id"] for answer in answers}) == 1
    assert (answers[0]["quantity"], answers[0]["proceeds"], answers[0]["proceeds_told"]) == (4, "302.40", False)


def test_the_page_of_what_is_up_asks_no_more_for_more(market: Market, assisted: MarketplaceAccount) -> None:
    up(market, assisted)
    client, url = page(market), reverse("listings:hand_list")
    before, _ = queries_of(client, url)
    before, _ = queries_of(client, url)
    listing = Listing.objects.get(account=assisted)
    for number in range(3):
        listing.pk, listing.external_id, listing.listing_id = None, f"{number:032x}", f"TM-{number}"
        listing._state.adding = True
        listing.save()
    after, _ = queries_of(client, url)
    assert len(after) == len(before)
