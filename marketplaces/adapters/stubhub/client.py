"""StubHub's calls. Paths and bodies are those of the published OpenAPI 2.249."""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from marketplaces.adapters.stubhub import mapping, webhook
from marketplaces.contracts import (
    AppCredentials,
    Capability,
    Constraints,
    Draft,
    EventQuery,
    Fulfilment,
    Grant,
    Link,
    ListingRef,
    MarketPoint,
    Notice,
    Preview,
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    Traits,
)  # fmt: skip
from marketplaces.errors import AlreadyGone, AlreadySold, GrantExpired, PermanentError
from marketplaces.wire import Reply, amount, moment, send

PAGE_SIZE = 100


class StubHub:
    """The adapter. Live, sign-in lives on its own host; everywhere else it is under the base address."""

    live_base_url = "https://api.stubhub.net"
    live_account_url = "https://account.stubhub.com"
    traits = Traits(
        key="stubhub",
        name="StubHub",
        auth="oauth2",
        contract="official",
        capabilities=frozenset(Capability),
        market_view="event_figures",
        scopes=(
            "read:events", "read:payment", "read:sales", "write:sales", "read:sellerlistings", "write:sellerlistings",
            "read:webhooks", "write:webhooks", "write:requestedevents", "read:user",
        ),
        refresh_token_single_use=True,
    )  # fmt: skip

    # Sign-in.
    def _account_url(self, base_url: str) -> str:
        return self.live_account_url if base_url == self.live_base_url else base_url

    def authorize_url(
        self, *, base_url: str, app: AppCredentials, state: str, redirect_uri: str, code_challenge: str
    ) -> str:
        """The consent page, with state and PKCE."""
        query = {
            "client_id": app.client_id, "response_type": "code", "redirect_uri": redirect_uri,
            "scope": " ".join(self.traits.scopes), "state": state, "code_challenge": code_challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self._account_url(base_url)}/authorize?{urlencode(query)}"

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Trade the code for tokens. Raises GrantExpired for a used or wrong code."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }  # fmt: skip
        grant = self._token(link, form)
        user = self._get(Link(link.http, link.base_url, grant, link.app), "/v2/user").body or {}
        return Grant(
            grant.access_token, grant.refresh_token, grant.expires_at, str(user.get("id") or ""), self.traits.scopes
        )

    def refresh(self, link: Link) -> Grant:
        """Trade the single-use refresh token for a new pair."""
        if not link.grant.refresh_token:
            raise GrantExpired("there is no refresh token")
        form = {"grant_type": "refresh_token", "refresh_token": link.grant.refresh_token}
        return self._token(link, form)

    def _token(self, link: Link, form: dict[str, str]) -> Grant:
        pair = f"{quote(link.app.client_id, safe='')}:{quote(link.app.client_secret, safe='')}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        url = f"{self._account_url(link.base_url)}/oauth2/token"
        try:
            body = send(link.http, "POST", url, headers=headers, form=form, changes=True).body
        except PermanentError as error:
            raise GrantExpired(str(error), status=error.status) from error
        ends = datetime.now(tz=UTC) + timedelta(seconds=int(body["expires_in"]))
        return Grant(body["access_token"], body.get("refresh_token") or "", ends)

    # Requests.
    def _headers(self, link: Link) -> dict[str, str]:
        return {"Authorization": f"Bearer {link.grant.access_token}", "Accept": "application/hal+json"}

    def _get(self, link: Link, path: str, params: Mapping[str, str] | None = None) -> Reply:
        url = f"{link.base_url}{path}"
        return send(link.http, "GET", url, headers=self._headers(link), params=params, changes=False)

    def _change(self, link: Link, method: str, path: str, body: Any = None) -> Reply:
        url = f"{link.base_url}{path}"
        return send(link.http, method, url, headers=self._headers(link), json_body=body, changes=True)

    def _pages(self, link: Link, path: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            query = {**params, "page": str(page), "page_size": str(PAGE_SIZE)}
            body = self._get(link, path, query).body or {}
            yield from (body.get("_embedded") or {}).get("items") or ()
            if not (body.get("_links") or {}).get("next"):
                return
            page += 1

    # Events and the market.
    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Events found by text and local day."""
        params = {"q": query.text, "dateLocal": query.local_date}
        body = self._get(link, "/catalog/events/search", params).body or {}
        found = (mapping.event_of(item) for item in (body.get("_embedded") or {}).get("items") or ())
        return [event for event in found if event is not None]

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        """The event's lowest price: the catalog shows no more."""
        point = mapping.market_of(self._get(link, f"/catalog/events/{event_id}").body or {})
        if point is not None:
            yield point

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        """What StubHub demands of listings for the event."""
        return mapping.constraints_of(self._get(link, f"/v2/events/{draft.event_id}/listingconstraints").body or {})

    # Listings.
    def preview(self, link: Link, draft: Draft) -> Preview:
        """The seller's proceeds by StubHub's own account; nothing is created."""
        body = mapping.listing_body(draft, known_event=True)
        path = f"/v2/events/{draft.event_id}/sellerlistingpreview"
        remote = mapping.listing_of(self._change(link, "POST", path, body).body)
        return Preview(remote.price, remote.proceeds or remote.price, None, remote.currency)

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish. Creating again with the same external id deletes the old listing: read back first (I-23)."""
        path = f"/v2/events/{draft.event_id}/sellerlistings" if draft.event_id else "/v2/sellerlistings"
        body = mapping.listing_body(draft, known_event=bool(draft.event_id))
        return mapping.listing_of(self._change(link, "POST", path, body).body, draft.event_id)

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the price per ticket."""
        body = {"ticket_price": mapping.money(price, currency)}
        return mapping.listing_of(self._change(link, "PATCH", self._external(ref), body).body)

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats. The section is required by the schema, so it is read first."""
        current = self.fetch(link, ref)
        if current is None:
            raise AlreadyGone("the listing is not there")
        body = {
            "number_of_tickets": len(seats),
            "seating": {
                "section": current.section, "row": current.row, "seat_from": str(seats[0]), "seat_to": str(seats[-1]),
            },
        }  # fmt: skip
        return mapping.listing_of(self._change(link, "PATCH", self._external(ref), body).body)

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Delete. A listing that was sold answers 403 `invalid_delete`."""
        try:
            self._change(link, "DELETE", self._external(ref))
        except PermanentError as error:
            if error.status == 403 and "invalid_delete" in str(error):
                raise AlreadySold(str(error), status=403) from error
            raise

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing with our external id, as it is now."""
        try:
            return mapping.listing_of(self._get(link, f"/v2/externalsellerlistings/{ref.external_id}").body)
        except AlreadyGone:
            return None

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing of the account, page by page."""
        return (mapping.listing_of(item) for item in self._pages(link, "/v2/sellerlistings", {"sort": "created_at"}))

    @staticmethod
    def _external(ref: ListingRef) -> str:
        return f"/v2/externalsellerlistings/{ref.external_id}"

    # Sales.
    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Sales changed since then, in order of change."""
        params = {"updated_since": since.astimezone(UTC).isoformat(), "sort": "resource_version"}
        return (mapping.sale_of(item) for item in self._pages(link, "/v2/sales", params))

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One sale as it is now."""
        try:
            return mapping.sale_of(self._get(link, f"/v2/sales/{quote(sale_id, safe='')}").body)
        except AlreadyGone:
            return None

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm."""
        return mapping.sale_of(self._change(link, "PATCH", f"/v2/sales/{sale_id}", {"confirmed": True}).body)

    def reject(self, link: Link, sale_id: str) -> None:
        """Refuse."""
        self._change(link, "DELETE", f"/v2/sales/{sale_id}")

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over by transfer: links where there are some, else the confirmation number."""
        body: dict[str, Any] = (
            {"eticket_urls": [{"url": url, "index": index} for index, url in enumerate(proof.transfer_urls)]}
            if proof.transfer_urls
            else {"transfer_confirmation_number": proof.confirmation}
        )
        return mapping.sale_of(self._change(link, "PATCH", f"/v2/sales/{sale_id}", body).body)

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Payouts made since then."""
        for item in self._pages(link, "/v2/payments", {}):
            paid_at = moment(item.get("created_at"))
            if paid_at is None or paid_at < since:
                continue
            paid = item["payment_amount"]
            yield RemotePayment(str(item["id"]), paid_at, amount(paid["amount"]), paid["currency_code"])

    # Webhooks.
    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        """Subscribe, with the secret as the Authorization value to be echoed."""
        body = {"name": "SeatSync", "url": url, "authorization_header": secret, "topics": list(webhook.TOPICS)}
        return str(self._change(link, "POST", "/v2/webhooks", body).body["id"])

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the registered value was echoed."""
        webhook.verify(headers, secret)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """The one notice of a delivery."""
        return webhook.notices(body)
