"""The command line on bad input: one readable message, exit code 2 for the input and 3 for the model."""

import json

import pytest
from command_line import psa_engine

import psa_engine as pe
from psa_engine.accrual import rate_to_probability
from psa_engine.config import find_config, registry

TWO_STATE = find_config("two_state").read_text()


def assert_refused(done, words, code=2):
    assert done.code == code and done.out == ""
    assert done.err.startswith("psa-engine: ") and done.err.count("\n") == 1, done.err
    assert words in done.err


CORRELATED = """\
correlation:
  all_three:
    parameters: [mortality_rate, cost_alive, utility_alive]
    matrix: [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]
parameter_groups:"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("model: two_state", "modell: two_state", "modell: 'modell' is not a known key"),
        ("model: two_state", "modell: two_state", "Did you mean 'model'?"),
        ("start_age: 60", "startage: 60", "time.startage: 'startage' is not a known key"),
        ("unit: utility", "unit: 3", "parameters.utility_alive.unit: 3 is not a unit"),
        ("unit: utility", "unit: utlity", "'utlity' is not a known unit"),
        ("unit: utility", "unit: utlity", "Did you mean 'utility'?"),
        (
            "value: 1500",
            "value: a lot",
            "parameters.cost_treatment.value: This must be a number, and it is 'a lot'",
        ),
        ("value: 1500", "value: -3", "parameters.cost_treatment.value"),
        ("{mean: 2000, se: 150}", "{mean: 2000, se: 0}", "parameters.cost_alive.distribution.gamma"),
        ("{mean: 2000, se: 150}", "{mean: 2000, se: 0}", "se must be above 0, got 0"),
        ("value: 1500\n    unit: GBP per year", "value: 1.2\n    unit: probability", "between 0 and 1"),
        (
            "{beta: {mean: 0.75, se: 0.03}}",
            "{beta: {events: 60, n: 50}}",
            "parameters.utility_alive.distribution.beta",
        ),
        (
            "{beta: {mean: 0.75, se: 0.03}}",
            "{beta: {mean: 0.75, se: 0.9}}",
            "parameters.utility_alive.distribution.beta",
        ),
        ("parameter_groups:", CORRELATED, "correlation.all_three"),
        ("parameter_groups:", CORRELATED, "not positive definite"),
        ("  new: {label", "  standard care: {label", "standard care"),
        ("n_draws: 10000", "n_draws: 0", "settings.n_draws: This must be at least 1, and it is 0"),
        (
            "name: two_state",
            "name: !!python/object/apply:os.system [true]",
            "python/object/apply:os.system' is not accepted",
        ),
    ],
)
def test_a_configuration_at_fault_is_refused_where_it_is_written(tmp_path, old, new, words):
    assert old in TWO_STATE
    (tmp_path / "bad.yaml").write_text(TWO_STATE.replace(old, new, 1))
    assert_refused(psa_engine("run", tmp_path / "bad.yaml", "--out", tmp_path / "out"), words)


def test_a_parameter_that_the_model_misses_is_named(tmp_path):
    (tmp_path / "bad.yaml").write_text(TWO_STATE.replace("cost_alive", "cost_living"))
    assert_refused(
        psa_engine("run", tmp_path / "bad.yaml", "--out", tmp_path), "needs the parameter 'cost_alive'"
    )


def test_a_fault_comes_with_its_line_and_file(tmp_path):
    (tmp_path / "bad.yaml").write_text(TWO_STATE.replace("se: 150", "se: -150"))
    line = TWO_STATE[: TWO_STATE.index("se: 150")].count("\n") + 1
    assert_refused(psa_engine("check", tmp_path / "bad.yaml"), f"bad.yaml, line {line})")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# nothing but a comment\n", "is empty"),
        ("{ this: [is not", "line 1"),
        ("just some words", "bad.yaml"),
        (b"\x89PNG\r\n\x1a\n\x00", "bad.yaml"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text, words):
    (tmp_path / "bad.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert_refused(psa_engine("run", tmp_path / "bad.yaml"), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--draws", "0"], "This must be at least 1, and it is 0"),
        (["--draws", "99999999999"], "n_draws"),
        (["--seed", "-1"], "This must be at least 0, and it is -1"),
        (["--wtp", "-5"], "wtp"),
        (["--wtp", "nan"], "must be a finite number"),
        (
            ["--scenario", "half_prize"],
            "There is no scenario 'half_prize' in two_state. Did you mean 'half_price'?",
        ),
        (["--subgroup", "odler"], "There is no subgroup 'odler' in two_state. Did you mean 'older'?"),
        (["--set", "cost_treatmnt=3"], "There is no parameter 'cost_treatmnt' to set"),
        (["--set", "cost_treatmnt=3"], "Did you mean 'cost_treatment'?"),
        (["--set", "cost_treatment=a lot"], "'a lot' is not a number"),
        (["--set", "cost_treatment"], "'cost_treatment' is not of the form name=value"),
        (["--set", "utility_alive=7"], "utility_alive"),
    ],
)
def test_an_option_at_fault_is_refused(arguments, words):
    assert_refused(psa_engine("run", "two_state", *arguments), words)


@pytest.mark.parametrize(
    "arguments", [["--sampler", "sobel"], ["--device", "tpu"], ["--draws", "many"], ["--no-such-option"]]
)
def test_an_option_that_typer_refuses_has_exit_code_2_too(arguments):
    done = psa_engine("run", "two_state", *arguments)
    assert done.code == 2 and done.out == "" and "Traceback" not in done.err


def test_a_configuration_that_is_not_there_is_refused_with_the_nearest():
    assert_refused(
        psa_engine("run", "two_stat"), "There is no configuration 'two_stat'. Did you mean 'two_state'?"
    )


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_an_unwritable_folder_is_found_before_the_run(tmp_path, monkeypatch, below):
    (tmp_path / "taken").write_text("a file in the place of the folder")
    monkeypatch.setattr("psa_engine.cli.run.results_of", lambda *a, **k: pytest.fail("it ran"))
    done = psa_engine("run", "two_state", "--out", tmp_path / "taken" / below)
    assert_refused(done, "cannot be written")


def test_more_draws_than_memory_holds_are_refused_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("psa_engine.cli.run.results_of", lambda *a, **k: pytest.fail("it ran"))
    done = psa_engine("run", "two_state", "--draws", 4_000_000_000, "--out", tmp_path)
    assert_refused(done, "GiB of memory")
    assert "--reduce" in done.err and "--cluster" in done.err


def test_an_interrupted_run_has_exit_code_130(tmp_path, monkeypatch):
    def interrupted(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("psa_engine.cli.run.results_of", interrupted)
    assert psa_engine("run", "two_state", "--out", tmp_path).code == 130


def build_leaky(timeline, strategies):
    """A model that more than empties its state when the risk is above two thirds."""

    def transitions(p):
        return {("alive", "dead"): 1.5 * p["utility_alive"] * rate_to_probability(p["mortality_rate"] * 1e9)}

    def payoffs(p):
        return {"costs.care": {"alive": p["cost_alive"]}, "effects.qalys": {"alive": p["utility_alive"]}}

    return pe.CohortModel(("alive", "dead"), strategies, timeline, "alive", transitions, payoffs)


@pytest.fixture
def leaky(tmp_path, monkeypatch):
    """A configuration of a model that gives impossible probabilities."""
    monkeypatch.setitem(registry.SHIPPED, "leaky", f"{__name__}:build_leaky")
    registry._registered.cache_clear()
    (tmp_path / "leaky.yaml").write_text(TWO_STATE.replace("model: two_state", "model: leaky"))
    yield tmp_path / "leaky.yaml"
    registry._registered.cache_clear()


def test_an_impossible_probability_has_exit_code_3(leaky, tmp_path):
    done = psa_engine("run", leaky, "--draws", 50, "--out", tmp_path / "out")
    assert_refused(
        done, "in state 'alive', edge 'alive' -> 'dead', strategy 'standard care', cycle 0", code=3
    )
    assert not (tmp_path / "out" / "results.json").exists()


def test_check_finds_an_impossible_base_case(leaky):
    assert_refused(psa_engine("check", leaky), "The probability is 1.125, outside [0, 1]", code=3)


def test_impossible_probabilities_can_be_clipped_and_are_counted(leaky, tmp_path):
    """Utility 0.75 (SE 0.03) times 1.5 is above 1 in all but a few draws, for both strategies."""
    done = psa_engine(
        "run", leaky, "--draws", 50, "--on-invalid", "clip", "--out", tmp_path / "out", "--json"
    )
    assert done.code == 0 and json.loads(done.out)["run"]["clipped"] == 100
