"""The benchmarks' own arithmetic: their reference is right, and their tables say what was measured."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import psa_engine as pe
from psa_engine import reference
from psa_engine.report.benchmark import benchmark_markdown, measured_rows

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
import fair  # noqa: E402
import tables  # noqa: E402


def short(config, n_draws, n_cycles):
    """A shipped analysis over fewer cycles, and draws of its parameters."""
    a = pe.load_analysis(config)
    rng = np.random.default_rng(8)
    values = {name: np.full(n_draws, mean) for name, mean in a.parameters.means().items()}
    for name in a.parameters.uncertain:
        values[name] = values[name] * rng.uniform(0.9, 1.0, n_draws)
    timeline = replace(a.timeline, n_cycles=n_cycles, discount_rate_effects=0.015)
    return replace(a.model, timeline=timeline), values


@pytest.mark.parametrize("config", ["ruxolitinib_ad_systemic_naive", "sick_sicker"])
def test_the_fair_reference_gives_what_the_plain_one_does(config):
    model, values = short(config, 5, 30)
    got = fair.simulate(fair.prepare(model, values), model.timeline.series(), block=2)
    expected = reference.evaluate(model, values)
    for strategy, outcomes in zip(model.strategies, got, strict=True):
        for name, total in outcomes.items():
            np.testing.assert_allclose(total, expected[name][strategy], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("document", ["README.md", "benchmarks/README.md"])
def test_the_tables_are_those_of_the_results_file(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    results = json.loads(tables.RESULTS.read_text(encoding="utf-8"))
    assert tables.TABLE.search(text)
    assert tables.renewed(text, results) == text


RAW = {
    "machine_info": {"cpu": {"brand_raw": "Abacus", "count": 3}, "python_version": "3.11.9"},
    "commit_info": {"id": "abcdef0123456789", "dirty": False},
    "datetime": "2026-05-04T03:02:01",
    "benchmarks": [
        {
            "group": group,
            "name": "bench",
            "stats": {"median": seconds, "min": seconds, "max": seconds, "rounds": 3},
            "extra_info": {"version": version, "n_draws": 600, "multiply_adds": 1200, **extra},
        }
        for group, version, seconds, extra in (
            ("machine: matrix product", "single", 0.5, {}),
            ("simulation: x", "NumPy double", 6.0, {"cpu_share": 0.9}),
            ("simulation: x", "single", 1.5, {"first_call_seconds": 4.0, "cpu_share": 1.8}),
        )
    ],
}


def test_a_row_is_set_against_the_reference_and_the_machine():
    *_, row = measured_rows(RAW)["rows"]
    assert (row["ratio"], row["compile_seconds"], row["n_draws_per_second"]) == (4.0, 2.5, 400.0)
    assert row["ratio_per_core"] == 2.0
    assert row["share_of_peak"] == pytest.approx(800 / 2400)


def test_a_table_names_machine_date_and_commit_and_leaves_out_other_work():
    text = benchmark_markdown(measured_rows(RAW), "simulation: ")
    assert text.startswith("Abacus, 3 cores, 2026-05-04, commit abcdef012345, ")
    assert "| simulation: x | single | 1.5 | 4.0 | 2.0 |" in text
    assert "machine" not in text
