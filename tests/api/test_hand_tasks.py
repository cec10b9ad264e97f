"""What is to be done by hand, as a client of the API reads it."""

from datetime import timedelta

from listings.models import Sale
from marketplaces.models import FeeVersion
from portfolios.services.mapping import event_mapping_confirm
from seatsync.core.clock import now
from tests.api.conftest import As
from tests.hands import assist, offer, told, up
from tests.market import Market


def test_a_task_has_its_words_what_it_brings_and_where_it_is_done(market: Market, as_: As) -> None:
    market.beta.site = "https://www.beta.example/"
    offer(market, assist(market))
    event_mapping_confirm(
        game=market.holding.game, platform="beta", paper=False, remote_event_id="7", by="test",
        page="https://www.beta.example/event/7",
    )  # fmt: skip
    (task,) = as_("owner").get("/hand-tasks/").json()["results"]
    assert (task["kind"], task["title"]) == ("create", "List 131/27 at Beta")
    assert "Section 131, row 27, seats 1, 2, 3, 4" in task["text"]
    assert (task["net"], task["net_basis"], task["link"]) == (
        "75.60", "fee_schedule", "https://www.beta.example/event/7",
    )  # fmt: skip
    assert task["net_said"] == "from Beta's fee schedule of 1 Jan 2024"
    done = as_("owner").post(f"/hand-tasks/{task['id']}/done/").json()
    assert (done["state"], done["link"]) == ("done", "https://www.beta.example/event/7")


def test_a_task_whose_fee_nobody_knows_says_so(market: Market, as_: As) -> None:
    FeeVersion.objects.filter(platform="beta").delete()
    offer(market, assist(market))
    (task,) = as_("owner").get("/hand-tasks/").json()["results"]
    assert (task["net"], task["net_basis"], task["link"]) == (None, "not_told", "")


def test_a_listing_that_shrinks_names_the_seats_that_stay_and_those_that_go(market: Market, as_: As) -> None:
    alpha, _ = up(market, assist(market))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    (task,) = as_("owner").get("/hand-tasks/").json()["results"]
    assert (task["seats_stay"], task["seats_go"], task["title"]) == (
        [3, 4], [1, 2], "Leave only seats 3, 4 of 131/27 at Beta",
    )  # fmt: skip


def test_a_sale_to_be_rejected_says_until_when(market: Market, as_: As) -> None:
    alpha, beta = up(market, assist(market))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    sale, until = told(market, beta, market.holding.seats[:2], "TM-9"), now() + timedelta(hours=20)
    Sale.objects.filter(pk=sale.pk).update(confirm_by=until)
    tasks = {task["kind"]: task for task in as_("owner").get("/hand-tasks/").json()["results"]}
    assert tasks["reject_sale"]["until"] == f"{until:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert any("only you can reject it" in line for line in tasks["reject_sale"]["text"])


def test_what_is_not_down_after_all_is_a_task_again(market: Market, as_: As) -> None:
    alpha, _ = up(market, assist(market))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    (down,) = as_("owner").get("/hand-tasks/").json()["results"]
    path = f"/hand-tasks/{down['id']}/not-done/"
    early = as_("owner").post(path)
    as_("owner").post(f"/hand-tasks/{down['id']}/done/")
    assert as_("other").post(path).status_code == 404
    again = as_("owner").post(path)

    assert (early.status_code, again.status_code, again.json()["kind"]) == (409, 200, "delist")
    assert [one["id"] for one in as_("owner").get("/hand-tasks/").json()["results"]] == [again.json()["id"]]
    assert again.json()["id"] != down["id"]
