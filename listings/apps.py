"""Listings, the command outbox, sales and the pricing door."""

from django.apps import AppConfig


class ListingsConfig(AppConfig):
    """Django app of the listing tables; hears of sales through the marketplaces' inbox."""

    name = "listings"

    def ready(self) -> None:
        """Register the handler of every inbound notice kind, and fill the ports of the ledger and of the accounts."""
        from listings.selectors import offered_among, records_of_ticket
        from listings.services.accounts import (
            account_business,
            account_left_by_hand,
            account_listings_down,
            still_up_on,
            traces_of,
        )
        from listings.services.doubled import doubles_let_go
        from listings.services.drain import holder_drain, tenant_drain, tenant_release
        from listings.services.endings import sales_of_game_end
        from listings.services.expire import listings_hold
        from listings.services.hand_over_due import sales_due_again
        from listings.services.inbound import register_handlers
        from listings.services.let_go import listings_let_go
        from listings.services.stock import stock_order, undecided_left_up
        from listings.services.wake import account_commands_wake
        from listings.services.webhook_back import webhook_back_ordered
        from marketplaces.ports import (
            account_closed,
            account_closing,
            account_connected,
            account_left,
            account_paused,
            business,
            still_up,
            traces,
            webhook_back,
        )
        from portfolios import ports as ledger
        from seatsync.accounts.ports import holder_leaving
        from seatsync.tenants.ports import tenant_resumed, tenant_suspended

        register_handlers()
        ledger.offered_among.fill(offered_among)
        ledger.records_of_ticket.fill(records_of_ticket)
        ledger.seats_going.register(listings_let_go)
        ledger.game_moved.register(listings_hold)
        ledger.game_moved.register(sales_of_game_end)
        ledger.game_moved.register(sales_due_again)
        business.fill(account_business)
        still_up.fill(still_up_on)
        traces.fill(traces_of)
        webhook_back.fill(webhook_back_ordered)
        account_connected.register(account_commands_wake)
        account_connected.register(stock_order)
        account_closing.register(account_listings_down)
        account_left.register(account_left_by_hand)
        account_closed.register(undecided_left_up)
        account_paused.register(doubles_let_go)
        holder_leaving.register(holder_drain)
        tenant_suspended.register(tenant_drain)
        tenant_resumed.register(tenant_release)
