"""An account's own file, for platforms where the file is the account: kept before it is sent."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from marketplaces.contracts import Counted
from marketplaces.errors import TemporaryError
from marketplaces.models import AccountFile, MarketplaceAccount
from seatsync.core.clock import now

# A line that breaks so often in a row leaves what was tried last.
MOST_TRIED = 5


class StoredFile:
    """contracts.AccountFile in the database. No transaction may be open: what was sent must not be undone here.

    A worker that was too slow may still be at it when another has taken its command over: what it read is then no
    longer the last file, and it keeps nothing.
    """

    def __init__(self, account: MarketplaceAccount) -> None:
        self._account = account
        self._seen = 0

    def last(self) -> bytes | None:
        """As it was kept last."""
        row = AccountFile.objects.filter(account=self._account).values_list("version", "content").first()
        self._seen, content = row or (0, None)
        return None if content is None else bytes(content)

    def counted(self) -> Counted:
        """What the file kept last has in its numbers."""
        row = AccountFile.objects.filter(account=self._account).values_list("counted", "counted_until").first()
        return Counted() if row is None else Counted(frozenset(row[0]), row[1])

    def keep(self, content: bytes | None, counted: Counted) -> None:
        """Keep it, before it is sent. Raises TemporaryError where another one was kept since `last`."""
        new = {
            "content": content, "kept_at": now(), "counted": sorted(counted.sales), "counted_until": counted.until,
        }  # fmt: skip
        kept = self._begin(new) if self._seen == 0 else self._change(**new, version=F("version") + 1)
        if not kept:
            raise TemporaryError("another change of this account's file came between")
        self._seen += 1

    def trying(self, content: bytes) -> None:
        """It is about to be sent; the newest ones are remembered."""
        tried = [*self.tried(), content][-MOST_TRIED:]
        AccountFile.objects.filter(account=self._account).update(tried=tried, updated_at=now())

    def never_left(self, content: bytes) -> None:
        """It was not sent after all."""
        tried = self.tried()
        if content in tried:
            tried.remove(content)
            AccountFile.objects.filter(account=self._account).update(tried=tried, updated_at=now())

    def tried(self) -> list[bytes]:
        """What was sent since one last arrived, oldest first."""
        tried = AccountFile.objects.filter(account=self._account).values_list("tried", flat=True).first()
        return [bytes(content) for content in tried or ()]

    def sent(self) -> bool:
        """What was kept has arrived; False where another one was kept meanwhile."""
        return self._change(arrived=F("content"), arrived_at=now(), tried=[])

    def arrived(self) -> bytes | None:
        """The last one that arrived."""
        content = AccountFile.objects.filter(account=self._account).values_list("arrived", flat=True).first()
        return None if content is None else bytes(content)

    def note_arrived(self, content: bytes) -> None:
        """This counts as what arrived last; nothing where another one was kept meanwhile."""
        self._change(arrived=content, arrived_at=now(), tried=[])

    def _begin(self, new: dict[str, Any]) -> bool:
        try:
            with transaction.atomic():
                AccountFile.objects.create(account=self._account, tenant_id=self._account.tenant_id, **new)
        except IntegrityError:
            return False
        return True

    def _change(self, **values: Any) -> bool:
        as_seen = AccountFile.objects.filter(account=self._account, version=self._seen)
        return as_seen.update(**values, updated_at=now()) > 0


def file_declare(account: MarketplaceAccount, content: bytes) -> None:
    """The account's file as its holder says that it lies there, where that cannot be read; empty: nothing is listed.

    The first file of ours is made of it, so that nothing of it is lost. It is taken to know what was bought before.
    """
    moment = now()
    AccountFile.objects.update_or_create(
        account=account,
        defaults={
            "tenant_id": account.tenant_id, "content": content, "arrived": content, "kept_at": moment,
            "arrived_at": moment, "tried": [], "counted": [], "counted_until": moment,
        },
    )  # fmt: skip
