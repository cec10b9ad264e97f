"""The demo holder's paper accounts, connected as anybody's are: by consent at StubHub, by token at SeatGeek."""

from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get
from marketplaces.services import connect, links
from marketplaces.services.paper import paper_webhook_register
from seatsync.core.actors import Actor
from seatsync.demo.paper import SimulatorDoor

SEATGEEK_TOKEN = "demo-seatgeek-token"  # noqa: S105 - the simulator's


def accounts_load(actor: Actor, door: SimulatorDoor, *, token: str = SEATGEEK_TOKEN) -> list[MarketplaceAccount]:
    """Connect what is not connected, and point both platforms' webhooks at this installation's address.

    `token` names the holder's account at the simulated SeatGeek.
    """
    stubhub = account_existing(actor, "stubhub") or _by_consent(actor)
    door.control("accounts", platform="seatgeek", token=token)
    seatgeek = account_existing(actor, "seatgeek") or connect.connect_token(
        actor=actor, platform="seatgeek", mode=Mode.PAPER, token=token
    )
    _point_webhooks(stubhub, seatgeek)
    return [stubhub, seatgeek]


def account_existing(actor: Actor, platform: str) -> MarketplaceAccount | None:
    """The holder's paper account there that is connected; None where there is none."""
    return (
        MarketplaceAccount.objects.visible_to(actor)
        .filter(platform=platform, mode=Mode.PAPER, is_active=True, needs_reconnect=False)
        .first()
    )


def _by_consent(actor: Actor) -> MarketplaceAccount:
    redirect = f"{settings.BASE_URL}/settings/connections/done/"
    url = connect.connect_start(actor=actor, platform="stubhub", mode=Mode.PAPER, redirect_uri=redirect)
    answer = links.shared_client().get(url)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return connect.connect_finish(actor=actor, state=query["state"][0], code=query["code"][0], redirect_uri=redirect)


def _point_webhooks(stubhub: MarketplaceAccount, seatgeek: MarketplaceAccount) -> None:
    stubhub.refresh_from_db()
    link = links.link_for(stubhub)
    adapter = adapter_get("stubhub")
    # The address may be another one than when it was connected: it takes the place of what was registered then.
    stubhub.webhook_id = adapter.register_webhook(link, url=connect.webhook_url(stubhub), secret=stubhub.webhook_secret)
    stubhub.save(update_fields=["webhook_id", "updated_at"])
    seatgeek.refresh_from_db()
    paper_webhook_register(seatgeek, connect.webhook_url(seatgeek))
