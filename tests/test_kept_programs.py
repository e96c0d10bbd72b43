"""Programs kept on disk: read where nothing they came from has changed, and never otherwise."""

import dataclasses
import os

import numpy as np
import pytest

import psa_engine as pe
from psa_engine import cache
from psa_engine.config.analysis import _shipped
from psa_engine.engine import ahead, compiled, draws, pruned
from psa_engine.engine.trace import _occupancy, cohort_traces, named_edges

REMEMBERED = (compiled.evaluated, draws.drawn_block, _occupancy)


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """What a process traces that starts with an empty cache; and then each that is `another_start`."""
    monkeypatch.setenv("PSA_ENGINE_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "source_digest", lambda: "the source as it is")
    seen, outcomes_of = [], compiled.outcomes_of
    monkeypatch.setattr(compiled, "outcomes_of", lambda *a: seen.append("model") or outcomes_of(*a))
    another_start()
    yield seen
    another_start()


def another_start():
    for function in REMEMBERED:
        function.cache_clear()
    pruned._TRACED.clear()
    ahead._surroundings.cache_clear()


def costs_of(analysis, **more):
    return pe.run_psa(analysis.model, analysis.parameters, n_draws=200, seed=3, **more).cost_values


def two_state(**overrides):
    return pe.load_analysis("two_state").with_overrides(overrides)


def test_a_second_start_traces_nothing_and_gives_the_same_bits(traced):
    first = costs_of(two_state())
    another_start()
    assert np.array_equal(costs_of(two_state()), first) and traced == ["model"]


def test_the_program_serves_another_price_seed_and_distribution(traced):
    first = costs_of(two_state())
    another_start()
    dearer = costs_of(two_state(cost_treatment=2500.0))
    assert (dearer[:, 1] > first[:, 1]).all() and traced == ["model"]


def test_a_trace_of_a_cohort_is_kept_too(traced, monkeypatch):
    analysis = two_state()
    first = cohort_traces(analysis.model, analysis.parameters.means())
    another_start()
    monkeypatch.setattr(type(analysis.model.structure), "trace", lambda *a: pytest.fail("it was traced"))
    again = two_state()
    second = cohort_traces(again.model, again.parameters.means())
    assert all(first[name].equals(second[name]) for name in first)


def test_the_edges_of_a_model_are_kept_too(traced, monkeypatch):
    analysis = two_state()
    first = named_edges(analysis.model, analysis.parameters.means())
    monkeypatch.setattr("psa_engine.engine.trace._declared", lambda *a: pytest.fail("it was traced"))
    again = two_state()
    assert first == named_edges(again.model, again.parameters.means()) == [("alive", "dead")]


def test_precision_and_clipping_have_programs_of_their_own(traced):
    costs_of(two_state())
    costs_of(two_state(), precision="single")
    costs_of(two_state(), on_invalid="clip")
    assert len(traced) == 3


# Nothing is read where something changed.


def other_source(monkeypatch):
    monkeypatch.setattr(cache, "source_digest", lambda: "the source as it will be")


def other_jax(monkeypatch):
    monkeypatch.setattr(ahead, "versions", lambda: {"jax": "99"})


def other_flags(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", os.environ["XLA_FLAGS"] + " ")


@pytest.mark.parametrize("change", [other_source, other_jax, other_flags])
def test_another_source_version_or_flag_is_traced_anew(traced, monkeypatch, change):
    costs_of(two_state())
    another_start()
    change(monkeypatch)
    costs_of(two_state())
    assert len(traced) == 2


@pytest.mark.parametrize(
    ("written", "instead"),
    [("treated: 1", "treated: 2"), ("discount_rate_effects: 0.035", "discount_rate_effects: 0.015")],
)
def test_a_constant_of_the_configuration_that_a_model_reads_is_traced_anew(
    traced, tmp_path, written, instead
):
    first = costs_of(two_state())
    another_start()
    changed = tmp_path / "changed.yaml"
    changed.write_text(two_state().text.replace(written, instead), encoding="utf-8")
    analysis = pe.load_analysis(changed)
    costs_of(analysis)
    assert len(traced) == 2 and analysis.model.identity != two_state().model.identity
    assert np.array_equal(costs_of(two_state()), first)


def test_a_model_changed_in_python_is_another_model(traced):
    analysis = two_state()
    costs_of(analysis)
    dies_at_once = dataclasses.replace(analysis.model, transitions=lambda p: {("alive", "dead"): 1.0})
    changed = pe.run_psa(dies_at_once, analysis.parameters, n_draws=5, seed=3)
    assert len(traced) == 2 and (changed.effect_values < 1).all()


def without_loss(p):
    return {"alive": 1.0}


@pytest.mark.parametrize(("name", "value"), [("CYCLES_PER_YEAR", 1.5), ("rate_to_probability", without_loss)])
def test_a_constant_or_function_set_in_the_module_of_a_model_gives_another_identity(monkeypatch, name, value):
    monkeypatch.setattr(cache, "source_digest", lambda: "the source as it is")
    analysis = two_state()
    first = _shipped("two_state", analysis.timeline, {"a": {"treated": 0}}).identity
    monkeypatch.setattr("psa_engine.models.two_state.Timeline.require_cycles_per_year", lambda *a: None)
    monkeypatch.setattr(f"psa_engine.models.two_state.{name}", value)
    second = _shipped("two_state", analysis.timeline, {"a": {"treated": 0}}).identity
    assert first is not None and second != first


def test_edges_are_those_of_the_constants_at_hand(traced):
    """A rate that is zero leaves its edge out; the next start, where it is not, has it again."""
    analysis = two_state(mortality_rate=0.0)
    held = pe.ParameterSet({**analysis.parameters.means()})
    nobody_dies = pe.run_psa(analysis.model, held, n_draws=1)
    another_start()
    somebody = pe.run_psa(analysis.model, held.replace({"mortality_rate": 0.05}), n_draws=1)
    assert (somebody.effect_values < nobody_dies.effect_values).all()


def test_a_program_that_is_damaged_is_traced_anew_and_mended(traced, tmp_path):
    first = costs_of(two_state())
    for path in (tmp_path / "programs").iterdir():
        path.write_bytes(path.read_bytes()[:-9] + b"something")
    for _ in range(2):
        another_start()
        assert np.array_equal(costs_of(two_state()), first)
    assert len(traced) == 2


def test_a_model_of_ones_own_is_never_kept(traced, tmp_path):
    model = pe.FunctionModel(lambda p: ((p["a"], 1.0), (0.0, 1.0)), strategies=("old", "new"))
    pe.run_psa(model, pe.ParameterSet({"a": 3.0}), n_draws=2)
    another_start()
    pe.run_psa(model, pe.ParameterSet({"a": 3.0}), n_draws=2)
    assert len(traced) == 2


def test_without_a_place_to_write_a_run_goes_on(traced, tmp_path, monkeypatch):
    file = tmp_path / "a file"
    file.touch()
    monkeypatch.setenv("PSA_ENGINE_CACHE", str(file))
    assert costs_of(two_state()).shape == (200, 2)


# The keys, and how much is kept.


@pytest.mark.parametrize("other", [(1, 2.5), [1, 2, 3], {"a": 1}, np.arange(3.0), np.arange(3), (1, (2,), 3)])
def test_what_differs_has_another_digest(other):
    digests = {cache.digest(*parts) for parts in [(1, 2, 3), ("1", 2, 3), (1, (2, 3)), (other,)]}
    assert len(digests) == 4


def test_what_is_no_plain_record_has_no_key():
    with pytest.raises(TypeError, match="has no digest"):
        cache.digest(lambda p: p)


def test_what_was_longest_unused_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("PSA_ENGINE_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "MOST_KEPT", 2)
    for k, key in enumerate(["first", "second", "third"]):
        cache.keep(key, b"data")
        os.utime(tmp_path / "programs" / key, (k, k))
    cache.keep("fourth", b"data")
    assert [cache.read_kept(k) for k in ("first", "second", "third", "fourth")] == [
        None,
        None,
        b"data",
        b"data",
    ]


def test_source_that_changed_since_it_was_read_has_no_digest(monkeypatch):
    monkeypatch.setattr(cache, "_STARTED", 0.0)
    assert cache.source_digest.__wrapped__() is None


def test_source_in_an_archive_has_no_digest(monkeypatch):
    monkeypatch.setattr(cache, "__file__", "site/psa_engine.zip/psa_engine/cache.py")
    assert cache.source_digest.__wrapped__() is None
