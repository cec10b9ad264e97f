"""Listings (projections of ledger seats), commands to marketplaces, sales, trading states and price history."""

from listings.models.brakes import (
    PushHalt,
    PushHaltQuerySet,
    TradingState,
    TradingStateKind,
    TradingStateQuerySet,
)
from listings.models.commands import (
    AccountSweep,
    CommandKind,
    CommandState,
    MarketplaceCommand,
    SweepFinding,
)
from listings.models.delivery import (
    TICKET_KINDS,
    DeliveryTerms,
    ListingTicket,
    SaleProof,
    SeatTicket,
)
from listings.models.found import (
    FoundKind,
    FoundListing,
    FoundListingQuerySet,
    FoundState,
)
from listings.models.listings import (
    DELIVERIES,
    SOLD_THERE,
    Listing,
    ListingQuerySet,
    ListingSeat,
    ListingStatus,
    SplitType,
    Unlike,
)
from listings.models.payouts import (
    BY_HAND,
    CHARGED_BY_HAND,
    TAKEN_BY_HAND,
    Payout,
    PayoutLine,
    PayoutQuerySet,
)
from listings.models.prices import (
    PriceHistory,
    PriceProposal,
)
from listings.models.sales import (
    NO_NUMBER,
    PRACTICE_OVER,
    EffectKind,
    EndingEffect,
    Sale,
    SaleEnding,
    SaleQuerySet,
    SaleSeat,
    SaleState,
)

__all__ = [
    "BY_HAND",
    "CHARGED_BY_HAND",
    "DELIVERIES",
    "NO_NUMBER",
    "PRACTICE_OVER",
    "SOLD_THERE",
    "TAKEN_BY_HAND",
    "TICKET_KINDS",
    "AccountSweep",
    "CommandKind",
    "CommandState",
    "DeliveryTerms",
    "EffectKind",
    "EndingEffect",
    "FoundKind",
    "FoundListing",
    "FoundListingQuerySet",
    "FoundState",
    "Listing",
    "ListingQuerySet",
    "ListingSeat",
    "ListingStatus",
    "ListingTicket",
    "MarketplaceCommand",
    "Payout",
    "PayoutLine",
    "PayoutQuerySet",
    "PriceHistory",
    "PriceProposal",
    "PushHalt",
    "PushHaltQuerySet",
    "Sale",
    "SaleEnding",
    "SaleProof",
    "SaleQuerySet",
    "SaleSeat",
    "SaleState",
    "SeatTicket",
    "SplitType",
    "SweepFinding",
    "TradingState",
    "TradingStateKind",
    "TradingStateQuerySet",
    "Unlike",
]
