"""Damaged files of every kind are read or refused: no traceback, no hang, nothing run or written.

Some hundreds of inputs; `make fuzz` tries a hundred thousand, guided by the code they reach.
"""

import contextlib
import os
import subprocess
from pathlib import Path
from random import Random

import pytest
from hostile import (
    BLOCK,
    CONTENT,
    CSV,
    HEADER,
    MANIFEST,
    PARQUET,
    READERS,
    RESULTS,
    SECONDS,
    WORKBOOK,
    YAML,
    Acted,
    Reader,
    folder_for,
    tried,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st


def assert_all_read_or_refused(reader, inputs):
    with folder_for(reader) as folder:
        for data in inputs:
            assert tried(reader, data, folder) in ("read", "refused"), data


def damaged_inputs(reader: Reader, n: int, seed: int):
    random = Random(seed)
    return (reader.damaged(random.choice(reader.seeds), random) for _ in range(n))


@pytest.fixture(scope="module")
def folders():
    with contextlib.ExitStack() as stack:
        yield {reader.name: stack.enter_context(folder_for(reader)) for reader in READERS.values()}


@pytest.mark.parametrize(
    ("reader", "n"),
    [
        (YAML, 40),
        (CONTENT, 150),
        (CSV, 250),
        (HEADER, 60),
        (PARQUET, 200),
        (RESULTS, 60),
        (MANIFEST, 40),
        (BLOCK, 100),
    ],
)
def test_damaged_files_are_read_or_refused(reader, n):
    assert_all_read_or_refused(reader, damaged_inputs(reader, n, seed=6))


def test_damaged_workbooks_are_read_or_refused():
    assert_all_read_or_refused(WORKBOOK, damaged_inputs(WORKBOOK, 20, seed=3))


@given(st.binary(max_size=300), st.sampled_from([CSV, HEADER, PARQUET, WORKBOOK, RESULTS, YAML]))
@example(b"PAR1\xff\xff\xff\xffPAR1", PARQUET)
@example(b"PK\x05\x06" + b"\0" * 18, WORKBOOK)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_bytes_are_read_or_refused(folders, data, reader):
    assert tried(reader, data, folders[reader.name]) in ("read", "refused")


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_undamaged_files_are_read(reader):
    with folder_for(reader) as folder:
        assert tried(reader, reader.seeds[0], folder) == "read"


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: os.system("true"),
        lambda folder: subprocess.run(["true"], check=False),
        lambda folder: Path(folder, "new").write_text("x"),
        lambda folder: Path(folder, "config.yaml").unlink(),
        lambda folder: exec(compile("1", "x.yaml", "exec")),
    ],
)
def test_the_watch_sees_what_an_input_may_not_do(act):
    watched = Reader("config.yaml", YAML.seeds, YAML.damaged, act)
    with folder_for(YAML) as folder, pytest.raises(Acted):
        tried(watched, b"", folder)


def test_the_watch_sees_a_hang(monkeypatch):
    monkeypatch.setattr("hostile.SECONDS", 0.05)

    def hang(folder):
        while True:
            pass

    with folder_for(YAML) as folder, pytest.raises(TimeoutError):
        tried(Reader("config.yaml", YAML.seeds, YAML.damaged, hang), b"", folder)
    assert SECONDS >= 10
