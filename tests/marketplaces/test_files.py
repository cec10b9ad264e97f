"""An account's own file: who was overtaken keeps nothing, and puts right what it wrote over a newer one."""

import pytest

from marketplaces.adapters.gametime import adapter as gametime
from marketplaces.errors import TemporaryError
from marketplaces.models import AccountFile, MarketplaceAccount
from marketplaces.services.files import StoredFile
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(market: Market) -> MarketplaceAccount:
    return market.accounts["alpha"]


def test_it_is_kept_then_known_to_have_arrived(account: MarketplaceAccount) -> None:
    file = StoredFile(account)
    assert (file.last(), file.arrived()) == (None, None)
    file.keep(b"one")
    assert (StoredFile(account).last(), file.arrived()) == (b"one", None)
    assert file.sent()
    file.keep(b"two")
    assert (StoredFile(account).last(), file.arrived()) == (b"two", b"one")
    file.keep(None)
    assert StoredFile(account).last() is None


def test_who_was_overtaken_keeps_nothing(account: MarketplaceAccount) -> None:
    slow, quick = StoredFile(account), StoredFile(account)
    for before in (None, b"quick 1"):
        assert slow.last() == quick.last() == before
        quick.keep(b"quick 1" if before is None else b"quick 2")
        with pytest.raises(TemporaryError):
            slow.keep(b"slow")
        assert not slow.sent()
    kept = AccountFile.objects.get(account=account)
    assert (bytes(kept.content or b""), kept.arrived) == (b"quick 2", None)


def test_what_was_written_over_a_newer_one_is_put_right(account: MarketplaceAccount) -> None:
    """The slow one had kept its file, and wrote it when a newer one lay there already."""
    slow, there = StoredFile(account), list[bytes]()
    assert slow.last() is None
    slow.keep(b"with a row that is sold")

    class Drop:
        def read(self) -> bytes | None:
            return there[-1] if there else None

        def write(self, content: bytes) -> None:
            if not there:
                quick = StoredFile(account)
                quick.last()
                quick.keep(b"without it")
            there.append(content)

    line = Line(slow)
    gametime._send(line, Drop(), b"with a row that is sold")  # type: ignore[arg-type]  # only its file is asked for
    assert there == [b"with a row that is sold", b"without it"]
    assert slow.arrived() == b"without it"


class Line:
    """A line of which only the file is asked for."""

    def __init__(self, file: StoredFile) -> None:
        self.file = file
