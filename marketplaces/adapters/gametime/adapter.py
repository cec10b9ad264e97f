"""Gametime behind our protocol: what is offered is an inventory file, what is bought is an API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from urllib.parse import quote

from marketplaces.adapters import _wire
from marketplaces.adapters._drop import Drop
from marketplaces.adapters._platform import TokenPlatform
from marketplaces.adapters.gametime import client, inventory, mapping
from marketplaces.adapters.gametime.inventory import Inventory, Row, Sold
from marketplaces.contracts import (
    AccountChange,
    Capability,
    Counted,
    Draft,
    Grant,
    KnownFee,
    Link,
    ListingRef,
    Notice,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
    Traits,
)
from marketplaces.deadlines import HandOverKind, HandOverRule, KnownHandOver
from marketplaces.delivery import Fulfilment, HandOver
from marketplaces.errors import (
    AlreadyGone,
    AlreadySold,
    MarketplaceError,
    PermanentError,
    StockUnknown,
    TemporaryError,
    UnknownOutcome,
)  # fmt: skip

_LACKS = frozenset({
    Capability.PRIMARY_LEFT,
    Capability.REQUEST_EVENT,
    Capability.SUPPLY,
    Capability.SHIPPING_LABEL,
    Capability.NEXT_PAYMENT,
    Capability.SEARCH_EVENTS, Capability.CONSTRAINTS, Capability.PREVIEW, Capability.REGISTER_WEBHOOK,
    Capability.MARKET_VIEW, Capability.PROVISIONAL_SALE, Capability.EVENT_STANDING,
})  # fmt: skip
_WAITING = ("unconfirmed", "unfulfilled")
# A purchase says when it was made and not when it changed: that of an older one is learnt while it waits.
_LOOK_BACK = timedelta(days=30)
# The sweep writes what was bought out of the file within minutes: the newest three hundred purchases are enough.
_IN_FILE_PAGES = 3


@dataclass(frozen=True, slots=True)
class Replaced:
    """The file as it was sent, what was bought, and the ticket ids that are not in it because buyers have all of it.

    `counted`: the purchases that the file before it had in its numbers.
    """

    after: Inventory
    sold: Sold
    counted: frozenset[str]
    bought_up: frozenset[str]


# A ticket id, and what is done to the file for it.
_Made = tuple[str, Callable[[Inventory], Inventory]]
# When what is known of its fees and deadlines was read.
_CHECKED = date(2026, 11, 22)


class Gametime(TokenPlatform):
    """The protocol's methods; the account's credentials, address and last file come with each call.

    Each change of a listing writes the whole file anew, from the last one that we sent: one change at a time for an
    account (traits.whole_account).
    """

    live_base_url = client.LIVE_BASE_URL
    traits = Traits(
        key="gametime",
        name="Gametime",
        site="https://gametime.co/",
        auth="token",
        contract="reconstructed",
        capabilities=frozenset(Capability) - _LACKS,
        whole_account=True,
        requests=client.REQUESTS,
        # The file and what was bought are read, and the file is written; before it a number is set by the API, where
        # there are fewer. A sale is read back.
        sends={"create": 3, "reprice": 3, "resize": 4, "confirm": 2, "fulfil": 2},
        fees=(
            KnownFee(
                Decimal("0.000"),
                date(2026, 1, 1),
                "Gametime's API (reconstructed): a purchase's price is taken for what a ticket brings, and no fee is "
                "told",
                _CHECKED,
            ),
        ),
        token_parts=("API key", "FTP user", "FTP password"),
        hand_overs=(HandOver.MOBILE_TRANSFER, HandOver.TRANSFER_URL, HandOver.BARCODE, HandOver.PDF),
        deliveries=tuple(inventory.STOCKS),
        hand_over_by=KnownHandOver(
            HandOverRule(HandOverKind.IN_HAND),
            "gametime.co/api-seller-terms: tickets and barcodes are due by the in-hand date",
            _CHECKED,
        ),
        # A purchase says when it was made and not when it changed.
        tells_changes_for=timedelta(0),
        tells_payouts=False,
    )

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Test the key and the file server's user. Raises GrantExpired where one is not good."""
        client.answers(link)
        client.drop_of(link).read()
        return link.grant

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish. Idempotent: a row with our ticket id replaces itself, without the seats that were bought."""
        self._check_currency(draft.currency)
        row = inventory.row_of(draft)
        return self._write(link, draft.external_id, lambda before: before.with_row(row))

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set what a ticket brings (USD). Raises AlreadyGone."""
        self._check_currency(currency)
        return self._change(link, ref, {"Cost": str(_wire.cents(price))})

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats: how many by the API, which is at once, and which by the file. Raises AlreadyGone.

        Until they have worked the file off no more are sold than there are; a number alone does not say which.
        """
        change = _row_changed(ref, inventory.seats_in(seats, ref.split))
        return _shown(self._replace(link, change, fewer_of=ref.external_id), ref.external_id)

    def change_together(self, link: Link, changes: Sequence[AccountChange]) -> list[RemoteListing | Exception]:
        """Several publications and prices by one file. What it cannot say of one of them keeps no other from it."""
        made: list[_Made | MarketplaceError] = []
        for change in changes:
            try:
                made.append(self._made(change))
            except MarketplaceError as error:
                made.append(error)
        sound = [one for one in made if not isinstance(one, MarketplaceError)]
        if not sound:
            return [one for one in made if isinstance(one, MarketplaceError)]
        file = self._replace(link, lambda before: reduce(lambda inventory, one: one[1](inventory), sound, before))
        return [one if isinstance(one, MarketplaceError) else _told_of(file, one[0]) for one in made]

    def _made(self, change: AccountChange) -> _Made:
        """The ticket id and what is done to the file. Raises PermanentError for what it cannot say."""
        self._check_currency(change.currency)
        if isinstance(change, Draft):
            row = inventory.row_of(change)
            return change.external_id, lambda before: before.with_row(row)
        return change.ref.external_id, _row_changed(change.ref, {"Cost": str(_wire.cents(change.price))})

    def _change(self, link: Link, ref: ListingRef, change: Row) -> RemoteListing:
        return self._write(link, ref.external_id, _row_changed(ref, change))

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Take down: by the API, which is at once, and in the file. Raises AlreadyGone or AlreadySold."""
        _check_named(ref)
        gone: AlreadyGone | None = None
        before = _left_out(link, ref.external_id)
        try:
            path = f"/listings/{quote(ref.external_id, safe='')}/delete"
            client.call(link, "DELETE", path, gone=True)
        except AlreadyGone as error:
            gone = error
        try:
            file = self._replace(link, lambda before: before.without(ref.external_id))
        except MarketplaceError as error:
            # It is off sale; the next file could bring it back.
            raise UnknownOutcome(f"taken down, but still in the file: {error}", status=error.status) from error
        bought_up = file.bought_up | (before.ticket_ids - before.without_sold(file.sold, file.counted).ticket_ids)
        if gone is not None and ref.external_id in bought_up:
            raise AlreadySold("Gametime sold it before it could be taken down")
        if gone is not None:
            raise gone

    def keep_alive(self, link: Link) -> None:
        """Send the file once more: without one in six hours Gametime stops showing the account's listings.

        An account that never got one from us is left alone: the file of whoever feeds it is not ours to repeat.
        """
        if link.file.last():
            self._replace(link, lambda before: before)

    def _write(self, link: Link, ticket_id: str, change: Callable[[Inventory], Inventory]) -> RemoteListing:
        """Send the file with a change; the row of a ticket id as it stands there then. Raises AlreadyGone."""
        return _shown(self._replace(link, change), ticket_id)

    @staticmethod
    def _replace(link: Link, change: Callable[[Inventory], Inventory], *, fewer_of: str = "") -> Replaced:
        """Write the file anew, as `change` makes it of the last one.

        What was bought is taken out before and after: a change may offer it again. `fewer_of`: a ticket id of which the
        API is told how many are left, once the new file is kept and before it is sent.
        """
        drop, last = client.drop_of(link), link.file.last()
        there = drop.read()
        before, by_hand = _base(link, last, there)
        before = _without_held_back(link, before, there)
        bought = client.purchases(link, {}, most_pages=_IN_FILE_PAGES)
        sold = mapping.sold_of(bought)
        known = link.file.counted()
        counted = _in_numbers(known, sold) | _told_by_hand(drop, sold, by_hand)
        left = before.without_sold(sold, counted)
        changed = change(left)
        taken = Counted(frozenset(one.sale_id for purchases in sold.values() for one in purchases))
        after = changed.without_sold(sold, taken.sales)
        # Before it is kept: the next file, which may take something down, is made of the kept one. Not every way of
        # sending a file is HTTP.
        _wire.check_brake(link)
        link.file.keep(inventory.render(after), taken)
        if fewer_of:
            _fewer(link, fewer_of, before, after)
        try:
            _send(link, drop, inventory.render(after))
        except UnknownOutcome:
            # The next file is made of this one: what it left out must not come back.
            raise
        except MarketplaceError:
            link.file.keep(last, known)
            raise
        bought_up = (before.ticket_ids - left.ticket_ids) | (changed.ticket_ids - after.ticket_ids)
        return Replaced(after, sold, counted, bought_up)

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as the file there says; where it cannot be read back, as the last file that arrived."""
        row = _there(link).row(ref.external_id)
        return None if row is None else inventory.listing_of(row)

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every row of the file; one of somebody's hand that has no price is none that Gametime shows.

        Where our last one broke off, it is sent once more first: what it lacks is not gone.
        """
        content = client.drop_of(link).read()
        if content is not None and _broke_off(link, content):
            self._replace(link, lambda before: before)
            content = client.drop_of(link).read()
        yield from (inventory.listing_of(row) for row in _shown_in(link, content).rows if inventory.has_price(row))

    def listings_in(self, content: bytes) -> list[RemoteListing]:
        """The rows of an inventory file that have a price. Raises PermanentError for what is no inventory."""
        try:
            rows = inventory.parse(content).rows
        except TemporaryError as error:
            raise PermanentError(f"{error}") from error
        return [inventory.listing_of(row) for row in rows if inventory.has_price(row)]

    # What is bought.
    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Purchases that wait for the seller, whenever they were made, and all of the month before `since`."""
        sales = {sale.sale_id: sale for sale in _bought_since(link, since - _LOOK_BACK)}
        for status in _WAITING:
            sales |= {sale.sale_id: sale for sale in _purchased(link, {"status": status})}
        yield from sorted(sales.values(), key=lambda sale: sale.sold_at)

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One purchase as it is there now; None where there is none."""
        found = map(mapping.sale_of, client.purchases(link, {"order_number": sale_id}))
        return next((sale for sale in found if sale.sale_id == sale_id), None)

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm a purchase."""
        return self._act(link, sale_id, "confirm")

    def reject(self, link: Link, sale_id: str) -> None:
        """Refuse a purchase. Raises AlreadyGone."""
        with _wire.gone_proven(lambda: client.answers(link)):
            client.call(link, "POST", _purchase(sale_id, "reject"), gone=True)

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over: barcodes, PDFs, or a transfer. Raises PermanentError where what the way asks for is missing."""
        self._check_proof(proof)
        uploads = mapping.upload_bodies(proof)
        if not uploads:
            return self._act(link, sale_id, "confirm_transfer", mapping.proof_form(proof))
        for what, body in uploads:
            client.call(link, "POST", _purchase(sale_id, what), body=body)
        return self._sale_read_back(link, sale_id)

    def _act(self, link: Link, sale_id: str, what: str, form: list[tuple[str, str]] | None = None) -> RemoteSale:
        client.call(link, "POST", _purchase(sale_id, what), form=form)
        return self._sale_read_back(link, sale_id)

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """A completed purchase each, announced: there is no list of payouts."""
        for sale in _bought_since(link, since - _LOOK_BACK):
            if sale.state is RemoteSaleState.IN_DELIVERY:
                yield mapping.payment_of(sale)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the delivery carries the secret that was agreed on."""
        mapping.verify(headers, secret)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """The purchase that a delivery tells of."""
        return mapping.notices_of(body)


def _row_changed(ref: ListingRef, change: Row) -> Callable[[Inventory], Inventory]:
    """The file with a listing's row changed, where it has one. Raises PermanentError for a row that nothing names."""
    _check_named(ref)

    def changed(before: Inventory) -> Inventory:
        row = before.row(ref.external_id)
        return before if row is None else before.with_row(row | change)

    return changed


def _fewer(link: Link, ticket_id: str, before: Inventory, after: Inventory) -> None:
    """Set by the API how many of a listing are left, none where its row is left out. Never more than there were.

    Where that fails the file says it all the same, only later: nothing is raised. They may not know the row yet.
    """
    row, left = before.row(ticket_id), after.row(ticket_id)
    if row is None or (left is not None and inventory.quantity_of(left) > inventory.quantity_of(row)):
        return
    body = {"quantity": 0} if left is None else inventory.number_in(left)
    with suppress(MarketplaceError):
        client.call(link, "POST", f"/listings/{quote(ticket_id, safe='')}", body=body, gone=True)


def _shown(file: Replaced, ticket_id: str) -> RemoteListing:
    """A listing as a file that was sent has it. Raises AlreadyGone or AlreadySold."""
    row = file.after.row(ticket_id)
    if row is None:
        raise (AlreadySold if ticket_id in file.bought_up else AlreadyGone)("Gametime has no such listing")
    return inventory.listing_of(row)


def _told_of(file: Replaced, ticket_id: str) -> RemoteListing | Exception:
    try:
        return _shown(file, ticket_id)
    except MarketplaceError as error:
        return error


def _check_named(ref: ListingRef) -> None:
    """Raises PermanentError for a row of somebody's hand without a ticket id: nothing names it, here or by the API."""
    if not ref.external_id:
        raise PermanentError("a row without a TicketID can be changed by hand alone, in the file itself")


def _left_out(link: Link, ticket_id: str) -> Inventory:
    """Keep the last file without a row, and return it as it was.

    First of all, since whatever comes between, another listing's file must not bring the row back.
    """
    try:
        last = link.file.last()
        before = Inventory() if last is None else inventory.parse(last)
        if before.row(ticket_id) is not None:
            link.file.keep(inventory.render(before.without(ticket_id)), link.file.counted())
        elif last is not None:
            _note_met(link, ticket_id)
    except MarketplaceError:
        # Taking it down must not wait for a file that cannot be read: that is met when it is written.
        return Inventory()
    return before


def _note_met(link: Link, ticket_id: str) -> None:
    """Count a row of somebody's hand among what has arrived: what was put in since is carried into the next file."""
    there, arrived = client.drop_of(link).read(), link.file.arrived()
    if there is None or arrived is None:
        return
    row, known = inventory.parse(there).row(ticket_id), _inventory(arrived, known=True)
    if row is not None and known.row(ticket_id) is None:
        link.file.note_arrived(inventory.render(known.with_row(row)))


def _send(link: Link, drop: Drop, content: bytes) -> None:
    """Send a file that was kept; where a newer one was kept meanwhile, that once more: ours may lie over it."""
    _write_tried(link, drop, content)
    while not link.file.sent():
        newer = link.file.last()
        if newer is not None:
            _write_tried(link, drop, newer)


def _write_tried(link: Link, drop: Drop, content: bytes) -> None:
    """Write a file that is known to be on its way: where the line breaks, the beginning of it may lie there."""
    link.file.trying(content)
    try:
        drop.write(content)
    except UnknownOutcome:
        raise
    except MarketplaceError:
        link.file.never_left(content)
        raise


def _broke_off(link: Link, there: bytes) -> bool:
    """Whether what lies there is the beginning of a file of ours: what it lacks nobody has taken out."""
    return any(there != content and content.startswith(there) for content in link.file.tried())


def _purchase(sale_id: str, what: str) -> str:
    return f"/purchases/{quote(sale_id, safe='')}/{what}"


def _bought_since(link: Link, since: datetime) -> Iterator[RemoteSale]:
    """Purchases made since then, in whatever state they are, newest first."""
    for sale in _purchased(link, {}):
        if sale.sold_at < since:
            return
        yield sale


def _purchased(link: Link, query: Mapping[str, str]) -> Iterator[RemoteSale]:
    return _wire.readable(link, client.purchases(link, query), mapping.sale_of, _wire.number_at("id"))


def _there(link: Link) -> Inventory:
    """The file as it lies there; where that cannot be read back, the last one that arrived. Raises StockUnknown."""
    return _shown_in(link, client.drop_of(link).read())


def _shown_in(link: Link, content: bytes | None) -> Inventory:
    """As above, of what was read there."""
    last = link.file.last()
    if content is not None and _broke_off(link, content):
        return inventory.parse(content[: content.rfind(b"\n") + 1], torn=True)
    if content is not None:
        _note_there(link, last, content)
        return inventory.parse(content)
    arrived = link.file.arrived()
    if arrived is None and last is not None:
        return Inventory()  # our first file is on its way
    return _inventory(arrived, known=True)


def _note_there(link: Link, last: bytes | None, there: bytes) -> None:
    """What we kept or sent last lies there: it arrived, whatever became of the answer.

    Otherwise what it changed would be taken for the work of a hand once we have changed it again.
    """
    if there != link.file.arrived() and (there == last or there in link.file.tried()):
        link.file.note_arrived(there)


def _base(link: Link, last: bytes | None, there: bytes | None) -> tuple[Inventory, frozenset[str]]:
    """What the next file is made of, and the ticket ids of the rows that a hand has written since our last one.

    It is our last one, with what that hand has put in or taken out there. Before the account's first file of ours, what
    already lies there is taken over as it is. Raises StockUnknown.
    """
    if last is None:
        first = _inventory(there, known=False)
        return first, first.ticket_ids
    if there is not None and _broke_off(link, there):
        return _inventory(last, known=True), frozenset()
    if there is not None:
        _note_there(link, last, there)
    ours, arrived = _inventory(last, known=True), link.file.arrived()
    if there is None or arrived is None:
        return ours, frozenset()
    sent, shown = _inventory(arrived, known=True), inventory.parse(there)
    base = ours.with_changes_by_hand(sent=sent, there=shown)
    return base, base.put_by_hand(sent=sent, there=shown)


def _without_held_back(link: Link, before: Inventory, there: bytes | None) -> Inventory:
    """Without what may not be sent (any more) of a file that was kept and did not arrive: this one must not carry it.

    That is what a brake holds back, and a price that is over. Its own command sends it again once it may.
    """
    unknown = there is None or _broke_off(link, there)
    standing, changed = _inventory(link.file.arrived() or b"" if unknown else there, known=True), before
    unsent = {
        row["TicketID"]: None if unknown else _wire.decimal_of(row["Cost"])
        for row in before.rows
        if _differs(row, standing.row(row["TicketID"]))
    }
    for ticket_id in link.brake.among(unsent) if unsent else ():
        row, shown = before.row(ticket_id), standing.row(ticket_id)
        if row is None or shown is None:
            changed = changed.without(ticket_id)
        else:
            changed = changed.with_row({**row, "Cost": shown["Cost"]})
    return changed


def _differs(row: Row, shown: Row | None) -> bool:
    """Whether a row of ours is not there yet, or at another price."""
    return inventory.is_ours(row["TicketID"]) and (shown is None or shown["Cost"] != row["Cost"])


def _in_numbers(known: Counted, sold: Sold) -> frozenset[str]:
    """The purchases that our last file has in its numbers."""
    return frozenset(one.sale_id for purchases in sold.values() for one in purchases if known.has(one.sale_id, one.at))


def _told_by_hand(drop: Drop, sold: Sold, by_hand: frozenset[str]) -> frozenset[str]:
    """The purchases that rows of a hand have in their numbers: those made before it wrote the file.

    None of them where the server does not tell when that was: too few seats on offer are no double sale.
    """
    purchases = [one for name in by_hand & sold.keys() for one in sold[name]]
    written_at = drop.written_at() if purchases else None
    return frozenset(one.sale_id for one in purchases if written_at is not None and one.at <= written_at)


def _inventory(content: bytes | None, *, known: bool) -> Inventory:
    """A file's inventory; one that we keep and that is empty says that there is nothing. Raises StockUnknown.

    A server that takes files away shows an empty place, whatever Gametime sells of the account.
    """
    if content is None:
        raise StockUnknown("Gametime's server shows no file of this account, which may list all the same")
    return Inventory() if known and not content else inventory.parse(content)
