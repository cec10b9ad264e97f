"""Every state of a sale that a marketplace has (DOMAIN.md 4.7): what it is here, and what is done about it, and how."""

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape
from pytest_django import DjangoCaptureOnCommitCallbacks

from listings.models import MarketplaceCommand, Sale, SaleEnding, SaleState
from listings.services.sync import account_sync_sales, sale_read
from marketplaces.delivery import OF_SEATS, STEPS, DeliveryStep, DeliveryType, HandOver
from marketplaces.registry import adapter_keys, hand_overs_of
from marketplaces.simulator import state as there_state
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.http import Request, Response
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.live.models import Alert
from tests.builders import Holding, bearer, browser
from tests.listings.selling import Seller, listed
from tests.listings.simulated import control
from tests.listings.simulated import work as drain

pytestmark = pytest.mark.django_db
S, D = SaleState, DeliveryStep
PDF, PNG = b"%PDF-1.4 one ticket\n%%EOF", b"\x89PNG\r\n\x1a\n one code"
UNHEARD_OF = "SomethingNew"


@dataclass(frozen=True)
class Case:
    """A state there: its word, what the simulator knows beside it, and what we make of it. `before`: first told so."""

    platform: str
    word: str
    state: str
    step: DeliveryStep = D.UNTOLD
    there: dict[str, Any] = field(default_factory=dict)
    ending: str = ""
    before: bool = True

    def __str__(self) -> str:
        return "-".join(filter(None, (self.platform, self.word, self.there.get("delivery", ""), self.step.value)))


def _waits(platform: str, word: str, step: DeliveryStep, delivery: str, **there: Any) -> Case:
    return Case(platform, word, S.CONFIRMED, step, {"delivery": delivery, "confirmed": True, **there})


def _sent(platform: str, word: str, step: DeliveryStep = D.UNTOLD, delivery: str = "mobile_transfer") -> Case:
    return Case(platform, word, S.FULFILLED, step, {"delivery": delivery, "confirmed": True, "fulfilled": True})


def _over(platform: str, word: str) -> Case:
    there = {"cancelled": True, "shown": True}
    return Case(platform, word, S.CANCELLED, there=there, ending=SaleEnding.CANCELLED, before=False)


CASES = [
    Case("stubhub", "UnderReview", S.PROVISIONAL, there={"provisional": True}),
    Case("stubhub", "ConfirmSale", S.CONFIRMED),
    _waits("stubhub", "UploadETickets", D.FILES, "pdf"),
    _waits("stubhub", "UploadTicketsLinks", D.LINKS, "links"),
    _waits("stubhub", "TransferTDT", D.TRANSFER, "mobile_transfer"),
    _waits("stubhub", "UploadQRCodes", D.QR_CODES, "qr_code"),
    _waits("stubhub", "UploadBarcodes", D.BARCODES, "barcode"),
    _waits("stubhub", "ReenterBarcodes", D.BARCODES_AGAIN, "barcode", again="failed at the gate"),
    _waits("stubhub", "PrintShippingLabels", D.LABELS, "paper"),
    _waits("stubhub", "EnterTrackingNumbers", D.TRACKING, "tracking"),
    _waits("stubhub", "UploadReservationCode", D.RESERVATION_CODE, "reservation_code"),
    _waits("stubhub", "DropOffTickets", D.DROP_OFF, "drop_off"),
    _waits("stubhub", "WaitForShippingDetails", D.ADDRESS, "address"),
    _waits("stubhub", "WaitUntil2DaysBeforeTheEvent", D.LATER, "later"),
    _sent("stubhub", "WaitForCourierPickup", D.COURIER, "paper"),
    _sent("stubhub", "OnTheWay", D.ON_THE_WAY, "paper"),
    _sent("stubhub", "WaitingForBuyerPickup", D.PICKUP, "drop_off"),
    _sent("stubhub", "ProcessingTransfer", D.ARRIVING),
    _sent("stubhub", "GetPaid", D.PAYMENT),
    Case("stubhub", "Complete", S.COMPLETE, there={"confirmed": True, "fulfilled": True}),
    Case("stubhub", "Issue", S.CONFIRMED, D.TRANSFER, {"issue": "refused"}, ending=SaleEnding.CLAIM, before=False),
    _over("stubhub", "Cancelled"),
    Case("seatgeek", "submitted", S.CONFIRMED),
    _waits("seatgeek", "confirmed", D.LINKS, "mobile_transfer"),
    _waits("seatgeek", "confirmed", D.TRANSFER_AGAIN, "mobile_transfer", again="never came"),
    _waits("seatgeek", "confirmed", D.FILES, "pdf"),
    _waits("seatgeek", "confirmed", D.BARCODES, "barcode"),
    _waits("seatgeek", "confirmed", D.BARCODES_AGAIN, "barcode", again="failed at the gate"),
    _sent("seatgeek", "fulfilled"),
    _over("seatgeek", "denied"),
    _over("seatgeek", "void"),
    Case("vividseats", "UNCONFIRMED", S.CONFIRMED),
    _waits("vividseats", "PENDING_SHIPMENT", D.TRANSFER, "mobile_transfer"),
    _waits("vividseats", "PENDING_SHIPMENT", D.TRANSFER_AGAIN, "mobile_transfer", again="never came"),
    _waits("vividseats", "PENDING_SHIPMENT", D.FILES, "pdf"),
    _waits("vividseats", "PENDING_SHIPMENT", D.BARCODES, "barcode"),
    _waits("vividseats", "PENDING_SHIPMENT", D.LABELS, "paper"),
    _sent("vividseats", "COMPLETED"),
    *(_over("vividseats", word) for word in ("CANCELLED", "CANCELED", "REJECTED")),
    Case("gametime", "unconfirmed", S.CONFIRMED),
    _waits("gametime", "unfulfilled", D.TRANSFER, "mobile_transfer"),
    _waits("gametime", "unfulfilled", D.FILES, "pdf"),
    _waits("gametime", "unfulfilled", D.BARCODES, "barcode"),
    _sent("gametime", "completed"),
    _over("gametime", "rejected"),
    Case("ticketmaster", "new", S.CONFIRMED),
    _waits("ticketmaster", "confirmed", D.TRANSFER, "mobile_transfer"),
    _waits("ticketmaster", "confirmed", D.TRANSFER_AGAIN, "mobile_transfer", again="never came"),
    _sent("ticketmaster", "transferring"),
    _sent("ticketmaster", "completed"),
    _over("ticketmaster", "rejected"),
    _over("ticketmaster", "cancelled"),
]  # fmt: skip
# What our tickets are, by what they are there; of the rest nothing follows from our listing.
KINDS = {
    "pdf": DeliveryType.PDF, "barcode": DeliveryType.BARCODE, "qr_code": DeliveryType.QR_CODE,
    "paper": DeliveryType.PAPER, "tracking": DeliveryType.PAPER,
}  # fmt: skip
TABLES = {
    "stubhub": "_STATUSES", "seatgeek": "_ORDER_STATES", "vividseats": "_ORDER_STATES", "gametime": "_STATES",
    "ticketmaster": "_ORDER_STATES",
}  # fmt: skip
every = pytest.mark.parametrize("case", CASES, ids=str)
by_each_door = pytest.mark.parametrize("door", ["page", "api"])


def work() -> None:
    """The clock stands, and so what a limit makes wait would wait for ever."""
    valkey().flushdb()
    drain()


@dataclass
class Told:
    """A sale that stands so there, and that we have heard of."""

    seller: Seller
    there: there_state.Sale
    # What was asked of the simulator so far, as addresses.
    asked: list[str]

    @property
    def sale(self) -> Sale:
        return self.seller.sale

    @property
    def holding(self) -> Holding:
        return self.seller.holding

    def page(self) -> str:
        return browser(self.holding.user).get(reverse("listings:sale_detail", args=[self.sale.pk])).text

    def offers(self, name: str) -> bool:
        """Whether the sale's page leads to this one of its pages, or has its form."""
        return f'"{reverse(f"listings:{name}", args=[self.sale.pk])}' in self.page()

    def post(self, door: str, name: str, page: dict[str, Any], call: dict[str, Any] | None = None) -> None:
        """Do it on the page or through the API: what each is given is its own affair."""
        if door == "page":
            answer: Any = browser(self.holding.user).post(reverse(f"listings:{name}", args=[self.sale.pk]), page)
            assert answer.status_code == 302, answer.text
            return
        path = reverse(f"api:{name}", args=[self.sale.pk])
        answer = bearer(self.holding.user).post(path, page if call is None else call, content_type="application/json")
        assert answer.status_code in {200, 202}, answer.text


@pytest.fixture
def told(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Told:  # fmt: skip
    """The case's sale; one that begins otherwise was heard of before it came to this."""
    case: Case = request.getfixturevalue("case")
    control("settings", review_s=0)
    account, listing = listed(holding, case.platform, KINDS.get(case.there.get("delivery", ""), "mobile_transfer"))
    sold = control("sell", platform=case.platform, external_id=listing.external_id, quantity=2)
    there = simulator.ledger.sales[int(sold["sale_id"])]
    if not case.before:
        account_sync_sales(account=account)
        work()
        travel.shift(120)
    for name, value in {"status": case.word, **case.there, "updated_at": now().timestamp()}.items():
        setattr(there, name, value)
    told = Told(Seller(holding, simulator, travel, account), there, [])
    answer = simulator.answer

    def noted(request: Request) -> Response:
        told.asked.append(f"{request.method} {request.path} {request.query}")
        return answer(request)

    monkeypatch.setattr(simulator, "answer", noted)
    if case.before:
        account_sync_sales(account=account)
    else:
        sale_read(sale=told.sale)
    return told


def test_every_word_of_every_adapter_has_its_case() -> None:
    for platform in adapter_keys():
        known = getattr(import_module(f"marketplaces.adapters.{platform}.mapping"), TABLES[platform])
        assert {case.word for case in CASES if case.platform == platform} == set(known), platform
    assert {case.step for case in CASES} == set(DeliveryStep)


@every
def test_what_it_becomes_here(told: Told, case: Case) -> None:
    work()
    sale = told.sale
    # One that is to be confirmed is confirmed by itself, and waits for its tickets then.
    assert (sale.state, sale.ending) == (case.state, case.ending)
    assert case.step in {D.UNTOLD, sale.delivery_step}
    assert not Alert.objects.filter(kind="sale.unclear").exists()
    # Nothing is done there but to confirm, once.
    assert [what for what, _ in told.there.acts] in ([], ["confirm"])


def _choices(case: Case) -> tuple[HandOver, ...]:
    return tuple(way for way in hand_overs_of(case.platform) if way in STEPS[case.step].ways)


def _waits_for_us(case: Case) -> bool:
    return case.state == S.CONFIRMED and case.step is not D.UNTOLD and not case.ending and bool(_choices(case))


HAND_OVERS = [(case, way) for case in CASES if _waits_for_us(case) for way in _choices(case)]


@by_each_door
@pytest.mark.parametrize(("case", "way"), HAND_OVERS, ids=str)
def test_where_it_waits_for_tickets_they_are_handed_over(told: Told, case: Case, way: HandOver, door: str) -> None:
    assert told.offers("sale_fulfil")
    form = browser(told.holding.user).get(reverse("listings:sale_fulfil", args=[told.sale.pk]), {"way": way}).text
    assert f'value="{way}"' in form
    assert escape(STEPS[case.step].words) in form
    acts = len(told.there.acts)
    told.post(door, "sale_fulfil", _typed(told.sale, way), _sent_in(told.sale, way))
    assert told.sale.commands.get(kind="fulfil").state == "pending"
    work()
    assert told.sale.commands.get(kind="fulfil").state == "done"
    assert (told.there.fulfilled, len(told.there.acts)) == (True, acts + 1)
    assert told.there.acts[-1][0] == "hand_over"
    assert told.sale.state == S.FULFILLED


def _seats(sale: Sale) -> list[Any]:
    return [row.seat for row in sale.sale_seats.select_related("seat").order_by("seat__seat_number")]


def _tickets(sale: Sale, way: HandOver) -> list[tuple[Any, str, bytes]]:
    if way is HandOver.BARCODE:
        return [(seat, f"88001234{seat.seat_number:04}", b"") for seat in _seats(sale)]
    content = PDF if way is HandOver.PDF else PNG
    return [(seat, "", content.replace(b"one", b"%04d" % seat.seat_number)) for seat in _seats(sale)]


def _number_or_links(way: HandOver) -> dict[str, Any]:
    if way is HandOver.TRANSFER_URL:
        return {"transfer_urls": ["https://transfer.example/1", "https://transfer.example/2"]}
    return {"confirmation": "TX-77"}


def _typed(sale: Sale, way: HandOver) -> dict[str, Any]:
    """What is typed on the page."""
    if way in OF_SEATS:
        ending, kind = ("pdf", "application/pdf") if way is HandOver.PDF else ("png", "image/png")
        return {"method": way.value} | {
            f"seat_{seat.seat_number}": code or SimpleUploadedFile(f"{seat.seat_number}.{ending}", content, kind)
            for seat, code, content in _tickets(sale, way)
        }
    given = _number_or_links(way)
    return {"method": way.value} | {key: "\n".join(v) if isinstance(v, list) else v for key, v in given.items()}


def _sent_in(sale: Sale, way: HandOver) -> dict[str, Any]:
    """What a client sends."""
    if way not in OF_SEATS:
        return {"method": way.value, **_number_or_links(way)}
    return {
        "method": way.value,
        "tickets": [
            {"seat": str(seat.pk)} | ({"barcode": code} if code else {"file": base64.b64encode(content).decode()})
            for seat, code, content in _tickets(sale, way)
        ],
    }


@pytest.mark.parametrize("case", [case for case in CASES if case.state == S.CONFIRMED and not case.step], ids=str)
def test_where_it_waits_for_our_word_that_is_given_at_once_and_then_its_tickets_may_go(told: Told, case: Case) -> None:
    assert "Confirm by" in told.page()
    assert told.sale.commands.get(kind="confirm_sale").state == "pending"
    work()
    assert [what for what, _ in told.there.acts] == ["confirm"]
    assert "Confirm by" not in told.page()
    assert told.offers("sale_fulfil")


ASKED = [case for case in CASES if case.state in {S.PROVISIONAL, S.FULFILLED} or case.step in {D.ADDRESS, D.LATER}]


@pytest.mark.parametrize("case", ASKED, ids=str)
def test_where_nothing_is_asked_of_the_holder_he_may_have_it_asked_anew(
    told: Told, case: Case, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    if case.step:
        assert escape(STEPS[case.step].words) in told.page()
    assert told.offers("sale_ask")
    assert not told.offers("sale_fulfil")
    for door in ("page", "api"):
        told.seller.travel.shift(timedelta(minutes=5))
        valkey().flushdb()
        told.asked.clear()
        with django_capture_on_commit_callbacks(execute=True):
            told.post(door, "sale_ask", {})
        assert [one.partition(" ")[0] for one in told.asked if str(told.there.id) in one] == ["GET"]
        assert told.sale.state == case.state


@by_each_door
@pytest.mark.parametrize("case", [case for case in CASES if case.ending == SaleEnding.CLAIM], ids=str)
def test_what_a_buyer_complains_of_is_said_to_be_settled(told: Told, case: Case, door: str) -> None:
    assert f"{reverse('listings:sale_report', args=[told.sale.pk])}?what=settled" in told.page()
    told.post(door, "sale_report", {"what": "settled", "reason": "It found for us."})
    assert told.sale.ending == ""


@by_each_door
@pytest.mark.parametrize("case", [case for case in CASES if case.state == S.COMPLETE], ids=str)
def test_what_is_complete_may_still_be_charged_for(told: Told, case: Case, door: str) -> None:
    assert told.offers("sale_report")
    told.post(door, "sale_report", {"what": "penalty", "reason": "Late, it says.", "charge": "5.00"})
    assert (told.sale.ending, told.sale.state) == (SaleEnding.PENALTY, S.COMPLETE)


@pytest.mark.parametrize("case", [case for case in CASES if case.state == S.CANCELLED], ids=str)
def test_the_seats_of_what_is_over_may_be_published_again(told: Told, case: Case) -> None:
    again = reverse("analytics:game_detail", args=[told.holding.game.pk])
    assert f'href="{again}' in told.page()
    assert not told.offers("sale_fulfil")
    assert not MarketplaceCommand.objects.filter(listing__isnull=False, kind="create", state="pending").exists()


@by_each_door
@pytest.mark.parametrize(
    # Vivid Seats is asked for its orders by their status: a new one there is met below.
    "case", [Case(key, UNHEARD_OF, S.NEEDS_PERSON) for key in adapter_keys() if key != "vividseats"], ids=str,
)  # fmt: skip
def test_a_state_that_nobody_knows_is_left_alone_and_its_holder_decides(told: Told, case: Case, door: str) -> None:
    work()
    assert told.sale.state == S.NEEDS_PERSON
    assert Alert.objects.filter(kind="sale.unclear", user_id=told.holding.user.pk, state="firing").exists()
    assert not told.sale.commands.exists()
    assert told.there.acts == []
    assert told.offers("sale_resolve")
    seats = [str(seat.pk) for seat in told.holding.seats[:2]]
    told.post(door, "sale_resolve", {"seats": seats}, {"seat_ids": seats})
    assert told.sale.state == S.CONFIRMED


@pytest.mark.parametrize("case", [Case(key, UNHEARD_OF, S.CONFIRMED, before=False) for key in adapter_keys()], ids=str)
def test_a_sale_that_comes_to_such_a_state_stays_as_it_was_and_that_is_said(told: Told, case: Case) -> None:
    acts = list(told.there.acts)
    work()
    assert (told.sale.state, told.there.acts) == (S.CONFIRMED, acts)
    alert = Alert.objects.get(kind="sale.unclear", user_id=told.holding.user.pk)
    assert (alert.state, UNHEARD_OF in alert.title + alert.body) == ("firing", True)
