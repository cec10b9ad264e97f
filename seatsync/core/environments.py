"""The names that ENVIRONMENT may have: the one list, for what runs before Django's settings and for them."""

ENVIRONMENTS = ("dev", "test", "production")
