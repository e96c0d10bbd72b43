"""The command line: what it prints and what it writes."""

import contextlib
import csv
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from command_line import psa_engine

import psa_engine as pe
from psa_engine.config import config_names


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
    written = {"report.html", "results.json", "sample.parquet", "tables"}
    assert {path.name for path in ran.folder.iterdir()} == written
    names = {path.stem for path in (ran.folder / "tables").iterdir()}
    assert {"base_case", "mean_outcomes", "components", "incremental", "ceac", "evpi", "evidence"} <= names


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


def test_a_scenario_and_a_subgroup_of_one_name_are_both_there(tmp_path):
    text = psa_engine("show", "two_state").out
    assert text.count("\n  older:") == 1
    (tmp_path / "twice.yaml").write_text(text.replace("\n  older:", "\n  half_price:"))
    found = json_of(tmp_path, tmp_path / "twice.yaml", "--scenario", "all", "--subgroup", "all")["scenarios"]
    costs = {row["scenario"]: row["incremental_costs"] for row in found}
    assert list(costs)[2::2] == ["half_price (scenario)", "half_price (subgroup)"] and len(costs) == 5
    assert len(set(costs.values())) == 5


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


HELP = """
import sys, time
sys.argv = ["psa-engine", *sys.argv[1:]]
from psa_engine.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
print(sorted({"jax", "numpy", "pandas", "scipy"} & set(sys.modules)), time.process_time() < 0.5)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_answers_at_once_without_loading_jax(arguments):
    printed = subprocess.check_output([sys.executable, "-c", HELP, *arguments], text=True)
    assert "Usage: psa-engine" in printed and printed.endswith("[] True\n")


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "psa_engine", "show", "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith("psa-engine: There is no configuration 'nothing'.")
