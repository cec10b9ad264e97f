"""A holding, built by the services."""

import pytest

from tests.builders import Holding, build_holding


@pytest.fixture
def holding(db: None) -> Holding:
    return build_holding()
