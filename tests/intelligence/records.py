"""The recorded sales beside this checkout, and the marks of tests that need them."""

from pathlib import Path

import pytest

RECORD = Path(__file__).resolve().parents[3] / "shared" / "data" / "sales_mlb_2025.csv.gz"
needs_record = pytest.mark.skipif(not RECORD.exists(), reason="the recorded sales are not beside this checkout")
