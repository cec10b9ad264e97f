"""An account's own file, for platforms where the file is the account: kept before it is sent."""

from marketplaces.models import AccountFile, MarketplaceAccount
from seatsync.core.clock import now


class StoredFile:
    """contracts.AccountFile in the database. No transaction may be open: what was sent must not be undone here."""

    def __init__(self, account: MarketplaceAccount) -> None:
        self._account = account

    def _row(self) -> AccountFile | None:
        return AccountFile.objects.filter(account=self._account).first()

    def last(self) -> bytes | None:
        """As it was kept last."""
        row = self._row()
        return None if row is None or row.content is None else bytes(row.content)

    def keep(self, content: bytes | None) -> None:
        """Keep it, before it is sent."""
        AccountFile.objects.update_or_create(
            account=self._account,
            defaults={"tenant_id": self._account.tenant_id, "content": content, "kept_at": now()},
        )

    def sent(self) -> None:
        """What was kept last has arrived."""
        row = self._row()
        if row is not None:
            row.arrived, row.arrived_at = row.content, now()
            row.save(update_fields=["arrived", "arrived_at", "updated_at"])

    def arrived(self) -> bytes | None:
        """The last one that arrived."""
        row = self._row()
        return None if row is None or row.arrived is None else bytes(row.arrived)
