"""Files made to harm: too large, too wide, in odd encodings, or declaring what they do not hold."""

import json
import re
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from psa_engine.accrual import population
from psa_engine.config import check, find_config, read_text
from psa_engine.distributions import Dirichlet, Empirical, empirical
from psa_engine.errors import InputError
from psa_engine.report.reading import read_results
from psa_engine.sample import PsaSample, csv_files
from psa_engine.sample import parquet as parquet_files
from psa_engine.store.manifest import read_manifest

GOOD = b"old,new\n1,2\n3,4\n"
TWO_STATE = find_config("two_state").read_text(encoding="utf-8")
ESCAPE = "\x1b[2J"


def sample_in(folder, costs=GOOD, **others):
    for name, data in {"costs.csv": costs, "effects.csv": GOOD, **others}.items():
        (folder / name).write_bytes(data)
    return PsaSample.from_csv(folder)


def refusal(read, *given, **more):
    with pytest.raises(InputError) as caught:
        read(*given, **more)
    return str(caught.value)


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)
    return path


def columns(values):
    return {name: values for name in ("costs|a", "costs|b", "effects|a", "effects|b")}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
def test_a_csv_table_in_another_encoding_is_refused(tmp_path, encoding):
    words = refusal(sample_in, tmp_path, "old,nëw\n1,2\n3,4\n".encode(encoding))
    assert "costs.csv" in words and "UTF-8" in words and words.isprintable()


@pytest.mark.parametrize("cell", ["\x00", "é", "1" * 5_000_000, "1e999", "[1", "0x", "=1+1", "1_000"])
def test_a_cell_that_is_no_number_is_refused(tmp_path, cell):
    words = refusal(sample_in, tmp_path, f"old,new\n1,{cell}\n3,4\n".encode())
    assert "'new' of the costs" in words and len(words) < 6_000_000


def test_a_name_with_a_control_character_is_refused(tmp_path):
    words = refusal(PsaSample, (f"old{ESCAPE}", "new"), np.ones((2, 2)), np.ones((2, 2)))
    assert r"'old\x1b[2J'" in words and ESCAPE not in words


def test_a_csv_table_of_a_million_columns_is_refused_before_it_is_parsed(tmp_path):
    start = time.process_time()
    words = refusal(sample_in, tmp_path, b"," * 1_000_000 + b"\n" + b"1," * 1_000_000)
    assert "more than 50,000 columns" in words and time.process_time() - start < 1


def test_a_csv_table_of_many_columns_is_read_in_time_that_grows_with_their_number(tmp_path):
    n = 3_000
    table = (",".join(f"c{i}" for i in range(n)) + "\n" + ",".join("1" * n) + "\n").encode()
    start = time.process_time()
    assert len(sample_in(tmp_path, table, **{"effects.csv": table}).strategies) == n
    assert time.process_time() - start < 5


def test_a_csv_table_too_large_is_refused_by_its_size_with_what_to_do(tmp_path):
    (tmp_path / "effects.csv").write_bytes(GOOD)
    sparse(tmp_path / "costs.csv", csv_files.MAX_BYTES + 1)
    assert "Parquet" in refusal(PsaSample.from_csv, tmp_path)


@pytest.mark.parametrize("module", [empirical, population])
def test_a_table_of_a_configuration_of_100_mb_is_refused_by_its_size(tmp_path, module):
    path = sparse(tmp_path / "big.csv", 100_000_000)
    read = Empirical.from_csv if module is empirical else population.read_age_table
    given = (path,) if module is empirical else ("big.csv", tmp_path)
    assert f"at most {module.MAX_BYTES:,} are read" in refusal(read, *given)


@pytest.mark.parametrize("data", [b"a,b\n1,\xe9\n", b"\xff\xfea\x00", b'a,"' + b"x" * 200_000 + b'"\n1,2\n'])
def test_a_table_of_rows_that_is_no_csv_in_utf8_is_refused(tmp_path, data):
    (tmp_path / "rows.csv").write_bytes(data)
    assert "rows.csv" in refusal(Empirical.from_csv, tmp_path / "rows.csv")


def test_a_life_table_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "life.csv").write_bytes("age,male,female\n0,0.1,0.1\n".encode("utf-16"))
    assert "not text in UTF-8" in refusal(population.read_age_table, "life.csv", tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        *("[]", "5", "{", '{"comparator": 5}', '{"components": "ab"}', '{"components": [1]}'),
        *('{"metadata": [1]}', "[" * 100_000, '{"x": 1}', "9" * 5_000),
    ],
)
def test_a_header_of_another_shape_is_refused(tmp_path, header):
    assert "sample.json is not the JSON" in refusal(
        sample_in, tmp_path, **{"sample.json": header.encode("utf-8")}
    )
    table = pa.table(columns([1.0, 2.0])).replace_schema_metadata({b"psa_engine": header.encode()})
    parquet.write_table(table, tmp_path / "s.parquet")
    assert "is not the JSON" in refusal(PsaSample.from_parquet, tmp_path / "s.parquet")


@pytest.mark.parametrize(
    "values", [["1", "2"], [b"1", b"2"], [[1.0], [2.0]], [{"a": 1}, {"a": 2}], [True, False], [None, None]]
)
def test_a_parquet_column_that_holds_no_numbers_is_refused(tmp_path, values):
    parquet.write_table(pa.table(columns(values)), tmp_path / "s.parquet")
    assert "'costs|a'" in refusal(PsaSample.from_parquet, tmp_path / "s.parquet")


def test_a_parquet_column_that_is_there_twice_is_refused(tmp_path):
    names = [*columns(0), "costs|a"]
    parquet.write_table(pa.Table.from_arrays([pa.array([1.0, 2.0])] * 5, names), tmp_path / "s.parquet")
    assert "'costs|a' appears twice" in refusal(PsaSample.from_parquet, tmp_path / "s.parquet")


def test_a_column_that_is_no_part_of_a_sample_may_be_there_twice(tmp_path):
    names = [*columns(0), "note", "note"]
    parquet.write_table(pa.Table.from_arrays([pa.array([1.0, 2.0])] * 6, names), tmp_path / "s.parquet")
    assert PsaSample.from_parquet(tmp_path / "s.parquet").strategies == ("a", "b")


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, "\x00", "{", "[]", "5"])
def test_results_that_are_no_results_are_refused(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    assert "results.json" in refusal(read_results, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "5", "null", "[" * 100_000, '{"format": 1}', '{"format": 1, "odd": 2}', "\xff"),
        '{"format": 1, "command": "run", "identity": [], "request": 5}',
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text, encoding="latin-1")
    assert "manifest" in refusal(read_manifest, tmp_path)


def test_a_parquet_file_that_declares_more_than_memory_holds_is_refused_unread(tmp_path, monkeypatch):
    parquet.write_table(pa.table(columns(np.zeros(100_000))), tmp_path / "s.parquet")
    assert (tmp_path / "s.parquet").stat().st_size < 50_000
    monkeypatch.setattr(parquet_files, "memory_bytes", lambda: 3_000_000)
    monkeypatch.setattr(parquet.ParquetFile, "read", lambda *a, **k: pytest.fail("it was read"))
    assert "declares 100,000 rows of 4 columns" in refusal(PsaSample.from_parquet, tmp_path / "s.parquet")


def test_a_folder_in_the_place_of_a_parquet_file_is_refused(tmp_path):
    assert "not a Parquet table" in refusal(PsaSample.from_parquet, tmp_path)


def test_names_that_a_spreadsheet_would_run_are_quoted_in_csv_and_come_back(tmp_path):
    names = ('=HYPERLINK("http://x")', "@sum", "'=quoted", "plain")
    PsaSample(names, np.ones((2, 4)), np.ones((2, 4)), {"+p": np.ones(2)}).to_csv(tmp_path)
    for name in ("costs.csv", "parameters.csv"):
        head = (tmp_path / name).read_text().splitlines()[0]
        assert not re.search(r'(^|,)"?[=+@-]', head)
    again = PsaSample.from_csv(tmp_path)
    assert again.strategies == names and list(again.parameter_values) == ["+p"]


@pytest.mark.parametrize("text", [r"\e[2J", r"\ud800", r"\u202e", r"\0", r"\x9b", r"\r"])
def test_a_configuration_with_a_character_that_cannot_be_printed_is_refused(text):
    for line in ('name: "two_state{}"', '"na{}me": two_state'):
        words = refusal(read_text, TWO_STATE.replace("name: two_state", line.format(text), 1))
        assert "cannot be printed" in words and words.isascii() and words.isprintable()


def test_a_joint_distribution_takes_a_thousand_names_at_most():
    assert "at most 1,000 names" in refusal(Dirichlet, [f"x{i}" for i in range(1_001)], [1] * 1_001)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("wtp: [25000, 35000]", f"wtp: {list(range(1_001))}", "At most 1,000"),
        ("wtp: [25000, 35000]", "wtp: 1e308", "at most"),
        ("n_draws: 10000", "n_draws: 1e11", "at most"),
    ],
)
def test_a_setting_that_no_machine_can_serve_is_refused(old, new, words):
    assert words in refusal(check, read_text(TWO_STATE.replace(old, new)))


def test_two_hundred_scenarios_are_enough():
    more = "\n".join(f"  s{i}: {{description: x, set: {{cost_treatment: {i}}}}}" for i in range(201))
    words = refusal(check, read_text(TWO_STATE.replace("scenarios:\n", f"scenarios:\n{more}\n")))
    assert words.startswith("scenarios: At most 200 must be given")


def test_the_metadata_of_a_sample_comes_back_as_it_was(tmp_path):
    stored = sample_in(tmp_path, **{"sample.json": json.dumps({"metadata": {"seed": 3}}).encode()})
    assert stored.metadata == {"seed": 3}


@pytest.mark.parametrize(
    "given",
    ["log_normal: [1, 99]", "log_normal: [800, 1]", "normal: [1e308, 1e308]", "gamma: [1e308, 1e308]"],
)
def test_a_distribution_beyond_what_numbers_can_hold_is_refused_where_it_stands(given):
    words = refusal(check, read_text(TWO_STATE.replace("gamma: {mean: 2000, se: 150}", given)))
    assert words.startswith("parameters.cost_alive.distribution: ")
