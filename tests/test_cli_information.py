"""`psa-engine evppi` and `psa-engine evsi`, on the two-state model."""

import json

import pytest

from psa_engine.cli.app import app
from psa_engine.errors import InputError


def run(*words):
    app([*words], standalone_mode=False)


@pytest.fixture(scope="module")
def ranking(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evppi")
    run("evppi", "two_state", "--wtp", "20000", "--rtol", "0.05", "--out", str(folder))
    return json.loads((folder / "results.json").read_text())["evppi"]


def test_every_uncertain_parameter_is_ranked_from_the_most_valuable_down(ranking):
    values = [row["evppi"] for row in ranking]
    assert {"mortality_rate", "hazard_ratio"} <= {row["of"] for row in ranking}
    assert values == sorted(values, reverse=True)


def test_each_row_has_its_error_method_and_evidence_status(ranking):
    assert all({"standard_error", "bias_bound", "method", "model_runs"} <= row.keys() for row in ranking)
    assert {row["status"] for row in ranking} == {"assumption"}


def test_a_set_of_parameters_is_worth_at_least_its_parts(ranking, capsys):
    run(
        "evppi",
        "two_state",
        "--of",
        "hazard_ratio,mortality_rate",
        "--wtp",
        "20000",
        "--rtol",
        "0.05",
        "--json",
    )
    (both,) = json.loads(capsys.readouterr().out)["evppi"]
    alone = max((r for r in ranking if r["of"] == "hazard_ratio"), key=lambda r: r["evppi"])
    assert both["evppi"] > alone["evppi"] - 4 * (both["standard_error"] + alone["standard_error"])


def test_evsi_rises_with_the_patients_and_stays_below_evppi(capsys):
    run("evsi", "two_state", "--wtp", "20000", "--n", "200,5000", "--json")
    small, large = json.loads(capsys.readouterr().out)["evsi"]
    assert small["evsi"] < large["evsi"] < large["evppi"] + 4 * large["standard_error"]
    assert {"enbs", "enbs_standard_error"} <= small.keys()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evppi", "two_state", "--of", "hazard_ration"], "hazard_ratio"),
        (["evppi", "two_state", "--method", "nestled"], "nested"),
        (["evppi", "two_state", "--wtp", "0"], "above 0"),
        (["evsi", "two_state", "--study", "survival"], "survival_trial"),
        (["evsi", "two_state", "--n", "0"], "0"),
        (["evsi", "two_state", "--n", "ten"], "whole numbers"),
        (["evsi", "sick_sicker"], "studies"),
    ],
)
def test_bad_input_is_one_clear_message(words, said):
    with pytest.raises(InputError, match=said):
        run(*words)
