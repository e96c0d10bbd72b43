"""Running a model: laws that every run keeps, its limits of memory, and what stops it."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from assertions import assert_mean
from scipy import stats

import psa_engine as pe
from psa_engine.engine import blocks
from psa_engine.engine.compiled import GPU_TILE, TILE, Program
from psa_engine.engine.devices import draws_that_fit
from psa_engine.errors import InputError, ModelError

PARAMETERS = pe.ParameterSet(
    {"risk": pe.Beta(3, 17), "cost": pe.Gamma(mean=900.0, se=80.0), "rate": 0.2},
    correlation={("risk", "cost"): 0.4},
)


def outcomes(p):
    costs = {"drug": (0.0, p["cost"]), "care": (500 * p["risk"], 100 * p["risk"])}
    return costs, (1.0, 1.2 - p["risk"])


MODEL = pe.FunctionModel(outcomes, strategies=("old", "new"))


def run(n_draws=1000, seed=1, **more):
    return pe.run_psa(MODEL, PARAMETERS, n_draws=n_draws, seed=seed, **more)


@pytest.fixture(scope="module")
def sample():
    return run()


@pytest.fixture(scope="module")
def sick_sicker():
    return pe.load_analysis("sick_sicker")


def test_costs_are_computed_from_the_draws_beside_them(sample):
    p = sample.parameters
    assert sample.costs["new"].to_numpy() == pytest.approx(
        (p["cost"] + 100 * p["risk"]).to_numpy(), rel=1e-15
    )


def test_components_add_up_to_the_total(sample):
    parts = sample.outcome("costs.drug") + sample.outcome("costs.care")
    assert parts.to_numpy() == pytest.approx(sample.cost_values, rel=1e-15)


def test_what_a_strategy_never_incurs_is_not_stored(sample):
    assert set(sample.outcomes["costs.drug"]) == {"new"}


def test_only_uncertain_parameters_are_in_the_sample(sample):
    assert list(sample.parameters) == ["risk", "cost"]


def test_the_same_seed_gives_the_same_sample(sample):
    assert sample.costs.equals(run().costs)


def test_another_seed_gives_another_sample(sample):
    assert not (sample.costs["new"] == run(seed=2).costs["new"]).any()


@pytest.mark.parametrize("sampler", ["random", "antithetic", "sobol"])
def test_a_longer_run_begins_with_the_shorter_one(sampler):
    short, long = (run(n_draws=n, sampler=sampler).parameters for n in (100, 1000))
    assert long.head(100).equals(short)


@pytest.mark.parametrize("sampler", ["random", "antithetic", "latin_hypercube", "sobol"])
def test_every_sampler_draws_from_the_same_distribution(sampler):
    drawn = run(n_draws=4000, seed=5, sampler=sampler).parameters
    assert_mean(drawn["risk"], 0.15)
    assert_mean(drawn["cost"] ** 2, 900**2 + 80**2)


def test_evaluating_the_draws_of_a_sample_gives_its_outcomes(sample):
    again = pe.evaluate(MODEL, {**sample.parameter_values, "rate": 0.2})
    assert again.costs.to_numpy() == pytest.approx(sample.costs.to_numpy(), rel=1e-15)


def test_the_base_case_has_every_parameter_at_its_mean():
    base = pe.base_case(MODEL, PARAMETERS)
    assert base.cost_values.tolist() == [pytest.approx([75, 915])] and base.n_draws == 1


def test_single_precision_agrees_with_double(sick_sicker):
    double, single = (
        pe.run_psa(sick_sicker.model, sick_sicker.parameters, n_draws=500, seed=1, precision=precision)
        for precision in ("double", "single")
    )
    assert single.cost_values == pytest.approx(double.cost_values, rel=2e-5)
    assert single.effect_values == pytest.approx(double.effect_values, rel=2e-5)


def test_keeping_totals_leaves_out_the_components(sample):
    totals = run(keep="totals")
    assert not totals.outcomes and totals.cost_values == pytest.approx(sample.cost_values, rel=1e-15)


def test_a_plan_says_what_keywords_say(sample):
    planned = pe.run_psa(MODEL, PARAMETERS, plan=pe.RunPlan(n_draws=1000, seed=3, precision="double"), seed=1)
    assert planned.costs.equals(sample.costs)


def test_what_a_result_must_say_of_its_making(sample):
    expected = {"n_draws": 1000, "seed": 1, "sampler": "random", "precision": "double", "clipped": 0}
    assert expected.items() <= sample.metadata.items()
    assert sample.metadata["versions"].keys() >= {"psa_engine", "python", "jax", "numpy"}


def test_fixed_parameters_alone_give_equal_draws():
    certain = pe.run_psa(MODEL, pe.ParameterSet({"risk": 0.1, "cost": 50.0}), n_draws=3, sampler="sobol")
    assert certain.costs.to_numpy().tolist() == [[50, 60]] * 3


def test_another_seed_distribution_or_value_compiles_nothing():
    run()
    programs = (blocks.evaluated, blocks.drawn_block)
    compiled = [program.cache_info().misses for program in programs]
    changed = PARAMETERS.replace({"risk": 0.5, "cost": pe.Gamma(mean=10.0, se=1.0)})
    pe.run_psa(MODEL, changed, n_draws=1000, seed=9)
    assert [program.cache_info().misses for program in programs] == compiled


def test_a_base_case_runs_what_the_draws_compiled():
    run()
    compiled = blocks.evaluated.cache_info().misses
    base = pe.base_case(MODEL, PARAMETERS)
    assert blocks.evaluated.cache_info().misses == compiled
    assert base.cost_values[0].tolist() == pytest.approx([500 * 0.15, 900 + 100 * 0.15])


def test_values_of_what_is_constant_in_the_draws_come_in_the_order_in_which_they_are_given():
    given = {"risk": [0.1, 0.2, 0.3, 0.4], "cost": 50.0, "rate": [0.3, 0.2, 0.3, 0.1]}
    model = pe.FunctionModel(lambda p: ((p["rate"], p["risk"]), (0.0, 1.0)), strategies=("old", "new"))
    found = pe.evaluate(model, given, parameters=PARAMETERS)
    assert found.cost_values.tolist() == [[0.3, 0.1], [0.2, 0.2], [0.3, 0.3], [0.1, 0.4]]


def test_more_rows_that_are_all_alike_than_go_through_the_cycles_together_are_all_computed():
    n = 2 * TILE * len(jax.devices()) + 1
    model = pe.FunctionModel(lambda p: ((p["rate"], p["risk"]), (0.0, 1.0)), strategies=("old", "new"))
    given = {"risk": 0.1, "cost": 50.0, "rate": np.resize([0.3, 0.2], 2 * n)}
    found = pe.evaluate(model, given, parameters=PARAMETERS)
    assert found.cost_values.tolist() == [[0.3, 0.1], [0.2, 0.1]] * n


# Memory: what is on the devices at once does not grow with the number of draws.


@pytest.fixture
def block_sizes(monkeypatch):
    """The draws of each block that is run, as its results come back to the host."""
    sizes = []

    def remembered(model, parameters, result, first, plan):
        sizes.append(result["slack"].shape[-1])

    monkeypatch.setattr(blocks, "raise_if_invalid", remembered)
    return sizes


def test_a_long_run_goes_in_blocks_of_one_size(block_sizes):
    run(n_draws=50_000, keep="totals")
    assert set(block_sizes[:-1]) == {blocks.BLOCK} and sum(block_sizes) == 50_000


def test_a_block_is_rounded_up_to_what_the_devices_do_at_once(block_sizes):
    run(block=1)
    step = block_sizes[0]
    assert step % len(jax.devices()) == 0 and block_sizes == [step] * (1000 // step) + [1000 % step] * (
        1000 % step > 0
    )


def test_a_block_larger_than_the_run_takes_no_more_memory_than_the_run(monkeypatch):
    tried = short_of_memory(monkeypatch, 10**9, None)
    run(n_draws=1000, block=10**9)
    assert tried[0] * len(jax.devices()) * TILE < 5000


def short_of_memory(monkeypatch, at_most, error):
    """Make any program that holds more than `at_most` tiles fail as devices do; the sizes tried are returned."""
    tried, evaluated = [], blocks.evaluated

    def compiled(program, names, n_tiles):
        tried.append(n_tiles)
        if n_tiles > at_most:
            raise error
        return evaluated(program, names, n_tiles)

    monkeypatch.setattr(blocks, "evaluated", compiled)
    return tried


OUT_OF_MEMORY = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes.")


@pytest.mark.parametrize("error", [OUT_OF_MEMORY, MemoryError()])
def test_a_block_that_memory_does_not_hold_is_halved_and_its_draws_are_the_same(sample, monkeypatch, error):
    tried = short_of_memory(monkeypatch, 1, error)
    assert run(block=1000).costs.equals(sample.costs)
    assert tried[0] > 1 == tried[-1]


def test_where_memory_holds_not_even_one_tile_the_run_stops_in_words(monkeypatch):
    short_of_memory(monkeypatch, 0, OUT_OF_MEMORY)
    with pytest.raises(InputError, match=r"Memory does not hold even \d+ draws at once"):
        run()


def test_a_gpu_that_is_short_of_memory_works_in_smaller_tiles_and_its_draws_are_the_same(sample, monkeypatch):
    tried, evaluated = [], blocks.evaluated

    def compiled(program, names, n_tiles):
        tried.append(program.tile)
        if program.tile > 4 * TILE:
            raise OUT_OF_MEMORY
        return evaluated(program, names, n_tiles)

    monkeypatch.setattr(Program, "on_gpu", True)
    monkeypatch.setattr(Program, "devices", jax.devices()[:1])
    monkeypatch.setattr(blocks, "evaluated", compiled)
    assert run().costs.equals(sample.costs)
    assert tried[0] == GPU_TILE and tried[-1] == 4 * TILE


@pytest.mark.parametrize(
    ("memory", "draws"),
    [(None, 1000), ({}, 1000), ({"bytes_limit": 6000, "bytes_in_use": 1000}, 16), ({"bytes_limit": 10}, 1)],
)
def test_a_gpu_works_on_as_many_draws_as_half_of_its_free_memory_holds(memory, draws):
    device = SimpleNamespace(memory_stats=lambda: memory)
    assert draws_that_fit.__wrapped__(device, 150, 1000) == draws


def test_another_failure_of_a_device_is_not_taken_for_want_of_memory(monkeypatch):
    tried = short_of_memory(monkeypatch, 0, jax.errors.JaxRuntimeError("INTERNAL: the device fell off."))
    with pytest.raises(jax.errors.JaxRuntimeError, match="fell off"):
        run(block=1000)
    assert len(tried) == 1


# What stops a run.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_draws": 0}, "n_draws must be a whole number of at least 1, and is 0"),
        ({"n_draws": 1e3}, "n_draws must be a whole number of at least 1, and is 1000.0"),
        ({"n_draws": True}, "n_draws must be a whole number of at least 1, and is True"),
        ({"n_draws": 2**32}, r"between 1 and 2\^32 - 1"),
        ({"block": 0}, "block must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, and is -1"),
        ({"sampler": "sobel"}, "sampler 'sobel' does not exist. Did you mean 'sobol'"),
        ({"precision": "half"}, "precision 'half' does not exist"),
        ({"device": "cpuu"}, "device 'cpuu' does not exist. Did you mean 'cpu'"),
        ({"on_invalid": "ignore"}, "on_invalid 'ignore' does not exist"),
        ({"keep": "some"}, "keep must be 'all' or 'totals', and is 'some'"),
        ({"comparator": "nwe"}, "comparator 'nwe' is not a strategy of this sample. Did you mean 'new'"),
    ],
)
def test_a_run_that_cannot_be_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        run(**change)


def test_numpy_whole_numbers_count():
    assert run(n_draws=np.int64(5), seed=np.uint32(1)).metadata["n_draws"] == 5


@pytest.mark.skipif(any(d.platform == "gpu" for d in jax.devices()), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_with_the_remedy():
    with pytest.raises(
        InputError, match=r"No GPU was found by JAX\. Install psa-engine\[cuda12\] or use --device auto"
    ):
        run(device="gpu")


def function(result, strategies=("old", "new")):
    return pe.run_psa(pe.FunctionModel(result, strategies=strategies), PARAMETERS, n_draws=200, seed=1)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            lambda p: ((0.0, 1.0, p["cost"]), (0.0, 1.0)),
            r"returned costs of shapes \(\), \(\), \(\) for 2 strategies",
        ),
        (lambda p: ((0.0, p["cost"]), (0.0, jnp.ones(3))), r"returned effects of shapes \(\), \(3,\) for 2"),
        (
            lambda p: ((0.0, p["cost"]), p["risk"]),
            "returned effects that are no list for 2 strategies; it is written for one",
        ),
        (lambda p: (0.0, p["cost"], 1.0), "must return two things: costs and effects"),
        (lambda p: ((0.0, p["cots"]), (0.0, 1.0)), "needs the parameter 'cots'. Did you mean 'cost'"),
    ],
)
def test_a_function_that_is_no_model_is_refused(result, message):
    with pytest.raises(InputError, match=message):
        function(result)


def test_a_function_may_return_arrays():
    arrays = function(lambda p: (jnp.stack([p["cost"], 2 * p["cost"]]), np.array([1.0, 2.0])))
    assert (arrays.costs["new"] == 2 * arrays.costs["old"]).all() and arrays.effects.iloc[7].tolist() == [
        1,
        2,
    ]


def test_two_strategies_of_one_name_are_refused():
    with pytest.raises(InputError, match="Two strategies have the name 'new'; give each its own"):
        function(lambda p: ((0.0, 1.0), (0.0, 1.0)), strategies=("new", "new"))


def test_an_outcome_that_is_not_a_number_is_named_with_its_draw():
    risk = run(n_draws=200).parameters["risk"]
    first = (risk > 0.25).idxmax()
    message = (
        rf"costs of strategy 'new' in draw {first} are nan\. Its parameters: risk = {risk[first]:.6g}, cost"
    )
    with pytest.raises(ModelError, match=message):
        function(lambda p: ((0.0, jnp.sqrt(0.25 - p["risk"])), (0.0, 1.0)))


def test_an_infinite_effect_is_named():
    with pytest.raises(ModelError, match=r"effects of strategy 'old' in draw 0 are inf.*division by zero"):
        function(lambda p: ((0.0, 1.0), (p["risk"] / (p["rate"] - 0.2), 1.0)))


def test_a_component_beside_the_totals_must_be_a_number_too():
    model = pe.CohortModel(
        ("well", "ill"),
        ("only",),
        pe.Timeline(1, 4),
        "well",
        lambda p: {("well", "ill"): p["risk"]},
        lambda p: {"flares": {"ill": jnp.log(p["risk"] - 1)}},
    )
    with pytest.raises(ModelError, match="flares of strategy 'only' in draw 0 are nan"):
        pe.run_psa(model, PARAMETERS, n_draws=5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"risk": [0.1, 0.2], "cost": [1.0, 2.0, 3.0]}, r"different lengths: \[2, 3\]"),
        ({"risk": [], "cost": []}, "list of values of 'risk' is empty"),
        ({"risk": "a third", "cost": 1.0}, "'risk' is not a number or a list of numbers"),
        ({"risk": [[0.1, 0.2]], "cost": 1.0}, "'risk' is not a number or a list of numbers"),
        ({"cost": 1.0}, "needs the parameter 'risk'"),
    ],
)
def test_values_that_cannot_be_evaluated_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        pe.evaluate(MODEL, values)


def test_only_a_cohort_has_a_trace():
    with pytest.raises(InputError, match="Only a cohort model has a trace"):
        pe.cohort_trace(MODEL, {"risk": 0.1, "cost": 1.0}, "new")


def test_a_trace_of_an_unknown_strategy_is_refused(sick_sicker):
    with pytest.raises(InputError, match=r"no strategy 'strategy C'. Did you mean 'strategy"):
        pe.cohort_trace(sick_sicker.model, sick_sicker.parameters.means(), "strategy C")


def test_progress_is_not_printed_on_stdout(capsys):
    run(progress=True)
    assert capsys.readouterr().out == ""


# The package from outside.

EXAMPLE = """
import psa_engine as pe

parameters = pe.ParameterSet(
    {
        "response": pe.Beta(4, 16),
        "cost": pe.Gamma(mean=1200.0, se=200.0),
        "effects": pe.MultivariateNormal(names=("theta_1", "theta_2"), mean=[1.0, 0.5], covariance=[[1.0, 1.0], [1.0, 4.0]]),
        "mix": pe.Dirichlet(names=("p_1", "p_2", "p_3"), alpha=[6, 3, 1]),
    },
    correlation={("response", "cost"): 0.5},          # of the normal scores (Gaussian copula)
)

def outcomes(p):                                       # one draw: scalars in, one value per strategy out
    costs = (0.0, p["cost"])
    effects = (0.0, p["response"] * p["theta_1"])
    return costs, effects

model = pe.FunctionModel(outcomes, strategies=("standard care", "new"))
sample = pe.run_psa(model, parameters, n_draws=100_000, seed=1)     # -> PsaSample
pe.icers(sample)                                       # DataFrame: fully incremental, dominance named
pe.ceac(sample, wtp=[25_000, 35_000])                  # DataFrame wtp x strategy
pe.evpi(sample, wtp=25_000)                            # VoiEstimate(value, standard_error, method, ...)
sample.costs, sample.effects, sample.parameters        # pandas DataFrames: draw x strategy (totals), draw x parameter
pe.PsaSample.from_tables(sample.costs, sample.effects, sample.parameters)   # tables made anywhere
sample.to_csv("out/"); pe.PsaSample.from_csv("out/"); sample.to_parquet("sample.parquet")
analysis = pe.load_analysis("configs/sick_sicker.yaml")   # .model, .parameters, .plan, .settings
"""  # noqa: E501


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The names of the example after it has run in a folder that has the configurations, and that folder."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "configs").symlink_to(Path(__file__).parents[1] / "configs")
    names: dict = {}
    with contextlib.chdir(folder):
        exec(EXAMPLE, names)
    return SimpleNamespace(**names, folder=folder)


def test_the_example_gives_the_mean_of_its_product(example):
    """The response is independent of theta_1: 0.2 x 1."""
    assert_mean(example.sample.effects["new"], 0.2)


def test_the_example_correlates_the_scores_of_response_and_cost(example):
    drawn = example.sample.parameters
    response = stats.norm.ppf(stats.beta.cdf(drawn["response"], 4, 16))
    cost = stats.norm.ppf(stats.gamma.cdf(drawn["cost"], 36, scale=1200 / 36))
    assert_mean(response * cost, 0.5)


def test_the_example_reads_back_what_it_wrote(example):
    from_csv = pe.PsaSample.from_csv(example.folder / "out")
    from_parquet = pe.PsaSample.from_parquet(example.folder / "sample.parquet")
    assert from_csv.costs.equals(example.sample.costs) and from_parquet.effects.equals(example.sample.effects)


def test_the_example_leaves_an_analysis_ready_to_run(example):
    assert (example.analysis.plan.n_draws, example.analysis.settings.wtp) == (10_000, [100_000])


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, psa_engine; print({'jax', 'numpy', 'pandas', 'scipy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize("name", pe.__all__)
def test_every_public_name_is_there(name):
    assert getattr(pe, name) is not None


def test_a_second_start_compiles_nothing_again(tmp_path):
    code = "import test_engine; test_engine.run()"
    for _ in range(2):
        before = {path.name for path in tmp_path.iterdir() if path.name.endswith("-cache")}
        env = os.environ | {"PSA_ENGINE_CACHE": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent)}
        subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert before and before == {path.name for path in tmp_path.iterdir() if path.name.endswith("-cache")}
