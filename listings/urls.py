"""Listings, sales and brakes."""

from django.urls import path

from listings.views import fulfil, listings, mapping, payouts, report, resolve, sales, trading

app_name = "listings"
urlpatterns = [
    path("portfolio/listings/", listings.listing_list, name="listing_list"),
    path("portfolio/listings/<uuid:listing_id>/", listings.listing_detail, name="listing_detail"),
    path("portfolio/listings/<uuid:listing_id>/row/", listings.listing_row, name="listing_row"),
    path("portfolio/listings/<uuid:listing_id>/price/", listings.listing_reprice, name="listing_reprice"),
    path("portfolio/listings/<uuid:listing_id>/delist/", listings.listing_delist, name="listing_delist"),
    path("portfolio/commands/<uuid:command_id>/retry/", listings.command_again, name="command_retry"),
    path("portfolio/sales/", sales.sale_list, name="sale_list"),
    path("portfolio/sales/<uuid:sale_id>/", sales.sale_detail, name="sale_detail"),
    path("portfolio/sales/<uuid:sale_id>/hand-over/", fulfil.sale_fulfil, name="sale_fulfil"),
    path("portfolio/sales/<uuid:sale_id>/resolve/", resolve.sale_resolve, name="sale_resolve"),
    path("portfolio/sales/<uuid:sale_id>/report/", report.sale_report, name="sale_report"),
    path("portfolio/sales/payouts/", payouts.payout_list, name="payout_list"),
    path("portfolio/sales/payouts/<uuid:payout_id>/received/", payouts.payout_received, name="payout_received"),
    path("settings/connections/mapping/", mapping.mapping_list, name="mapping_list"),
    path("settings/selling/", trading.trading_detail, name="trading_detail"),
    path("settings/selling/brake/", trading.brake, name="brake"),
    path("settings/selling/set/", trading.trading_set, name="trading_set"),
    path("settings/selling/<uuid:state_id>/lift/", trading.trading_lift, name="trading_lift"),
]
