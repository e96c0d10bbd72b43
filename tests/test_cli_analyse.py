"""`psa-engine analyse`: a sample from elsewhere in, every table out; what is wrong with it is named."""

import csv
import json

import numpy as np
import pytest
from voi_problems import P4, P12

from psa_engine.cli.analyse import analyse
from psa_engine.errors import InputError


def write(path, names, columns):
    """Write a CSV file of named columns and return its path."""
    rows = np.column_stack(columns)
    np.savetxt(path, rows, fmt="%.17g", delimiter=",", header=",".join(names), comments="")
    return path


@pytest.fixture
def files(tmp_path):
    """The three files of a sample of P4."""
    P4.sample(2_000, seed=3).to_csv(tmp_path)
    return {name: tmp_path / f"{name}.csv" for name in ("costs", "effects", "parameters")}


def run(files, capsys, wtp=(10_000.0,), comparator=None, groups=None, out=None):
    """Return results.json as printed."""
    analyse(**files, wtp=list(wtp), comparator=comparator, groups=groups or {}, out=out, as_json=True)
    return json.loads(capsys.readouterr().out)


def small(tmp_path, **parameters):
    """Files of 400 draws in which new is worth `x` more than old at a WTP of 1, with further parameters."""
    x = np.random.default_rng(1).normal(1, 2, 400)
    named = {"x": x, **parameters}
    return {
        "costs": write(tmp_path / "c.csv", ["old", "new"], [np.zeros(400), np.full(400, 5.0)]),
        "effects": write(tmp_path / "e.csv", ["old", "new"], [np.ones(400), 6 + x]),
        "parameters": write(tmp_path / "p.csv", list(named), list(named.values())),
    }


def test_parameters_and_groups_are_ranked_by_value(files, capsys):
    rows = run(files, capsys, groups={"effect": ["x5", "x6"], "idle": ["x2", "x3"]})["evppi"]
    assert [row["of"] for row in rows][:2] == ["effect", "x6"] and len(rows) == 21
    assert [row["evppi"] for row in rows] == sorted((row["evppi"] for row in rows), reverse=True)
    (x6,) = (row for row in rows if row["of"] == "x6")
    assert abs(x6["evppi"] - P4.evppi["x6",]) < 4 * x6["standard_error"] and x6["distinguishable"]
    assert not next(row for row in rows if row["of"] == "idle")["distinguishable"]


def test_the_whole_analysis_is_in_the_result(files, capsys):
    results = run(files, capsys, wtp=(5_000.0, 20_000.0), comparator="T1")
    assert results["wtp"] == [5_000, 20_000] and [d["wtp"] for d in results["decision"]] == [5_000, 20_000]
    assert results["pairwise"][0]["comparison"] == "T0 v T1"
    assert results["incremental"][0]["status"] == "reference"
    assert {row["wtp"] for row in results["evppi"]} == {5_000, 20_000}
    for point in results["acceptability"]:
        assert sum(point["probability"].values()) == pytest.approx(1)


def test_tables_are_written_beside_the_results(files, capsys, tmp_path):
    results = run(files, capsys, out=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == results
    tables = {path.stem for path in (tmp_path / "out" / "tables").iterdir()}
    assert {"incremental", "ceac", "ceaf", "evpi", "evppi", "net_benefit"} <= tables
    with (tmp_path / "out" / "tables" / "evppi.csv").open() as file:
        assert float(next(csv.DictReader(file))["evppi"]) == results["evppi"][0]["evppi"]


def test_the_printed_tables_say_what_is_not_distinguishable_from_zero(files, capsys):
    analyse(**files, wtp=[10_000.0], comparator=None, groups={}, out=None, as_json=False)
    text = capsys.readouterr().out
    assert "Fully incremental analysis" in text and "T1 v T0: north-east" in text and "EVPI" in text
    (x2,) = (line for line in text.splitlines() if line.startswith("│ x2 "))
    (x6,) = (line for line in text.splitlines() if line.startswith("│ x6 "))
    assert "not distinguishable from 0" in x2 and "█" not in x2
    assert "±" in x6 and "█" in x6


def test_without_parameters_there_is_no_evppi_and_the_wtp_is_the_usual_one(files, capsys):
    results = run({**files, "parameters": None}, capsys, wtp=())
    assert results["evppi"] == [] and results["wtp"] == [25_000, 35_000]


def test_columns_in_another_order_are_matched_by_name_with_a_note(tmp_path, capsys):
    files = small(tmp_path)
    one = run(files, capsys, wtp=(1.0,))
    x = np.random.default_rng(1).normal(1, 2, 400)
    files["effects"] = write(tmp_path / "e2.csv", ["new", "old"], [6 + x, np.ones(400)])
    other = run(files, capsys, wtp=(1.0,))
    assert other["incremental"] == one["incremental"]
    assert any("matched by name" in note for note in other["notes"])


def test_constant_and_dependent_parameters_are_named(tmp_path, capsys):
    x = np.random.default_rng(1).normal(1, 2, 400)
    files = small(tmp_path, price=np.full(400, 12.5), twice=2 * x)
    results = run(files, capsys, wtp=(1.0,), groups={"both": ["x", "twice"]})
    assert "'price' is constant: knowing it is worth nothing." in results["notes"]
    assert "'twice' is determined by 'x': it adds nothing." in results["notes"]
    values = {row["of"]: row["evppi"] for row in results["evppi"]}
    assert values["price"] == 0 and values["both"] == values["x"]


def test_rows_that_are_not_the_same_draws_are_pointed_out(files, capsys, tmp_path):
    lines = files["parameters"].read_text().splitlines()
    order = np.random.default_rng(2).permutation(len(lines) - 1) + 1
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("\n".join([lines[0], *(lines[i] for i in order)]) + "\n")
    notes = run({**files, "parameters": mixed}, capsys)["notes"]
    assert any("parameters explain nothing" in note and "same draw" in note for note in notes)


def test_a_group_too_large_for_the_draws_is_left_out_with_a_note(files, capsys):
    everything = [f"x{k}" for k in range(1, 20)]
    results = run(files, capsys, groups={"everything": everything})
    assert "everything" not in {row["of"] for row in results["evppi"]}
    assert any("'everything' is left out" in note and "2,100 draws" in note for note in results["notes"])


def test_proportions_from_a_file_that_add_up_to_one_are_one_group(tmp_path, capsys):
    P12.sample(3_000, seed=4).to_csv(tmp_path)
    files = {name: tmp_path / f"{name}.csv" for name in ("costs", "effects", "parameters")}
    rows = run(files, capsys, wtp=(1_000.0,), groups={"response": ["p1", "p2", "p3"]})["evppi"]
    assert rows[0]["of"] == "response" and abs(rows[0]["evppi"] - P12.evpi) < 4 * rows[0]["standard_error"]


def test_tied_strategies_give_a_note(tmp_path, capsys):
    x = np.random.default_rng(5).normal(0, 2, 400)
    files = small(tmp_path)
    files["effects"] = write(tmp_path / "tie.csv", ["old", "new"], [np.ones(400), 6 + x - x.mean()])
    notes = run({**files, "parameters": write(tmp_path / "px.csv", ["x"], [x])}, capsys, (1.0,))["notes"]
    assert any("within 2 standard errors" in note for note in notes)


@pytest.mark.parametrize(("what", "text", "message"), [
    ("effects", "old,new\n1,2\n", "costs have 400 rows and the effects 1"),
    ("effects", "old,newer\n" + "1,2\n" * 400, "'new' is in only one of costs and effects"),
    ("parameters", "x\n" + "1.5\n" * 399, "costs have 400 rows and the parameters 399"),
    ("parameters", "x\n" + "1.5\n" * 399 + "NA\n", r"'x' of the parameters is missing \(NaN\).*row 400"),
    ("parameters", "x\n" + "1.5\n" * 399 + "high\n", "'x' of the parameters holds 'high' in row 400"),
    ("costs", "old\n" + "1\n" * 400, "costs have 1 strategies but the effects 2"),
    ("costs", "old;new\n" + "1;2\n" * 400, "use commas"),
    ("costs", ",old,new\n" + "1,2,3\n" * 400, r"Column 1 of the costs has no name.*row.names = FALSE"),
])  # fmt: skip
def test_tables_that_do_not_belong_together_are_refused_by_name(tmp_path, what, text, message):
    files = small(tmp_path)
    files[what] = tmp_path / "bad.csv"
    files[what].write_text(text)
    with pytest.raises(InputError, match=message):
        analyse(**files, wtp=[1.0], comparator=None, groups={}, out=None, as_json=True)


def test_one_strategy_only_is_refused(tmp_path):
    files = small(tmp_path)
    files["costs"] = files["effects"] = write(tmp_path / "one.csv", ["old"], [np.ones(400)])
    with pytest.raises(InputError, match="one strategy only"):
        analyse(**files, wtp=[1.0], comparator=None, groups={}, out=None, as_json=True)


@pytest.mark.parametrize(("changes", "message"), [
    ({"wtp": [0.0]}, "WTP must be a number above 0, got 0"),
    ({"comparator": "nwe"}, r"comparator 'nwe' is not a strategy.*'new'"),
    ({"groups": {"all": ["x", "y"]}}, r"group 'all' names 'y'"),
    ({"groups": {"all": [""]}}, r"group 'all' is empty"),
    ({"groups": {"x": ["x"]}}, r"group 'x' has the name of a parameter"),
    ({"groups": {"all": ["x"]}, "parameters": None}, r"group 'all' needs a table of parameters"),
])  # fmt: skip
def test_what_was_asked_wrongly_is_refused_in_a_sentence(tmp_path, changes, message):
    asked = {**small(tmp_path), "wtp": [1.0], "comparator": None, "groups": {}, "out": None, "as_json": True}
    with pytest.raises(InputError, match=message):
        analyse(**(asked | changes))


def test_a_file_that_is_not_there_is_named(tmp_path):
    files = {**small(tmp_path), "effects": tmp_path / "effect.csv"}
    with pytest.raises(InputError, match=r"no file '.*effect.csv' of effects"):
        analyse(**files, wtp=[], comparator=None, groups={}, out=None, as_json=True)
