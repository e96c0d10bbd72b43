"""What a run says about evidence worth buying: parameters, groups and candidate studies, from its sample."""

import json

import pytest
from command_line import psa_engine

from psa_engine.config import load_analysis
from psa_engine.summary.information import most_together, quick_evppi


def run(tmp_path, *words, draws=2_000, wtp=20_000):
    done = psa_engine(
        "run", "two_state", "--draws", draws, "--wtp", wtp, "--out", tmp_path / "out", "--json", *words
    )
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run(tmp_path_factory.mktemp("information"))


def test_groups_are_ranked_among_the_parameters_with_the_evidence_of_their_members(ran):
    by_name = {row["of"]: row for row in ran["evppi"]}
    assert by_name["survival"]["status"] == "assumption"
    assert (
        by_name["survival"]["evppi"]
        >= by_name["hazard_ratio"]["evppi"] - by_name["survival"]["standard_error"]
    )
    assert [r["evppi"] for r in ran["evppi"]] == sorted((r["evppi"] for r in ran["evppi"]), reverse=True)


def test_a_group_of_one_is_its_parameter_and_not_told_twice(ran):
    assert not {"costs", "utilities"} & {row["of"] for row in ran["evppi"]}


def test_a_study_is_worth_more_with_more_patients_and_less_than_perfect_information(ran):
    values = [row["evsi"] for row in ran["evsi"]]
    last = ran["evsi"][-1]
    assert [row["n"] for row in ran["evsi"]] == [200, 1000, 5000] and values == sorted(values)
    assert last["evsi"] < last["evppi"] + 4 * last["standard_error"]


def test_a_study_says_what_it_informs_and_on_which_evidence_that_rests(ran):
    row = ran["evsi"][0]
    assert (row["study"], row["informs"]) == ("survival_trial", "mortality_rate, hazard_ratio")
    assert row["status"] == "assumption" and ran["evsi_notes"] == []


def test_the_net_benefit_of_a_study_is_its_worth_to_all_less_its_cost(ran):
    people = (1 - 1.035**-10) / 0.034401426717332 * 5_000  # ten years, continuously, at ln 1.035
    for row in ran["evsi"]:
        assert row["enbs"] == pytest.approx(people * row["evsi"] - 200_000 - 1_000 * row["n"], rel=1e-9)


def test_a_run_and_the_evsi_command_agree_on_a_study(ran):
    done = psa_engine("evsi", "two_state", "--wtp", 20_000, "--n", 1000, "--json")
    (one,) = json.loads(done.out)["evsi"]
    other = next(row for row in ran["evsi"] if row["n"] == 1000)
    assert abs(one["evsi"] - other["evsi"]) < 4 * (one["standard_error"] + other["standard_error"])


def test_a_study_of_what_is_held_at_a_number_is_left_out_with_a_note(tmp_path):
    results = run(tmp_path, "--set", "hazard_ratio=0.7", draws=1_000)
    assert results["evsi"] == []
    assert results["evsi_notes"] == [
        "The study 'survival_trial' is left out: it informs 'hazard_ratio', which is held at a number here."
    ]


def test_at_a_wtp_of_nothing_a_run_ranks_no_evidence(tmp_path):
    results = run(tmp_path, draws=1_000, wtp=0)
    assert results["evppi"] == [] and results["evsi"] == []


def test_too_few_draws_rank_no_evidence(tmp_path):
    results = run(tmp_path, draws=999)
    assert results["evppi"] == [] and results["evsi"] == []


def test_the_terminal_shows_the_best_size_of_each_study(tmp_path):
    done = psa_engine("run", "two_state", "--draws", 1_000, "--wtp", 20_000, "--out", tmp_path)
    assert "What candidate studies would be worth" in done.out and "survival_trial" in done.out


def test_the_studies_are_written_as_a_table(tmp_path):
    run(tmp_path, draws=1_000)
    lines = (tmp_path / "out" / "tables" / "evsi.csv").read_text().splitlines()
    assert lines[0].startswith("study,n,wtp,evsi,standard_error") and len(lines) == 4


@pytest.mark.parametrize(("n_draws", "most"), [(1_000, 12), (10_000, 43), (100_000, 60), (20, 0)])
def test_a_quadratic_takes_as_many_parameters_as_ten_draws_a_column_allow(n_draws, most):
    assert most_together(n_draws) == most
    assert (most + 1) * (most + 2) / 2 * 10 <= max(n_draws, 10)


def test_parameters_together_are_judged_quickly_and_within_their_error():
    from voi_problems import P3

    of = tuple(f"t{k}" for k in range(1, 5))
    found = quick_evppi(P3.sample(4_000, 3), of, [P3.wtp])
    assert abs(found.value[0] - 500.0) < 4 * found.standard_error[0]


def test_a_study_of_a_configuration_is_the_record_it_describes():
    about = load_analysis("two_state").studies["survival_trial"]
    assert about.study.parameters == ("mortality_rate", "hazard_ratio")
