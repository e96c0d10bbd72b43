"""A draw that breaks a model is named, kept, and made again to be looked at."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from cohorts import cohort
from command_line import psa_engine

import psa_engine as pe
from psa_engine.accrual import rate_to_probability
from psa_engine.config import find_config, registry
from psa_engine.engine.replay import replay
from psa_engine.errors import InputError

TWO_STATE = find_config("two_state").read_text()


def build_dear(timeline, strategies):
    """A model without a cost where care costs more than 2,300 a year: 2 standard errors above its mean."""

    def transitions(p):
        return {("alive", "dead"): rate_to_probability(p["mortality_rate"])}

    def payoffs(p):
        dear = {"alive": jnp.sqrt(2300 - p["cost_alive"])}
        return {"costs.care": dear, "effects.qalys": {"alive": p["utility_alive"]}}

    return pe.CohortModel(("alive", "dead"), strategies, timeline, "alive", transitions, payoffs)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """The result folder of a run that stopped at a draw without a cost, and what was printed."""
    monkeypatch.setitem(registry.SHIPPED, "dear", f"{__name__}:build_dear")
    registry._registered.cache_clear()
    (tmp_path / "dear.yaml").write_text(TWO_STATE.replace("model: two_state", "model: dear"))
    done = psa_engine("run", tmp_path / "dear.yaml", "--draws", 300, "--out", tmp_path / "out")
    yield tmp_path / "out", done
    registry._registered.cache_clear()


def failing_draw(folder):
    return json.loads((folder / "blocks" / "manifest.json").read_text())["failure"]["draw"]


def test_a_draw_without_a_result_is_named_and_kept(broken):
    folder, done = broken
    draw = failing_draw(folder)
    assert done.code == 3 and f"in draw {draw} are nan" in done.err
    assert f"psa-engine replay {folder} --draw {draw}" in done.err


def test_the_draw_comes_back_with_the_values_that_broke_the_model(broken):
    folder, _ = broken
    shown = json.loads(psa_engine("replay", folder, "--draw", failing_draw(folder), "--json").out)
    assert shown["parameters"]["cost_alive"] > 2300 and shown["outcomes"]["costs"]["new"] == "nan"
    assert "costs.care of strategy 'standard care': nan." in shown["faults"]


def test_a_replayed_draw_is_the_draw_of_the_run_to_the_bit(broken):
    folder, _ = broken
    drawn = pe.run_psa(
        pe.load_analysis("two_state").model, pe.load_analysis("two_state").parameters, n_draws=300, seed=1
    )
    shown = json.loads(psa_engine("replay", folder, "--draw", 17, "--json").out)
    assert {k: v[17] for k, v in drawn.parameter_values.items()}.items() <= shown["parameters"].items()


def test_a_replay_prints_parameters_results_and_what_is_wrong(broken):
    folder, _ = broken
    done = psa_engine("replay", folder, "--draw", failing_draw(folder))
    assert done.code == 0
    for words in (
        "cost_alive",
        "undiscounted.costs.care",
        "Cohort: New treatment",
        "costs of strategy 'new': nan",
    ):
        assert words in done.out


def test_a_sound_draw_is_said_to_be_sound(broken):
    folder, _ = broken
    assert (
        "Nothing is wrong with this draw"
        in psa_engine("replay", folder, "--draw", failing_draw(folder) + 1).out
    )


def test_a_draw_that_the_run_does_not_have_is_refused(broken):
    assert (
        "There is no draw 300: the run has draws 0 to 299"
        in psa_engine("replay", broken[0], "--draw", 300).err
    )


def test_an_impossible_probability_is_shown_with_the_cycle_and_the_trace_that_it_spoils():
    """The risk grows by 0.3 a cycle from 0.2, so it passes 1 in cycle 3."""

    def transitions(p):
        return lambda t: {("well", "dead"): p["risk"] + 0.3 * t.cycle}

    model = cohort(transitions, states=("well", "dead"), payoffs=lambda p: {"life_years": {"well": 1.0}})
    found = replay(model, pe.ParameterSet({"risk": pe.Fixed(0.2)}), pe.RunPlan(n_draws=5), 4)
    assert "The probability is 1.1, outside [0, 1]" in found.faults[0] and "cycle 3" in found.faults[0]
    shares = found.traces["only"]["well"].to_numpy()
    assert np.flatnonzero(shares < 0).tolist() == [4]


def test_nothing_is_replayed_of_a_run_that_ended(tmp_path):
    with pytest.raises(InputError, match="holds no unfinished run"):
        from psa_engine.cli.stored import unfinished

        unfinished(tmp_path)
