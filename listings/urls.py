"""Listings, sales and brakes."""

from django.urls import path

from listings.views import (
    by_hand,
    connections,
    found,
    fulfil,
    listings,
    mapping,
    payouts,
    report,
    resolve,
    sales,
    trading,
)  # fmt: skip

app_name = "listings"
urlpatterns = [
    path("portfolio/listings/", listings.listing_list, name="listing_list"),
    path("portfolio/listings/<uuid:listing_id>/", listings.listing_detail, name="listing_detail"),
    path("portfolio/listings/<uuid:listing_id>/row/", listings.listing_row, name="listing_row"),
    path("portfolio/listings/<uuid:listing_id>/price/", listings.listing_reprice, name="listing_reprice"),
    path("portfolio/listings/<uuid:listing_id>/delist/", listings.listing_delist, name="listing_delist"),
    path("portfolio/commands/<uuid:command_id>/retry/", listings.command_again, name="command_retry"),
    path("portfolio/commands/<uuid:command_id>/give-up/", listings.command_let_be, name="command_give_up"),
    path("portfolio/sales/", sales.sale_list, name="sale_list"),
    path("portfolio/sales/<uuid:sale_id>/", sales.sale_detail, name="sale_detail"),
    path("portfolio/sales/<uuid:sale_id>/hand-over/", fulfil.sale_fulfil, name="sale_fulfil"),
    path("portfolio/sales/<uuid:sale_id>/resolve/", resolve.sale_resolve, name="sale_resolve"),
    path("portfolio/listings/<uuid:listing_id>/bounds/", listings.listing_bounds, name="listing_bounds"),
    path("portfolio/by-hand/", by_hand.hand_list, name="hand_list"),
    path("portfolio/by-hand/<uuid:command_id>/done/", by_hand.hand_done, name="hand_done"),
    path("portfolio/listings/<uuid:listing_id>/sold/", by_hand.listing_sold, name="listing_sold"),
    path("portfolio/listings/<uuid:listing_id>/sold-there/", by_hand.listing_sold_form, name="listing_sold_form"),
    path("settings/connections/<uuid:account_id>/by-hand/", by_hand.hand_account, name="hand_account"),
    path("settings/connections/<uuid:account_id>/mails/", by_hand.mail_forward, name="mail_forward"),
    path("settings/connections/<uuid:account_id>/found/", found.found_list_page, name="found_list"),
    path("settings/connections/<uuid:account_id>/stock/", found.stock_say, name="stock_say"),
    path("settings/connections/found/<uuid:found_id>/adopt/", found.found_adopt, name="found_adopt"),
    path("settings/connections/found/<uuid:found_id>/<slug:what>/", found.found_decide, name="found_decide"),
    path("settings/connections/<uuid:account_id>/", connections.account_detail, name="account_detail"),
    path("portfolio/sales/<uuid:sale_id>/report/", report.sale_report, name="sale_report"),
    path("portfolio/sales/payouts/", payouts.payout_list, name="payout_list"),
    path("portfolio/sales/payouts/<uuid:payout_id>/received/", payouts.payout_received, name="payout_received"),
    path("settings/connections/mapping/", mapping.mapping_list, name="mapping_list"),
    path("settings/selling/", trading.trading_detail, name="trading_detail"),
    path("settings/selling/brake/", trading.brake, name="brake"),
    path("settings/selling/set/", trading.trading_set, name="trading_set"),
    path("settings/selling/<uuid:state_id>/lift/", trading.trading_lift, name="trading_lift"),
]
