"""A refusal as a person reads it: what is wrong, and what to do about it."""

import pytest
from django.urls import reverse

from marketplaces.services.connect import disconnect
from seatsync.core.errors import Conflict, NotFound
from tests.builders import browser
from tests.market import Market


def test_the_remedy_follows_what_is_wrong() -> None:
    assert Conflict("It is gone.", remedy="Publish it again.").words == "It is gone. Publish it again."
    assert NotFound("No such seat.").words == "No such seat."


@pytest.mark.django_db
def test_a_page_says_the_remedy_of_what_it_refuses(market: Market) -> None:
    account = market.accounts["alpha"]
    disconnect(actor=market.holding.actor, account_id=account.pk)
    answer = browser(market.holding.user).post(
        reverse("marketplaces:account_disconnect", args=[account.pk]), follow=True
    )
    assert "The account is disconnected. Nothing needs to be done." in answer.content.decode()
