"""Where the simulator stands in for a platform's people: who hand out a key, and note down a webhook's address."""

from typing import Any

import httpx
from django.conf import settings

from marketplaces.errors import TemporaryError
from marketplaces.models import MarketplaceAccount
from marketplaces.services.links import shared_client


def paper_token(platform: str) -> str:
    """The token of a new practice account at the simulated platform. Raises TemporaryError where it does not answer."""
    return str(_simulator("accounts", platform=platform)["access_token"])


def paper_webhook_register(account: MarketplaceAccount, url: str) -> None:
    """Have a paper account's webhooks sent to this address. Raises TemporaryError where the simulator is away."""
    _simulator(
        "accounts", platform=account.platform, token=account.access_token, webhook_url=url,
        webhook_secret=account.webhook_secret,
    )  # fmt: skip


def _simulator(name: str, **wish: Any) -> Any:
    try:
        answer = shared_client().post(f"{settings.SIMULATOR_URL.rstrip('/')}/_sim/{name}", json=wish)
        answer.raise_for_status()
        return answer.json()
    except httpx.HTTPError as error:
        raise TemporaryError("the simulator does not answer") from error
