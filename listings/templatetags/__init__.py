"""Template tags of listings."""
