"""Pages of listings, sales and brakes."""
