"""Template tags about marketplaces."""
