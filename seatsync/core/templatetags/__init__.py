"""Template tags of the product's pages."""
