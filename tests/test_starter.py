"""The starter files: they run as they are, say what to do, and replace nothing."""

import csv
import json
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
from command_line import psa_engine

import psa_engine as pe
from psa_engine.config import read_document
from psa_engine.config.finding import SCHEMA_FILE
from psa_engine.config.parameter_table import COLUMNS


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """`psa-engine new mine`: what it printed, and the analysis of its files."""
    folder = tmp_path_factory.mktemp("new")
    done = psa_engine("new", "mine", "--out", folder)
    assert done.code == 0, done.err
    analysis = pe.load_analysis(folder / "mine.yaml", allow_model_file=True)
    return SimpleNamespace(**vars(done), folder=folder, yaml=folder / "mine.yaml", analysis=analysis)


def as_table(path, document):
    """Write the parameters of a document as a table of one a row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for name, about in document.content["parameters"].items():
            row = {"name": name, **{k: v for k, v in about.items() if k != "distribution"}}
            for family, numbers in about.get("distribution", {}).items():
                low, high = numbers.get("ci", (None, None))
                kept = {k: v for k, v in numbers.items() if k != "ci"}
                row |= {"distribution": family, **kept, "ci_low": low, "ci_high": high}
            writer.writerow(row)


def base_case(analysis, **values):
    changed = analysis.with_overrides(values)
    return pe.base_case(changed.model, changed.parameters)


def test_the_starter_runs_as_it_is(mine):
    done = psa_engine("run", mine.yaml, "--allow-model-file", "--draws", 100, "--out", mine.folder / "out")
    assert done.code == 0 and "New drug would be the best choice up to a net price" in done.out


def test_the_command_says_what_it_wrote_and_what_comes_next(mine):
    assert f"Written: {mine.yaml} and {mine.folder / 'mine.py'}." in mine.out
    assert f"psa-engine run {mine.yaml} --allow-model-file" in mine.out


def test_the_starter_says_that_it_is_invented(mine):
    assert "invented" in mine.analysis.illustrative and {e.status for e in mine.analysis.ledger} == {
        "assumption", "gap",
    }  # fmt: skip


def test_the_files_speak_of_themselves_by_their_own_names(mine):
    for file in (mine.yaml, mine.folder / "mine.py"):
        text = file.read_text()
        assert "mine.yaml" in text and not {"starter.yaml", "starter.py"} & set(
            text.replace("`", " ").split()
        )


def test_the_starter_is_valid_to_an_editor(mine):
    jsonschema.validate(read_document(mine.yaml).content, json.loads(SCHEMA_FILE.read_text()))


def test_a_drug_without_effect_and_price_changes_nothing(mine):
    alike = base_case(mine.analysis, **{"hazard_ratio": 1, "list_price[new_drug]": 0})
    assert alike.cost_values[0, 0] == pytest.approx(alike.cost_values[0, 1], rel=1e-12)
    assert alike.effect_values[0, 0] == pytest.approx(alike.effect_values[0, 1], rel=1e-12)


def test_a_price_is_paid_for_each_pack(mine):
    free, paid = (base_case(mine.analysis, **{"list_price[new_drug]": price}) for price in (0, 70))
    packs = paid.outcomes["packs.new_drug"]["new_drug"]
    assert paid.cost_values[0, 0] - free.cost_values[0, 0] == pytest.approx(70 * packs[0], rel=1e-12)


def test_a_cohort_that_never_falls_ill_lives_as_the_life_table_says(mine):
    """Discounted life years from 50 to 100 by the trapezium rule, women and men mixed as they survive."""
    table, quarters = pe.read_age_table("england_2017_2019"), np.arange(201) / 4
    annual = [rates[50 + np.floor(quarters[:-1]).astype(int)] for rates in (table.female, table.male)]
    alive = np.mean([np.cumprod([1, *(1 - deaths) ** 0.25]) for deaths in annual], axis=0)
    never = base_case(mine.analysis, illness_rate=0)
    assert never.outcomes["life_years"]["usual_care"][0] == pytest.approx(
        np.trapezoid(alive * 1.035**-quarters, quarters), rel=1e-12
    )


def test_files_that_are_there_are_left_as_they_are(mine):
    before = mine.yaml.read_text()
    done = psa_engine("new", "mine", "--out", mine.folder)
    assert done.code == 2 and "is there already" in done.err and mine.yaml.read_text() == before


def test_a_model_that_is_there_keeps_the_configuration_from_being_written(tmp_path):
    (tmp_path / "x.py").write_text("")
    assert psa_engine("new", "x", "--out", tmp_path).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["x.py"]


def test_a_folder_that_cannot_be_written_gives_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    done = psa_engine("new", "x", "--out", tmp_path / "file")
    assert done.code == 2 and "cannot be written" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize("name", ["a b", "x.yaml", "../x", "", "-x"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    assert psa_engine("new", "--out", tmp_path, "--", name).code == 2 and not list(tmp_path.iterdir())


def test_a_configuration_made_of_a_table_has_its_parameters(mine, tmp_path):
    as_table(tmp_path / "inputs.csv", read_document(mine.yaml))
    done = psa_engine("new", "copy", "--from", tmp_path / "inputs.csv", "--out", tmp_path)
    copy = pe.load_analysis(tmp_path / "copy.yaml", allow_model_file=True)
    assert dict(copy.parameters.entries) == dict(mine.analysis.parameters.entries)
    assert base_case(copy).cost_values.tolist() == base_case(mine.analysis).cost_values.tolist()
    assert "write" in done.out and "copy.py" in done.out


def test_a_table_that_is_not_there_writes_nothing(tmp_path):
    done = psa_engine("new", "x", "--from", tmp_path / "no.xlsx", "--out", tmp_path / "new")
    assert done.code == 2 and "There is no table 'no.xlsx'" in done.err and not (tmp_path / "new").exists()
