"""The table of `make reliability`, each fault tried once or twice."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import reliability

pytestmark = pytest.mark.slow


def test_every_fault_is_survived_and_no_finished_block_is_lost():
    rows = [row.strip("|").split("|") for row in reliability.tried(seed=2, share=0.1)[2:-1]]
    assert len(rows) == len(reliability.FAULTS)
    for fault, tried, same, lost in rows:
        assert "root" in tried or (int(tried) == int(same) and int(lost) == 0), fault
