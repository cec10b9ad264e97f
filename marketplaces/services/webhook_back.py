"""The webhook of an account that is given up: it is taken back at its marketplace before the keys go.

Else each sale, with its buyer's name, would go on being sent to an address that refuses it. It is the last that is done
over an account, since until then a sale may be told.
"""

from marketplaces.models import MarketplaceAccount
from marketplaces.ports import webhook_back


def webhook_let_go(account: MarketplaceAccount) -> bool:
    """Whether nothing is waited for of a locked account's webhook: there is none, it is taken back, or given up.

    Taking it back is ordered where nobody did yet, once for each time that the account is given up.
    """
    if not account.webhook_id:
        return True
    began = "left" if account.keys_of else f"{account.closing_at:%Y%m%d%H%M%S%f}" if account.closing_at else ""
    return not began or webhook_back(account.pk, began)


def keys_let_go(account: MarketplaceAccount) -> bool:
    """Drop the keys of a locked account that its holder works by hand, once its webhook is taken back over them.

    So it is with one that became another seller's. Returns whether they went. The account's own secret stays: his mails
    are forwarded with it.
    """
    if not account.keys_of or not webhook_let_go(account):
        return False
    account.access_token = account.refresh_token = account.webhook_id = account.keys_of = ""
    account.expires_at = None
    account.save(update_fields=["access_token", "refresh_token", "webhook_id", "keys_of", "expires_at", "updated_at"])
    return True
