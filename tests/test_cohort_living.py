"""The quick way through a cohort model, conditional on being alive: when it is taken, and that it changes nothing."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cohorts import STATES, WITH_DEATHS, cohort

import psa_engine as pe
from psa_engine import reference
from psa_engine.cohort import living
from psa_engine.cohort.chain import Chain, Rows, run_cycles, run_part
from psa_engine.cohort.live import live_edges
from psa_engine.cohort.payoffs import sort_payoffs
from psa_engine.cohort.time_dependence import as_multiple, comparisons, evaluated, traced
from psa_engine.engine import compiled, evaluate, named_edges
from psa_engine.engine.derivatives import derivatives
from psa_engine.model import Draw

TWENTY = replace(WITH_DEATHS, n_cycles=20, discount_rate_costs=0.1, discount_rate_effects=0.02)
T = pe.accrual.Time(jnp.float64(3), jnp.float64(1.5), jnp.float64(41.5), jnp.float64(0.01), jnp.float64(0.9))


def plan(model, **values):
    structure, inputs = model.structure, model.inputs()
    p = Draw({k: jnp.float64(v) for k, v in values.items()}, structure.strategies, 0)
    edges = structure.edges(p, inputs)
    return living.planned(edges, sort_payoffs(structure.states, edges, structure.payoffs(p), T), inputs)


def sooner_or_later(p):
    """Half fall ill in each cycle from a year on that is drawn, and a few recover before another."""
    return lambda t: {
        ("well", "ill"): jnp.where(t.year >= p["onset"], 0.5, 0.01),
        ("ill", "well"): p["recovery"] * (t.cycle < p["end"]),
        ("ill", "dead"): 0.1,
    }


def care(p):
    return {
        "costs.care": {"ill": 100.0, ("well", "ill"): p["visit"]},
        "effects.qalys": {
            "well": lambda t: 0.9 * t.utility_multiplier,
            "ill": lambda t: t.year * p["u"] / 10,
        },
    }


DRAWN = {"onset": np.array([2.0, 5, 5, 11, 19, 30]), "recovery": np.linspace(0.1, 0.3, 6), "end": 7.0,
         "visit": np.array([3.0, 1, 4, 1, 5, 9]), "u": 0.5}  # fmt: skip
ONSET = cohort(sooner_or_later, care, timeline=TWENTY, death="dead")


def test_spans_that_begin_at_drawn_times_agree_with_the_reference():
    assert plan(ONSET, **{k: np.max(v) for k, v in DRAWN.items()}) is not None
    apart = reference.disagreement(ONSET, DRAWN, evaluate(ONSET, DRAWN))
    assert max(apart.values()) < 1e-12, apart


def test_a_draw_does_not_depend_on_when_others_change():
    together = evaluate(ONSET, DRAWN)
    alone = [
        evaluate(ONSET, {k: v[i : i + 1] if np.ndim(v) else v for k, v in DRAWN.items()}) for i in range(6)
    ]
    for i, one in enumerate(alone):
        assert one.cost_values[0, 0] == together.cost_values[i, 0]
        assert one.effect_values[0, 0] == together.effect_values[i, 0]


def admitted(p):
    """Everybody waits for an admission at a drawn year and then is ill or well, back and forth."""
    return lambda t: {
        ("waiting", "ill"): jnp.where(t.year >= p["onset"], p["share"], 0.0),
        ("waiting", "well"): jnp.where(t.year >= p["onset"], 1 - p["share"], 0.0),
        ("ill", "well"): jnp.where(t.cycle < p["end"], p["recovery"], 0.01),
        ("well", "ill"): 0.1,
    }


WAITS = cohort(
    admitted, states=("waiting", *STATES), initial="waiting", timeline=TWENTY, death="dead",
    payoffs=lambda p: {"costs.stay": {"waiting": p["visit"], "ill": 100.0}, "effects.qalys": {"well": p["u"]}},
)  # fmt: skip
WAITED = {**DRAWN, "share": np.linspace(0.2, 0.9, 6)}


def test_a_state_that_all_have_left_agrees_with_the_reference():
    assert max(reference.disagreement(WAITS, WAITED, evaluate(WAITS, WAITED)).values()) < 1e-12


def test_a_draw_does_not_depend_on_whether_others_have_left_a_state():
    together = evaluate(WAITS, WAITED)
    for i in range(6):
        alone = evaluate(WAITS, {k: v[i : i + 1] if np.ndim(v) else v for k, v in WAITED.items()})
        assert alone.cost_values[0, 0] == together.cost_values[i, 0]


def test_a_strategy_that_uses_only_a_state_that_all_have_left_moves_nobody():
    chain = Chain(((0, 1),), (0, 1), (), (((0,), ()), ((0, 1), (0,))), passed=(0,))
    held = Rows(jnp.array([[0.0], [1.0]]), jnp.zeros((1, 2, 1)), jnp.zeros((1, 0, 1)))
    ones = jnp.ones((2, 1))
    after = run_part(chain, 0, run_cycles, held, ones[:1], ones, ones, jnp.int32(0), jnp.int32(2))
    assert after.states[:, 0].tolist() == [0.0, 1.0] and not after.sums.any()


def test_the_derivative_by_a_share_that_is_zero_is_what_moving_everybody_there_changes():
    model = cohort(
        lambda p: lambda t: {("ill", "well"): jnp.where(t.cycle >= 2, p["recovery"], 0.1)},
        timeline=TWENTY,
        initial=lambda p: {"well": 1 - p["ill"], "ill": p["ill"]},
        payoffs=lambda p: {"costs.stay": {"ill": 900.0, "well": 40.0}, "effects.qalys": {"well": 0.9}},
    )
    nobody, everybody = (
        evaluate(model, {"ill": ill, "recovery": 0.3}).cost_values[0, 0] for ill in (0.0, 1.0)
    )
    slope = derivatives(model, {"ill": 0.0, "recovery": 0.3}, ["ill"])[1]["costs"][0, 0]
    assert slope == pytest.approx(everybody - nobody, rel=1e-12)


DRUG = ((2, 3), (2, 5), (3, 4), (3, 5), (4, 2), (4, 5), (5, 6), (5, 7), (6, 7), (0, 2), (0, 3), (1, 5))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_leaving_out_empty_states_changes_no_bit(dtype):
    r, n = np.random.default_rng(1), 64
    chain = Chain(DRUG, tuple(range(8)), (0,), ((tuple(range(8)), tuple(range(len(DRUG)))),), passed=(0, 1))
    x = np.where(np.arange(8)[:, None] < 2, 0, r.random((8, n)))
    held = Rows(*(jnp.asarray(a, dtype) for a in (x, np.zeros((4, 8, n)), np.zeros((2, 1, n)))))
    given = [jnp.asarray(r.uniform(0, 0.3, shape), dtype) for shape in ((len(DRUG), n), (50, 4), (50, 2))]

    @partial(jax.jit, static_argnums=0)
    def run(chain, held, p, weights, moments, last):
        return run_part(chain, 0, run_cycles, held, p, weights, moments, jnp.int32(0), last)

    without, whole = (run(c, held, *given, 50) for c in (chain, chain._replace(passed=())))
    assert all(np.array_equal(a, b) for a, b in zip(without, whole, strict=True))


def test_edges_out_of_a_state_that_all_have_left_are_not_even_read():
    chain = Chain(((0, 1), (1, 2)), (0, 1, 2), (), (((0, 1, 2), (0, 1)),), passed=(0,))
    held = Rows(jnp.array([[0.0], [0.75], [0.25]]), jnp.zeros((1, 3, 1)), jnp.zeros((1, 0, 1)))
    p, ones = jnp.array([[jnp.nan], [0.5]]), jnp.ones((2, 1))
    after = run_part(chain, 0, run_cycles, held, p, ones, ones, jnp.int32(0), jnp.int32(2))
    assert after.states[:, 0].tolist() == [0.0, 0.1875, 0.8125]


@pytest.mark.parametrize("tile", [32, 128])
def test_a_draw_does_not_depend_on_how_many_go_together(tile, monkeypatch):
    values = {k: np.resize(v, 300) if np.ndim(v) else v for k, v in DRAWN.items()}
    values["recovery"] = np.linspace(0.1, 0.4, 300)
    expected = evaluate(ONSET, values)
    monkeypatch.setattr(compiled, "TILE", tile)
    compiled.evaluated.cache_clear()
    got = evaluate(ONSET, values)
    compiled.evaluated.cache_clear()
    assert got.costs.equals(expected.costs) and got.effects.equals(expected.effects)


@pytest.mark.parametrize(
    "change",
    [
        {"mortality_ratio": lambda p: {"ill": 2.0}},
        {"payoffs": lambda p: {"deaths": {("ill", "dead"): 1.0}}},
        {"payoffs": lambda p: {"costs.funeral": {"dead": 1.0}}},
        {"payoffs": lambda p: {"costs.x": {"ill": lambda t: 1.0 + t.year}}},
        {"payoffs": lambda p: {"costs.x": {("well", "ill"): lambda t: t.year}}},
        {"transitions": lambda p: lambda t: {("well", "ill"): t.age / 1000}},
    ],
)
def test_deaths_stay_in_the_loop_where_something_depends_on_them(change):
    assert plan(replace(ONSET, **change), **{k: np.max(v) for k, v in DRAWN.items()}) is None


def test_an_impossible_probability_in_a_later_span_is_found():
    model = replace(
        ONSET, transitions=lambda p: lambda t: {("well", "ill"): jnp.where(t.year < 9, 0.1, p["u"])}
    )
    with pytest.raises(pe.ModelError, match="cycle 9"):
        evaluate(model, {**DRAWN, "u": np.array([0.5, 1.5])[[0, 0, 0, 1, 0, 0]]})


def test_comparisons_with_time_are_found():
    program = traced(lambda t: [jnp.where(t.year < 2, 0.1, 0.3), jnp.exp(-0.5), (t.cycle + 1 >= 4) * 0.5], T)
    roots = comparisons(program.jaxpr)
    assert [bool(v) for v in evaluated(program, roots, T[:5])] == [True, True]
    earlier = [0.0, 0.0, 40.0, 0.01, 1.0]
    assert [bool(v) for v in evaluated(program, roots, earlier)] == [True, False]


@pytest.mark.parametrize("smooth", [lambda t: t.age * 0.001, lambda t: jnp.where(t.age < 50, t.year, 0.0)])
def test_what_follows_time_smoothly_is_not_stepwise(smooth):
    assert comparisons(traced(lambda t: [smooth(t)], T).jaxpr) is None


@pytest.mark.parametrize(
    ("payoff", "value", "field"),
    [
        (lambda t: 0.7, 0.7, None),
        (lambda t: 2 * t.year * 3 / 4, 1.5, "year"),
        (lambda t: t.age * jnp.float64(0.2) + t.age, 1.2, "age"),
        (lambda t: -t.utility_multiplier, -1.0, "utility_multiplier"),
    ],
)
def test_a_payoff_is_read_as_a_multiple_of_a_field_of_time(payoff, value, field):
    got = as_multiple(payoff, T)
    assert (float(got[0]), got[1]) == (pytest.approx(value), field)


@pytest.mark.parametrize(
    "payoff",
    [
        lambda t: 1 + t.year,
        lambda t: t.age * t.year,
        lambda t: 1 / t.age,
        lambda t: 2.0 * t.year.astype(int),
        lambda t: t.year.astype(bool) * 3.0,
    ],
)
def test_what_is_no_multiple_of_time_is_not_read_as_one(payoff):
    assert as_multiple(payoff, T) is None


def with_next(p):
    on = jnp.where(p["packs"] > 0, 1.0, 0.0)
    return lambda t: {
        ("well", "ill"): p["risk"] * on,
        ("well", "dead"): p["risk"] * (1 - on),
        ("ill", "dead"): p["risk"],
    }


TWO = cohort(with_next, timeline=TWENTY, strategies=("one", "other"))


def test_edges_that_constants_make_zero_lead_nowhere():
    live = live_edges(
        TWO.structure, ("packs[one]", "packs[other]", "risk"), (("packs[one]", 0.0), ("packs[other]", 2.0))
    )
    assert [sorted(x.edges) for x in live] == [[(0, 2)], [(0, 1), (1, 2)]]
    assert [sorted(x.slots) for x in live] == [[0, 2], [0, 1, 2]]


def test_an_edge_that_a_draw_may_open_is_live():
    live = live_edges(TWO.structure, ("packs[one]", "packs[other]", "risk"), (("packs[one]", 0.0),))
    assert sorted(live[1].edges) == [(0, 1), (0, 2), (1, 2)]


MANY = np.linspace(0.1, 0.3, 600)
"""More draws than the program of a base case does, so that constants are looked at."""


def test_leaving_out_dead_edges_changes_nothing():
    values = {"risk": MANY, "packs[one]": 0.0, "packs[other]": 2.0}
    apart = reference.disagreement(TWO, values, evaluate(TWO, values))
    assert max(apart.values()) < 1e-13
    assert list(TWO.structure.states.names) == list(STATES)


def by_flags(p):
    """Edges through what constants say: a negation, a count, a bit, a quotient, and an attribute's negation."""
    both = (jnp.maximum(p["packs"], 0) > 0).astype(float) + (p["tubes"] > 0).astype(float)
    even = (p["visits"].astype(int) & 1) == 0
    return {
        ("well", "ill"): jnp.where(~(p["packs"] > 0), 0.0, p["risk"]),
        ("well", "dead"): jnp.where(both == 2, p["risk"] / 5, 0.0) * jnp.where(~(p["oral"] > 0), 0.0, 1.0),
        ("ill", "dead"): jnp.where(even, p["risk"] / p["packs"].clip(1, 3), 0.0),
    }


def test_edges_that_constants_leave_open_are_not_left_out():
    model = cohort(by_flags, timeline=TWENTY, strategies={"cream": {"oral": 1}, "pill": {"oral": 1}})
    values = {"risk": MANY, "packs": 1.0, "tubes": 3.0, "visits": 2.5}
    sample = evaluate(model, values)
    assert max(reference.disagreement(model, values, sample).values()) < 1e-13
    few = evaluate(model, {**values, "risk": MANY[:2]})
    assert sample.outcome("life_years").to_numpy()[:2] == pytest.approx(few.outcome("life_years").to_numpy())


def test_spans_end_where_any_of_several_comparisons_changes():
    cuts, rates = jnp.array([5.0, 10.0]), jnp.array([0.02, 0.1, 0.3])

    def piecewise(p):
        return lambda t: {("well", "ill"): rates[jnp.sum(t.year >= cuts)] * p["risk"], ("ill", "well"): 0.1}

    model, values = cohort(piecewise, care, timeline=TWENTY), {"risk": MANY[:4], "visit": 3.0, "u": 0.5}
    assert plan(model, risk=0.2, visit=3.0, u=0.5) is not None
    assert max(reference.disagreement(model, values, evaluate(model, values)).values()) < 1e-12


def test_the_edges_named_are_all_that_the_model_declares():
    model = cohort(lambda p: {("well", "ill"): p["risk"].clip(0, 1), ("ill", "well"): 0.0})
    assert named_edges(model, {"risk": 0.2}) == [("well", "ill"), ("ill", "well")]
