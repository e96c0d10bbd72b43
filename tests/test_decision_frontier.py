"""Fully incremental analysis: worked examples, ties, laws, a published answer, a slow twin."""

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psa_engine.decision import frontier, icers
from psa_engine.sample import PsaSample


def sample_of(**points):
    """A sample of two draws about the (cost, effect) of each strategy, so that means are exact."""
    costs, effects = np.array(list(points.values()), dtype=float).T
    return PsaSample(tuple(points), np.stack([costs - 64, costs + 64]), np.stack([effects - 8, effects + 8]))


def statuses(sample):
    return dict(icers(sample)[["strategy", "status"]].to_numpy())


WORKED = {
    "f": (9000, 1.875),
    "none": (1000, 1.0),
    "b": (3000, 1.5),
    "e": (7000, 2.0),
    "c": (4000, 1.375),
    "d": (6000, 1.625),
}


def test_a_worked_example_with_both_kinds_of_dominance():
    table = icers(sample_of(**WORKED)).set_index("strategy")
    assert list(table.index) == ["none", "b", "c", "d", "e", "f"]
    assert list(table["status"]) == [
        "reference", "on frontier", "dominated", "extendedly dominated", "on frontier", "dominated"
    ]  # fmt: skip
    assert list(table["against"]) == ["", "none", "b", "b", "b", "e"]
    assert table.loc["b", "icer"] == 2000 / 0.5 and table.loc["e", "icer"] == 4000 / 0.5
    assert table["icer"].notna().sum() == 2
    assert table.loc["d", "incremental_costs"] == 3000 and table.loc["d", "incremental_effects"] == 0.125


def test_the_frontier_is_the_reference_and_the_strategies_with_an_icer():
    assert list(frontier(sample_of(**WORKED))["strategy"]) == ["none", "b", "e"]


def test_extended_dominance_is_found_again_after_a_strategy_is_removed():
    table = icers(sample_of(a=(0, 0), b=(5, 1), c=(11, 2), d=(12, 3))).set_index("strategy")
    assert list(table["status"])[1:3] == ["extendedly dominated"] * 2
    assert table.loc["d", "icer"] == 4 and table.loc["d", "against"] == "a"


def test_a_strategy_dominated_only_by_an_extendedly_dominated_one_is_dominated_by_it():
    table = icers(sample_of(a=(0, 0), b=(80, 2), c=(90, 1), d=(100, 10))).set_index("strategy")
    assert table.loc["b", "status"] == "extendedly dominated"
    assert table.loc["c", "status"] == "dominated" and table.loc["c", "against"] == "b"


def test_a_strategy_on_the_line_between_two_others_stays_on_the_frontier():
    table = icers(sample_of(a=(0, 0), b=(1000, 0.25), c=(3000, 0.75)))
    assert list(table["icer"])[1:] == [4000, 4000]


def test_equal_costs_leave_the_more_effective_and_equal_effects_the_cheaper():
    found = statuses(sample_of(worse=(100, 1), better=(100, 2), dearer=(150, 2), last=(200, 3)))
    assert found == {
        "better": "reference", "worse": "dominated", "dearer": "dominated", "last": "on frontier"
    }  # fmt: skip


def test_of_two_equal_strategies_the_first_one_stays():
    for first, second in (("x", "y"), ("y", "x")):
        table = icers(sample_of(**{first: (100, 1), second: (100, 1), "z": (300, 2)})).set_index("strategy")
        assert table.loc[first, "status"] == "reference"
        assert table.loc[second, "status"] == "dominated" and table.loc[second, "against"] == first


def test_means_that_differ_by_rounding_only_are_equal():
    a = PsaSample(("old", "new"), np.array([[100.0, 300.0]]), np.array([[0.3, 0.1 + 0.2]]))
    assert a.effect_values[0, 1] > a.effect_values[0, 0]
    assert statuses(a) == {"old": "reference", "new": "dominated"}


def test_negative_costs_and_effects_move_nothing_but_the_means():
    worked = sample_of(**WORKED)
    moved = PsaSample(worked.strategies, worked.cost_values - 8192, worked.effect_values - 16)
    columns = ["strategy", "incremental_costs", "incremental_effects", "icer", "status", "against"]
    assert icers(moved)[columns].equals(icers(worked)[columns])


def test_a_strategy_that_saves_and_gains_dominates_the_rest():
    found = statuses(sample_of(standard=(500, 1), new=(-200, 1.5), other=(-100, 1.25)))
    assert found == {"new": "reference", "other": "dominated", "standard": "dominated"}


def test_the_order_of_strategies_does_not_matter():
    names = list(WORKED)
    shuffled = {name: WORKED[name] for name in (names[i] for i in (3, 0, 5, 1, 4, 2))}
    assert icers(sample_of(**shuffled)).equals(icers(sample_of(**WORKED)))


def test_the_published_sick_sicker_analysis():
    # DARTH cohort tutorial (Alarid-Escudero et al. 2023), darthtools weights.
    points = {
        "SoC": (151579.865957, 20.7113314643),
        "A": (284804.513371, 21.4986628084),
        "B": (259100.410617, 22.1844651408),
        "AB": (378875.198394, 23.1368441350),
    }
    costs, effects = np.array(list(points.values())).T
    table = icers(PsaSample(tuple(points), costs[None], effects[None])).set_index("strategy")
    assert table.loc["A", "status"] == "dominated" and table.loc["A", "against"] == "B"
    assert table.loc["B", "icer"] == pytest.approx(72987.63607, rel=1e-9)
    assert table.loc["AB", "icer"] == pytest.approx(125763.78575, rel=1e-9)


def on_frontier_by_trial(points):
    """Strategies that some WTP makes best, tried at every crossing, between crossings and beyond."""
    points = set(points)
    kept = [p for p in points if not any(q[0] <= p[0] and q[1] >= p[1] and q != p for q in points)]
    pairs = [(p, q) for p, q in combinations(kept, 2)]
    crossings = sorted({Fraction(q[0] - p[0], q[1] - p[1]) for p, q in pairs})
    tried = [Fraction(0), *crossings, *((a + b) / 2 for a, b in pairwise(crossings))]
    tried += [crossings[-1] + 1] if crossings else []
    best = [max(wtp * e - c for c, e in kept) for wtp in tried]
    return {p for p in kept if any(w * p[1] - p[0] == b for w, b in zip(tried, best, strict=True))}


POINTS = st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=1, max_size=8)


@given(points=POINTS)
@settings(max_examples=300, deadline=None)
def test_the_frontier_is_every_strategy_that_some_wtp_makes_best(points):
    table = frontier(sample_of(**{f"s{i}": point for i, point in enumerate(points)}))
    found = [points[int(name[1:])] for name in table["strategy"]]
    assert set(found) == on_frontier_by_trial(points) and len(set(found)) == len(found)


def test_the_icer_standard_error_is_the_spread_of_icers_over_samples():
    rng = np.random.default_rng(11)
    tables = []
    for _ in range(400):
        effects = rng.normal([10.0, 10.5], 0.25, size=(500, 2))
        costs = 1000 * effects + rng.normal([100.0, 5000.0], 400.0, size=(500, 2))
        tables.append(icers(PsaSample(("old", "new"), costs, effects)).iloc[1])
    spread = np.std([row["icer"] for row in tables], ddof=1)
    stated = np.mean([row["icer_standard_error"] for row in tables])
    assert abs(stated / spread - 1) < 4 / np.sqrt(2 * 400)
