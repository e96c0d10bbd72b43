"""The benchmarks' own arithmetic: their reference is right, and their tables say what was measured."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import psa_engine as pe
from psa_engine import reference
from psa_engine.cli import benchmark
from psa_engine.errors import InputError
from psa_engine.report.benchmark import benchmark_markdown, benchmark_table, measured_rows

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
import apart  # noqa: E402
import fair  # noqa: E402
import measuring  # noqa: E402
import scaling  # noqa: E402
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
    assert tables.TABLE.search(text)
    assert tables.renewed(text, tables.kept()) == text


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


def test_a_table_keeps_the_rows_of_one_work_together():
    rows = [{"work": work, "version": by, "seconds": 1.0} for work, by in ("ax", "bx", "ay")]
    assert [row[:2] for row in benchmark_table({"rows": rows})[1]] == [["a", "x"], ["a", "y"], ["b", "x"]]


def test_a_table_says_how_busy_the_machine_was():
    text = benchmark_markdown({**measured_rows(RAW), "load_before": 9.87})
    assert text.startswith("Abacus, 3 cores, load before it 9.9, 2026-05-04, commit")


def timed(axis, sizes, seconds):
    """A results file of one row a size."""
    return {"rows": [{"axis": axis, "size": n, "seconds": s} for n, s in zip(sizes, seconds, strict=True)]}


SIZES = np.array([3.0, 10, 40, 100])


def test_the_exponent_of_a_power_is_found_without_error():
    found = scaling.fit(SIZES, 0.2 * SIZES**1.3)
    assert (found.exponent, found.error) == pytest.approx((1.3, 0), abs=1e-12)


def test_the_error_of_the_exponent_is_that_of_least_squares():
    noise = np.array([1.1, 0.95, 1.02, 0.9])
    expected = stats.linregress(np.log(SIZES), np.log(SIZES * noise))
    found = scaling.fit(SIZES, SIZES * noise)
    assert (found.exponent, found.error) == pytest.approx((expected.slope, expected.stderr))


def test_a_straight_line_is_found_from_its_start_and_slope():
    found = scaling.fit(SIZES, 2 + 0.5 * SIZES)
    assert (found.start, found.each, found.off) == pytest.approx((2, 0.5, 0))


def test_draws_are_fitted_from_a_hundred_thousand_on():
    sizes = np.array([1e3, 1e5, 1e6, 1e7])
    rows = timed("draws", sizes, np.where(sizes < 1e4, 9.0, sizes / 1e5))
    assert scaling.fits([rows])["draws"].exponent == pytest.approx(1)


def test_the_fits_take_the_sizes_of_all_files():
    files = [timed("cycles", [100, 50], [2.0, 1.0]), timed("cycles", [400], [8.0])]
    assert "| cycles | 50 | 400 | 1.000 | 0.000 |" in scaling.scaling_markdown(files)


def test_the_figure_has_a_panel_for_each_kind_of_size(tmp_path):
    files = [timed("cycles", SIZES, SIZES), timed("cores", [1, 2], [2.0, 1.1])]
    scaling.draw(files, tmp_path / "drawn.svg")
    drawn = (tmp_path / "drawn.svg").read_text()
    assert ">cycles: exponent 1.00<" in drawn and ">cores<" in drawn


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_memory_of_a_call_is_what_it_takes_and_gives_back():
    assert measuring.memory_of(lambda: np.ones(2**24).sum()) == pytest.approx(2**27, rel=0.05)


def test_the_distance_of_two_samples_is_in_their_standard_errors():
    swing = np.tile([-1.0, 1.0], 200)[:, None]
    a, b = (
        pe.PsaSample(("only",), 50 + 3 * swing[:n], shift + swing[:n]) for n, shift in ((400, 0), (100, 0.5))
    )
    assert apart.standard_errors_off(a, b) == pytest.approx(0.5 / np.sqrt(1 / 400 + 1 / 100))


def test_a_benchmark_cannot_be_quick_and_long():
    with pytest.raises(InputError, match="choose one"):
        benchmark.run_benchmarks(quick=True, long=True, out=None, as_json=False, only=None)


def test_names_in_brackets_are_shown(capsys):
    rows = [{**row, "work": "grams[cream]"} for row in measured_rows(RAW)["rows"]]
    benchmark._show({**measured_rows(RAW), "rows": rows})
    assert "grams[cream]" in capsys.readouterr().out


def chosen(long, keyword):
    """Which of an ordinary, a long and a peers' benchmark are run."""
    spec = importlib.util.spec_from_file_location("benchmarks_conftest", ROOT / "benchmarks" / "conftest.py")
    suite = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = suite  # a dataclass looks for its module there
    spec.loader.exec_module(suite)
    items = [SimpleNamespace(name=name, keywords={name}) for name in ("ordinary", "long", "peers")]
    options = {"--long": long, "keyword": keyword}
    hook = SimpleNamespace(pytest_deselected=lambda items: None)
    suite.pytest_collection_modifyitems(SimpleNamespace(getoption=options.get, hook=hook), items)
    return [item.name for item in items]


@pytest.mark.parametrize(
    ("long", "keyword", "expected"),
    [(False, "", "ordinary"), (True, "", "long"), (False, "peers and sobol", "peers")],
)
def test_long_benchmarks_and_peers_run_only_when_asked_for(long, keyword, expected):
    assert chosen(long, keyword) == [expected]


def test_why_nothing_was_measured_is_said_once():
    said = "ss\nSKIPPED [2] b/bench_peers.py:45: no SALib\nSKIPPED [1] b/bench_peers.py:99: no SALib\n2 skipped\n"
    assert benchmark._reasons(said) == "no SALib"
