"""How results settle with draws: against statistics of the first draws computed one count at a time."""

import numpy as np
import pytest
from assertions import assert_within_mc_error

import psa_engine as pe
from psa_engine.sensitivity import convergence, draws_needed

N = 3000
RANDOM = np.random.default_rng(8)
COSTS = RANDOM.normal([1000, 1900], [100, 400], (N, 2))
EFFECTS = RANDOM.normal([0.4, 0.5], [0.05, 0.1], (N, 2))
SAMPLE = pe.PsaSample(("old", "new"), COSTS, EFFECTS)
TABLE = convergence(SAMPLE, [12_000, 5_000], "new", "old")


def test_each_row_is_that_of_the_first_draws():
    row = TABLE[TABLE["wtp"] == 12_000].iloc[11]
    first = slice(0, int(row["n_draws"]))
    gain = (12_000 * (EFFECTS[first, 1] - EFFECTS[first, 0])) - (COSTS[first, 1] - COSTS[first, 0])
    assert row["inmb"] == pytest.approx(gain.mean())
    assert row["inmb_standard_error"] == pytest.approx(gain.std(ddof=1) / np.sqrt(len(gain)))
    assert row["probability"] == pytest.approx((gain > 0).mean())


def test_the_running_icer_and_its_error_are_those_of_the_sample_at_the_end():
    last = TABLE[TABLE["wtp"] == 5_000].iloc[-1]
    pair = pe.pairwise_icers(SAMPLE, "old").iloc[0]
    assert last["n_draws"] == N and last["icer"] == pytest.approx(pair["icer"])
    assert last["icer_standard_error"] == pytest.approx(pair["icer_standard_error"])


def test_the_counts_rise_to_all_the_draws():
    counts = TABLE[TABLE["wtp"] == 5_000]["n_draws"]
    assert counts.is_monotonic_increasing and counts.iloc[[0, -1]].tolist() == [10, N]


NEEDED = draws_needed(SAMPLE, [12_000], "new", "old", qaly_error=0.002).set_index("quantity")


def test_the_draws_needed_follow_from_the_standard_deviation():
    """The variance of the INMB is that of two independent normals for each of costs and effects."""
    sd = np.sqrt(12_000**2 * (0.05**2 + 0.1**2) + 100**2 + 400**2)
    assert_within_mc_error(NEEDED.loc["inmb", "draws"], (sd / 24) ** 2, (sd / 24) ** 2 * np.sqrt(2 / N))


def test_as_many_draws_as_are_needed_give_the_error_aimed_at():
    n = int(NEEDED.loc["inmb", "draws"])
    random = np.random.default_rng(9)
    gain = 12_000 * random.normal(0.1, np.hypot(0.05, 0.1), n) - random.normal(900, np.hypot(100, 400), n)
    assert gain.std(ddof=1) / np.sqrt(n) == pytest.approx(24, rel=0.05)


def test_a_sample_says_whether_it_is_large_enough():
    assert not NEEDED.loc["probability", "enough"] and NEEDED.loc["probability", "draws"] > N
    assert draws_needed(SAMPLE, [12_000], "new", "old", probability_error=0.02).iloc[-1]["enough"]


def unanimous(n):
    return pe.PsaSample(("old", "new"), COSTS[:n], np.column_stack([EFFECTS[:n, 0], EFFECTS[:n, 0] + 1]))


def test_ten_draws_that_agree_are_not_enough():
    row = draws_needed(unanimous(10), 12_000, "new", "old").set_index("quantity").loc["probability"]
    assert not row["enough"] and row["draws"] == 300


def test_the_error_of_draws_that_agree_is_half_the_exact_bound():
    """At the upper 95 % bound of the chance of disagreeing, 300 draws agree once in twenty (Clopper-Pearson)."""
    row = draws_needed(unanimous(300), 12_000, "new", "old").set_index("quantity").loc["probability"]
    assert row["enough"] and 2 * row["standard_error"] == pytest.approx(1 - 0.05 ** (1 / 300), rel=0.01)


def test_a_running_probability_of_one_has_an_error():
    table = convergence(unanimous(300), 12_000, "new", "old")
    assert table["probability"].iloc[-1] == pytest.approx(1)
    assert table["probability_standard_error"].iloc[-1] == pytest.approx(1.5 / 300)


def test_one_draw_has_no_error():
    one = pe.PsaSample(("old", "new"), COSTS[:1], EFFECTS[:1])
    assert np.isnan(convergence(one, 5_000)["inmb_standard_error"].iloc[0])
