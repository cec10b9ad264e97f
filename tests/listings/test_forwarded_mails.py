"""Sale mails as mail programs forward them: what is ours is sold, and what is another marketplace's or over is told."""

from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from listings.models import Sale, SaleState
from marketplaces.mails import LARGEST
from marketplaces.models import MarketplaceAccount
from marketplaces.services import inbox
from marketplaces.services.inbox import mail_receive
from marketplaces.services.understand import inbound_process
from portfolios.models import OwnerState, Seat
from seatsync.core.errors import InvalidInput
from seatsync.live.models import Alert
from tests.hands import mail_for, offered, take, transfer_mail
from tests.market import Market

pytestmark = pytest.mark.django_db

GMAIL = """FYI

---------- Forwarded message ---------
From: Beta <orders@beta.example>
Date: Tue, Dec 1, 2026 at 9:00 AM
Subject: You sold your tickets
To: <owner@example.com>


"""
APPLE = """Sent from my iPhone

Begin forwarded message:

> From: Beta <orders@beta.example>
> Date: December 1, 2026 at 9:00:00 AM PST
> To: owner@example.com
> Subject: You sold your tickets

"""


def sold() -> set[int]:
    return set(Seat.objects.filter(state=OwnerState.SOLD).values_list("seat_number", flat=True))


@pytest.mark.parametrize("above", [GMAIL, APPLE, "Thanks for selling at Beta!\n", "Look at your account for more.\n"])
def test_what_a_mail_program_or_the_mail_itself_says_before_the_game_is_no_games_name(
    market: Market, assisted: MarketplaceAccount, above: str
) -> None:
    offered(market, assisted, market.holding.game)
    subject, _, text = transfer_mail(market, "").decode().partition("\n\n")
    take(market, assisted, f"{subject}\n\n{above}{text}".encode())
    assert (Sale.objects.get().state, sold()) == (SaleState.CONFIRMED, {1, 2})


def test_of_a_line_that_names_our_game_and_another_day_beside_it_nothing_is_certain(
    market: Market, assisted: MarketplaceAccount
) -> None:
    """The sale may be of a game that nobody entered, and ours an advertisement below it."""
    offered(market, assisted, market.holding.game)
    subject, _, text = transfer_mail(market, "").decode().partition("\n\n")
    take(market, assisted, f"{subject}\n\nUnheard Ofs at Nobodies\nMay 1, 2031\n{text}".encode())
    sale = Sale.objects.get()
    assert (sale.state, sold()) == (SaleState.NEEDS_PERSON, set())
    assert sale.state_reason == "it names several days, and which of them is the game's is not certain"


def test_a_mail_in_two_forms_whose_plain_one_only_points_to_the_other_sells(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offered(market, assisted, market.holding.game)
    mail = EmailMessage()
    mail["Subject"] = "Fwd: You sold your tickets"
    mail.set_content("This message can be read by a mail program that shows HTML.")
    words = transfer_mail(market, "").decode().partition("\n\n")[2].splitlines()
    mail.add_alternative("".join(f"<p>{line}</p>" for line in words), subtype="html")
    take(market, assisted, mail.as_bytes())
    assert (Sale.objects.get().state, sold()) == (SaleState.CONFIRMED, {1, 2})


def test_a_mail_that_a_known_sale_was_cancelled_leaves_its_seats_and_sends_its_holder_to_it(
    market: Market, assisted: MarketplaceAccount
) -> None:
    offered(market, assisted, market.holding.game)
    take(market, assisted, transfer_mail(market, ""))
    sale = Sale.objects.get()
    take(market, assisted, b"Subject: Your order was cancelled\n\nOrder #tm-55501 was cancelled by the buyer.\n")
    told = Alert.objects.get(kind="sale.unclear", user_id=market.holding.user.pk)
    assert told.url == reverse("listings:sale_detail", args=[sale.pk])
    assert "something was cancelled, paid back or is not decided" in told.body
    assert (told.severity, sold()) == ("critical", {1, 2})
    assert not Alert.objects.filter(kind="marketplace.notice").exists()
    # Of an order that nobody knows there is only the mail itself to look at.
    take(market, assisted, b"Subject: Your order was cancelled\n\nOrder #TM-99901 was cancelled by the buyer.\n")
    assert Alert.objects.get(kind="marketplace.notice").title == "A mail from Beta names no sale"


def test_a_mail_that_another_marketplace_wrote_is_of_no_sale_here(
    market: Market, assisted: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "platforms_at", lambda domains: ["alpha"] if "mail.alpha.example" in domains else [])
    offered(market, assisted, market.holding.game)
    mail = mail_for(market).replace(b"orders@stubhub.example", b"orders@mail.alpha.example")
    with pytest.raises(InvalidInput, match=r"This mail is from Alpha, and the account is at Beta\."):
        mail_receive(actor=market.holding.actor, account_id=assisted.pk, mail=mail)
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:hand_account", args=[assisted.pk]))
    assert "Who wrote a forwarded mail is what it says itself, and nobody proves it" in page.text
    page = client.post(reverse("listings:mail_forward", args=[assisted.pk]), {"mail": mail.decode()})
    assert (page.status_code, "This mail is from Alpha" in page.text) == (422, True)
    # A mail service that posts them cannot be answered: the holder is told.
    headers = {"Authorization": f"Bearer {assisted.webhook_secret}"}
    inbox.inbox_receive(platform="beta", account_id=assisted.pk, headers=headers, body=mail)
    inbound_process(event_id=assisted.inbound.get().pk)
    assert (Sale.objects.count(), sold()) == (0, set())
    told = Alert.objects.get(kind="marketplace.notice")
    assert (told.title, told.severity) == ("A mail from Alpha came to your Beta account", "action")


def test_a_mail_that_is_too_large_is_said_to_be(market: Market, assisted: MarketplaceAccount) -> None:
    client = Client()
    client.force_login(market.holding.user)
    file = SimpleUploadedFile("sold.eml", b"Subject: You sold\n\n" + b"x" * LARGEST)
    page = client.post(reverse("listings:mail_forward", args=[assisted.pk]), {"file": file})
    assert (page.status_code, "The mail is larger than 2,000,000 bytes." in page.text) == (422, True)
