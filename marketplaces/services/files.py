"""An account's own file, for platforms where the file is the account: kept before it is sent."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from marketplaces.errors import TemporaryError
from marketplaces.models import AccountFile, MarketplaceAccount
from seatsync.core.clock import now


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

    def keep(self, content: bytes | None) -> None:
        """Keep it, before it is sent. Raises TemporaryError where another one was kept since `last`."""
        if self._seen == 0:
            kept = self._begin(content)
        else:
            new = {"content": content, "version": F("version") + 1}
            kept = self._change(**new, kept_at=now())
        if not kept:
            raise TemporaryError("another change of this account's file came between")
        self._seen += 1

    def sent(self) -> bool:
        """What was kept has arrived; False where another one was kept meanwhile."""
        return self._change(arrived=F("content"), arrived_at=now())

    def arrived(self) -> bytes | None:
        """The last one that arrived."""
        content = AccountFile.objects.filter(account=self._account).values_list("arrived", flat=True).first()
        return None if content is None else bytes(content)

    def note_arrived(self, content: bytes) -> None:
        """This counts as what arrived last; nothing where another one was kept meanwhile."""
        self._change(arrived=content, arrived_at=now())

    def _begin(self, content: bytes | None) -> bool:
        try:
            with transaction.atomic():
                AccountFile.objects.create(
                    account=self._account, tenant_id=self._account.tenant_id, content=content, kept_at=now()
                )
        except IntegrityError:
            return False
        return True

    def _change(self, **values: Any) -> bool:
        as_seen = AccountFile.objects.filter(account=self._account, version=self._seen)
        return as_seen.update(**values, updated_at=now()) > 0


def file_declare(account: MarketplaceAccount, content: bytes) -> None:
    """The account's file as its holder says that it lies there, where that cannot be read; empty: nothing is listed.

    The first file of ours is made of it, so that nothing of it is lost.
    """
    moment = now()
    AccountFile.objects.update_or_create(
        account=account,
        defaults={
            "tenant_id": account.tenant_id, "content": content, "arrived": content, "kept_at": moment,
            "arrived_at": moment,
        },
    )  # fmt: skip
