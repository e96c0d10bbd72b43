"""The command line: what it prints and writes, its exit codes, and one readable message for every error."""

import contextlib
import csv
import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import psa_engine as pe
from psa_engine.accrual import rate_to_probability
from psa_engine.cli import main
from psa_engine.config import config_names, find_config, registry

TWO_STATE = find_config("two_state").read_text()


def psa_engine(*arguments):
    """Run the command line in this process: its exit code and what it printed."""
    out, err, given = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["psa-engine", *map(str, arguments)]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    finally:
        sys.argv = given
    return SimpleNamespace(code=end.value.code or 0, out=out.getvalue(), err=err.getvalue())


def json_of(tmp_path, *arguments):
    done = psa_engine("run", *arguments, "--draws", 100, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The two-state model run once: what was printed, and the result folder."""
    folder = tmp_path_factory.mktemp("run") / "results" / "two_state"
    done = psa_engine(
        "run", "two_state", "--draws", 300, "--seed", 5, "--wtp", 20_000, "--wtp", 30_000, "--out", folder
    )
    return SimpleNamespace(
        **vars(done), folder=folder, results=json.loads((folder / "results.json").read_text())
    )


@pytest.fixture(scope="module")
def all_scenarios(tmp_path_factory):
    folder = tmp_path_factory.mktemp("all")
    done = psa_engine(
        "run", "two_state", "--draws", 100, "--scenario", "all", "--subgroup", "all", "--out", folder
    )
    rows = json.loads((folder / "results.json").read_text())["scenarios"]
    return SimpleNamespace(**vars(done), folder=folder, rows={row["scenario"]: row for row in rows})


# What a run prints and writes.


def test_a_run_prints_its_tables_and_says_where_it_wrote(ran):
    assert ran.code == 0 and not ran.err
    for words in ("Fully incremental analysis", "Net monetary benefit", "300 draws (random, seed 5", "EVPI"):
        assert words in ran.out


def test_a_run_says_how_many_parameters_rest_on_which_evidence(ran):
    assert "Evidence behind 5 parameters: 0 verified, 0 unverified, 5 assumption, 0 gap." in ran.out
    assert ran.results["evidence"] == {"verified": 0, "unverified": 0, "assumption": 5, "gap": 0}


def test_a_run_says_that_its_results_are_illustrative(ran):
    assert "Every number is invented" in ran.out and ran.results["illustrative"].startswith(
        "Every number is invented"
    )


def test_the_result_folder_holds_json_sample_and_tables(ran):
    assert {path.name for path in ran.folder.iterdir()} == {"results.json", "sample.parquet", "tables"}
    names = {path.stem for path in (ran.folder / "tables").iterdir()}
    assert names >= {
        "base_case",
        "mean_outcomes",
        "components",
        "incremental",
        "decision",
        "ceac",
        "evpi",
        "evidence",
    }


def test_results_say_how_they_were_made(ran):
    run = ran.results["run"]
    assert (run["n_draws"], run["seed"], run["sampler"], run["precision"]) == (300, 5, "random", "double")
    assert run["devices"] and run["versions"]["jax"] and run["seconds"]["total"] > 0
    assert len(ran.results["config_hash"]) == 64 and ran.results["wtp"] == [20_000, 30_000]


def test_the_tables_hold_what_the_json_holds(ran):
    with (ran.folder / "tables" / "mean_outcomes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["costs"]) for row in rows] == [row["costs"] for row in ran.results["mean_outcomes"]]


def test_the_sample_holds_what_the_json_summarises(ran):
    sample = pe.PsaSample.from_parquet(ran.folder / "sample.parquet")
    means = [row["effects"] for row in ran.results["mean_outcomes"]]
    assert sample.effects.mean().tolist() == pytest.approx(means, rel=1e-12)


def test_json_is_all_that_is_on_stdout_and_is_the_file(tmp_path):
    done = psa_engine("run", "two_state", "--draws", 100, "--out", tmp_path, "--json")
    assert done.out == (tmp_path / "results.json").read_text() and json.loads(done.out)["name"] == "two_state"


def test_the_same_run_gives_the_same_numbers(ran, tmp_path):
    again = psa_engine(
        "run", "two_state", "--draws", 300, "--seed", 5, "--wtp", 20_000, "--out", tmp_path, "--json"
    )
    assert json.loads(again.out)["mean_outcomes"] == ran.results["mean_outcomes"]


def test_results_lie_in_a_folder_named_after_the_analysis(tmp_path):
    with contextlib.chdir(tmp_path):
        psa_engine("run", "two_state", "--draws", 10, "--scenario", "half_price", "--subgroup", "older")
    assert (tmp_path / "results" / "two_state-half_price-older" / "results.json").is_file()


def test_one_draw_has_no_standard_error(tmp_path):
    done = psa_engine("run", "two_state", "--draws", 1, "--out", tmp_path, "--json")
    results = json.loads(done.out)
    assert (
        results["decision"][0]["evpi_standard_error"]
        is results["mean_outcomes"][0]["costs_standard_error"]
        is None
    )


def test_one_draw_can_be_printed(tmp_path):
    done = psa_engine("run", "two_state", "--draws", 1, "--out", tmp_path)
    assert done.code == 0 and "SE unknown" in done.out


def test_nothing_may_be_paid_for_health(tmp_path):
    results = json_of(tmp_path, "two_state", "--wtp", 0)
    assert (
        results["decision"][0]["strategies"][0]["nhb"] is None
        and results["decision"][0]["optimal"] == "standard care"
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [("sampler", "sobol"), ("sampler", "latin_hypercube"), ("precision", "single"), ("seed", 77)],
)
def test_an_option_goes_before_the_configuration(tmp_path, option, value):
    assert json_of(tmp_path, "two_state", f"--{option}", value)["run"][option] == value


def test_a_parameter_is_held_at_the_value_set(tmp_path):
    results = json_of(tmp_path, "two_state", "--set", "cost_alive=0", "--set", "cost_treatment=100")
    costs = {row["strategy"]: row for row in results["mean_outcomes"]}
    years = next(
        r["mean"] for r in results["components"] if (r["strategy"], r["outcome"]) == ("new", "life_years")
    )
    assert costs["new"]["costs"] == pytest.approx(100 * years) and costs["standard care"]["costs"] == 0
    assert results["applied"] == ["n_draws=100", "cost_alive=0, cost_treatment=100"]


def test_a_scenario_is_laid_over_the_configuration(tmp_path):
    results = json_of(tmp_path, "two_state", "--scenario", "undiscounted")
    assert (
        results["conventions"]["discount_rate_costs"] == 0
        and results["applied"][-1] == "scenario undiscounted"
    )


def test_a_subgroup_is_laid_over_the_configuration(tmp_path):
    conventions = json_of(tmp_path, "two_state", "--subgroup", "older")["conventions"]
    assert (conventions["start_age"], conventions["n_cycles"]) == (75, 25)


def test_all_scenarios_and_subgroups_come_in_one_table(all_scenarios):
    assert list(all_scenarios.rows) == ["base case", "undiscounted", "half_price", "weaker_effect", "older"]
    assert "Scenarios: standard care v new" in all_scenarios.out
    assert (all_scenarios.folder / "tables" / "scenarios.csv").is_file()


def test_scenarios_share_their_draws(all_scenarios):
    """At half its price the treatment saves, draw by draw, half of what it cost, without error."""
    sample = pe.PsaSample.from_parquet(all_scenarios.folder / "sample.parquet")
    base, half = (all_scenarios.rows[name]["incremental_costs"] for name in ("base case", "half_price"))
    assert half - base == pytest.approx(sample.outcome("costs.treatment")["new"].mean() / 2, rel=1e-9)


def test_a_scenario_without_the_strategy_compared_says_so(tmp_path):
    done = psa_engine("run", "sick_sicker", "--draws", 100, "--scenario", "all", "--out", tmp_path)
    assert "Scenarios: standard of care v strategy AB" in done.out
    assert "without_b (standard of care v strategy A)" in " ".join(done.out.replace("│", " ").split())


# The other commands.


def test_check_prints_base_case_trace_and_ledger():
    done = psa_engine("check", "two_state")
    assert done.code == 0 and done.out.endswith("two_state is valid.\n")
    for words in (
        "Base case: every parameter at its mean",
        "Cohort: New treatment",
        "Evidence ledger",
        "GBP per year",
    ):
        assert words in done.out


def test_check_goes_through_all_scenarios():
    done = psa_engine("check", "two_state", "--scenario", "all", "--no-ledger")
    assert all(
        f"{name} is valid." in done.out
        for name in ("undiscounted", "half_price", "weaker_effect", "two_state")
    )


def test_list_names_what_ships_with_its_title():
    done = psa_engine("list")
    assert [line.split()[0] for line in done.out.splitlines()] == config_names()
    assert "New treatment against standard care, alive or dead" in done.out


def test_show_prints_a_configuration_that_runs_as_it_is(tmp_path):
    (tmp_path / "mine.yaml").write_text(psa_engine("show", "two_state").out)
    assert pe.load_analysis(tmp_path / "mine.yaml").config_hash == pe.load_analysis("two_state").config_hash


def test_the_version_is_printed():
    assert psa_engine("--version").out.strip() == pe.__version__


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_answers_at_once_without_loading_jax(arguments):
    code = f"""
import sys, time
sys.argv = ["psa-engine", *{arguments}]
from psa_engine.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
print(sorted({{"jax", "numpy", "pandas", "scipy"}} & set(sys.modules)), time.process_time() < 0.5)
"""
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "Usage: psa-engine" in printed and printed.endswith("[] True\n")


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "psa_engine", "show", "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith("psa-engine: There is no configuration 'nothing'.")


# What goes wrong: one readable message, exit code 2 for the input and 3 for the model.


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
