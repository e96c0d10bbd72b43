"""CSV folders and Parquet tables: nothing is lost on the way out and in."""

import numpy as np
import pandas as pd
import pytest

from psa_engine.errors import InputError
from psa_engine.sample import PsaSample

AWKWARD = np.array([0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, -12345678.000000001])


def awkward_sample(**changes):
    rng = np.random.default_rng(3)
    names = ("usual care", 'new, "better" drug', "crème 1.5 %|b")
    fields = {
        "strategies": names,
        "cost_values": np.column_stack([AWKWARD, rng.gamma(2.0, 1e3, 6), rng.normal(size=6)]),
        "effect_values": rng.normal(size=(6, 3)),
        "parameter_values": {"p[new, old]": AWKWARD[::-1], "x|y": rng.uniform(size=6)},
        "outcomes": {"costs.drug": {names[2]: AWKWARD}, "flares": {}, "years": dict.fromkeys(names, AWKWARD)},
        "comparator": "usual care",
        "metadata": {"seed": 7, "wtp": [25000.0, 35000.0], "note": "é", "nested": {"a": None}},
    }
    return PsaSample(**(fields | changes))


def assert_identical(one, other):
    assert one.strategies == other.strategies and one.comparator == other.comparator
    assert one.metadata == other.metadata and one.outcome_names == other.outcome_names
    assert list(one.parameter_values) == list(other.parameter_values)
    pairs = [(one.cost_values, other.cost_values), (one.effect_values, other.effect_values)]
    pairs += [(values, other.parameter_values[name]) for name, values in one.parameter_values.items()]
    for name, by_strategy in one.outcomes.items():
        assert list(by_strategy) == list(other.outcomes[name])
        pairs += [(values, other.outcomes[name][key]) for key, values in by_strategy.items()]
    assert all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)


def test_a_parquet_round_trip_keeps_every_bit(tmp_path):
    sample = awkward_sample()
    sample.to_parquet(tmp_path / "new folder" / "sample.parquet")
    assert_identical(sample, PsaSample.from_parquet(tmp_path / "new folder" / "sample.parquet"))


def test_a_csv_round_trip_keeps_every_bit(tmp_path):
    sample = awkward_sample()
    sample.to_csv(tmp_path / "new folder")
    assert_identical(sample, PsaSample.from_csv(tmp_path / "new folder"))


def test_a_bare_sample_writes_two_plain_tables_and_comes_back(tmp_path):
    sample = awkward_sample(parameter_values={}, outcomes={}, comparator=None, metadata={})
    sample.to_csv(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["costs.csv", "effects.csv"]
    assert_identical(sample, PsaSample.from_csv(tmp_path))


def test_csv_tables_have_a_header_of_names_and_no_index(tmp_path):
    sample = awkward_sample(strategies=("a", "b", "c"), outcomes={}, comparator="b")
    sample.to_csv(tmp_path)
    assert (tmp_path / "costs.csv").read_text().splitlines()[0] == '"a","b","c"'
    table = np.loadtxt(tmp_path / "costs.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table, sample.cost_values)


def test_numpy_values_and_paths_in_metadata_are_written_as_plain_ones(tmp_path):
    sample = awkward_sample(metadata={"n": np.int64(5), "x": np.array([1.5, 2.0]), "file": tmp_path})
    sample.to_parquet(tmp_path / "s.parquet")
    stored = PsaSample.from_parquet(tmp_path / "s.parquet").metadata
    assert stored == {"n": 5, "x": [1.5, 2.0], "file": str(tmp_path)}


def test_metadata_that_is_not_plain_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"metadata .* cannot be written"):
        awkward_sample(metadata={"model": object()}).to_csv(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_spreadsheet_csv_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "costs.csv").write_bytes(b"\xef\xbb\xbfold,new\r\n1,2\r\n3,4.5\r\n")
    (tmp_path / "effects.csv").write_text('"new","old"\n0.5,0.25\n0.75,0.125\n')
    sample = PsaSample.from_csv(tmp_path)
    np.testing.assert_array_equal(sample.cost_values, [[1, 2], [3, 4.5]])
    np.testing.assert_array_equal(sample.effect_values, [[0.25, 0.5], [0.125, 0.75]])


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ('"","old","new"\n"1",1,2\n"2",3,4\n', "Column 1 of the costs has no name"),
        ("old,new\n1,NA\n3,4\n", "'new' of the costs is missing"),
        ("old,new\n1,£2\n3,4\n", "holds '£2' in row 1"),
        ("old;new\n1;2\n3;4\n", "something else than commas"),
        ("old,old\n1,2\n3,4\n", "'old' appears twice"),
        ("old,new\n1,2,3\n3,4\n", "could not be read as a CSV table"),
        ("", "could not be read as a CSV table"),
    ],
)
def test_a_csv_that_is_not_a_table_of_numbers_is_refused(tmp_path, costs, message):
    (tmp_path / "costs.csv").write_text(costs, encoding="utf-8")
    (tmp_path / "effects.csv").write_text("old,new\n1,2\n3,4\n")
    with pytest.raises(InputError, match=message):
        PsaSample.from_csv(tmp_path)


def test_names_not_in_utf8_and_a_damaged_header_are_refused(tmp_path):
    for name in ("costs.csv", "effects.csv"):
        (tmp_path / name).write_bytes(b"old,new\n1,2\n3,4\n")
    (tmp_path / "sample.json").write_text("{")
    with pytest.raises(InputError, match=r"sample\.json is not the JSON"):
        PsaSample.from_csv(tmp_path)
    (tmp_path / "costs.csv").write_bytes(b"old,cr\xe8me\n1,2\n3,4\n")
    with pytest.raises(InputError, match=r"costs\.csv could not be read .* UTF-8"):
        PsaSample.from_csv(tmp_path)


def test_a_folder_or_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no file .*costs\.csv"):
        PsaSample.from_csv(tmp_path)
    with pytest.raises(InputError, match=r"no file .*s\.parquet"):
        PsaSample.from_parquet(tmp_path / "s.parquet")


def test_a_file_left_by_another_sample_is_not_mixed_in(tmp_path):
    awkward_sample().to_csv(tmp_path)
    with pytest.raises(InputError, match=r"already holds outcomes\.csv"):
        awkward_sample(outcomes={}).to_csv(tmp_path)


def test_a_bar_in_an_outcome_name_is_refused(tmp_path):
    sample = awkward_sample(outcomes={"costs|drug": {}})
    with pytest.raises(InputError, match=r"'costs\|drug' holds '\|'"):
        sample.to_parquet(tmp_path / "s.parquet")


def test_a_parquet_file_that_is_not_a_sample_is_refused(tmp_path):
    (tmp_path / "text.parquet").write_text("not a table")
    with pytest.raises(InputError, match="not a Parquet table"):
        PsaSample.from_parquet(tmp_path / "text.parquet")
    pd.DataFrame({"costs|a": [1.0]}).to_parquet(tmp_path / "half.parquet")
    with pytest.raises(InputError, match="not a PSA sample"):
        PsaSample.from_parquet(tmp_path / "half.parquet")


def test_a_parquet_table_made_elsewhere_is_read(tmp_path):
    frame = pd.DataFrame({"costs|a": [1, 2], "costs|b": [3, 4], "effects|b": [5, 6], "effects|a": [7, 8]})
    frame.to_parquet(tmp_path / "s.parquet")
    sample = PsaSample.from_parquet(tmp_path / "s.parquet")
    np.testing.assert_array_equal(sample.effect_values, [[7, 5], [8, 6]])
