"""Predictions: predictors, the model registry, and what was predicted."""

from django.apps import AppConfig


class IntelligenceConfig(AppConfig):
    """Django app of the prediction tables."""

    name = "intelligence"
