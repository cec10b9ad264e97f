"""The page of what was made at a marketplace: what comes down is shown first, and all of it can be reached."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import FoundListing
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db


def test_what_is_made_there_is_taken_down_after_its_consequences_were_shown_and_all_of_it_can_be_reached(
    market: Market,
) -> None:
    account = market.accounts["alpha"]
    at = now()
    FoundListing.objects.bulk_create(
        FoundListing(
            tenant_id=account.tenant_id, account=account, remote_id=f"X-{number:03}", quantity=2,
            price=Decimal("80.00"), section="131", row="27", first_seen_at=at, last_seen_at=at - timedelta(number),
        )
        for number in range(101)
    )  # fmt: skip
    client = Client()
    client.force_login(market.holding.user)
    url = reverse("listings:found_list", args=[account.pk])
    first, last = FoundListing.objects.get(remote_id="X-000"), FoundListing.objects.get(remote_id="X-100")
    page = client.get(url).text
    assert f'data-opens="take-{first.pk}"' in page
    assert "2 seats 131/27 at $80.00, will be withdrawn from Alpha." in page
    assert ("X-100" in page, "1 to 100 of 101" in page) == (False, True)
    opened = client.get(url, {"page": "2", "open": str(last.pk)}).text
    assert reverse("listings:found_adopt", args=[last.pk]) + "?page=2" in opened
    refused = client.post(reverse("listings:found_adopt", args=[last.pk]) + "?page=2", {})
    assert (refused.status_code, "Nothing was decided" in refused.text) == (422, True)
    # What nobody offers to decide is no page, and decides nothing.
    made_up = client.post(reverse("listings:found_decide", args=[first.pk, "anything"]))
    first.refresh_from_db()
    assert (made_up.status_code, first.state) == (404, "waiting")


@pytest.mark.parametrize(
    ("told", "shown"), [("2027-03-06", ", 6 Mar 2027."), ("in March", ", in March."), ("", "name.")]
)
def test_a_day_is_written_as_days_are(market: Market, told: str, shown: str) -> None:
    account = market.accounts["alpha"]
    FoundListing.objects.create(
        tenant_id=account.tenant_id, account=account, remote_id="X-1", quantity=2, price=Decimal("80.00"),
        local_date=told, first_seen_at=now(), last_seen_at=now(),
    )  # fmt: skip
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:found_list", args=[account.pk])).text
    assert f"an event that it does not name{shown.removeprefix('name')}" in page
