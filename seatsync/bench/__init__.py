"""Measurements by name: each prints its figure beside a named baseline of the same run."""
