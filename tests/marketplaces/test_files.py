"""An account's own file: who was overtaken keeps nothing, and puts right what it wrote over a newer one."""

from datetime import timedelta

import pytest

from marketplaces.adapters.gametime import adapter as gametime
from marketplaces.contracts import Counted
from marketplaces.errors import TemporaryError
from marketplaces.models import AccountFile, MarketplaceAccount
from marketplaces.services.files import MOST_TRIED, StoredFile, file_declare
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(market: Market) -> MarketplaceAccount:
    return market.accounts["alpha"]


def test_it_is_kept_then_known_to_have_arrived(account: MarketplaceAccount) -> None:
    file = StoredFile(account)
    assert (file.last(), file.arrived()) == (None, None)
    file.keep(b"one", Counted())
    assert (StoredFile(account).last(), file.arrived()) == (b"one", None)
    assert file.sent()
    file.keep(b"two", Counted())
    assert (StoredFile(account).last(), file.arrived()) == (b"two", b"one")
    file.keep(None, Counted())
    assert StoredFile(account).last() is None


def test_what_its_rows_have_in_their_numbers_is_kept_with_it(account: MarketplaceAccount) -> None:
    file, moment = StoredFile(account), now()
    assert file.last() is None
    assert file.counted() == Counted()
    file.keep(b"one", Counted(frozenset({"7", "5"})))
    assert StoredFile(account).counted() == Counted(frozenset({"5", "7"}))
    # Its holder says how it is: what was bought until then is known to him.
    file_declare(account, b"TicketID\r\n")
    told = file.counted()
    assert (told.sales, told.has("9", moment), told.has("9", now() + timedelta(hours=1))) == (frozenset(), True, False)


def test_what_was_sent_and_not_answered_is_remembered_until_one_arrives(account: MarketplaceAccount) -> None:
    file = StoredFile(account)
    assert file.last() is None
    file.keep(b"one", Counted())
    for content in (b"one", b"two"):
        file.trying(content)
    assert StoredFile(account).tried() == [b"one", b"two"]
    file.never_left(b"two")
    file.never_left(b"three")
    assert file.tried() == [b"one"]
    for number in range(MOST_TRIED):
        file.trying(b"%d" % number)
    assert file.tried() == [b"%d" % number for number in range(MOST_TRIED)]
    assert file.sent()
    assert file.tried() == []


def test_who_was_overtaken_keeps_nothing(account: MarketplaceAccount) -> None:
    slow, quick = StoredFile(account), StoredFile(account)
    for before in (None, b"quick 1"):
        assert slow.last() == quick.last() == before
        quick.keep(b"quick 1" if before is None else b"quick 2", Counted())
        with pytest.raises(TemporaryError):
            slow.keep(b"slow", Counted())
        assert not slow.sent()
    kept = AccountFile.objects.get(account=account)
    assert (bytes(kept.content or b""), kept.arrived) == (b"quick 2", None)


def test_what_was_written_over_a_newer_one_is_put_right(account: MarketplaceAccount) -> None:
    """The slow one had kept its file, and wrote it when a newer one lay there already."""
    slow, there = StoredFile(account), list[bytes]()
    assert slow.last() is None
    slow.keep(b"with a row that is sold", Counted())

    class Drop:
        def read(self) -> bytes | None:
            return there[-1] if there else None

        def write(self, content: bytes) -> None:
            if not there:
                quick = StoredFile(account)
                quick.last()
                quick.keep(b"without it", Counted())
            there.append(content)

    line = Line(slow)
    gametime._send(line, Drop(), b"with a row that is sold")  # type: ignore[arg-type]  # only its file is asked for
    assert there == [b"with a row that is sold", b"without it"]
    assert slow.arrived() == b"without it"


class Line:
    """A line of which only the file is asked for."""

    def __init__(self, file: StoredFile) -> None:
        self.file = file
