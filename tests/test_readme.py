"""Every command, every line of code and every number in the README is real."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from documents import DOCS
from documents import shown as shown_of
from readme import README, TABLE, blocks, commands, numbers, table

ROOT = README.parent
PSA = [c for c in commands() if c.startswith("psa-engine")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readme")


@pytest.mark.parametrize("command", PSA)
def test_each_psa_engine_command_of_the_readme_runs(command, folder):
    words, _, target = command.partition(">")
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(words.replace("psa-engine", "psa_engine"))],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if target:
        (folder / target.strip()).write_text(done.stdout, encoding="utf-8")


@pytest.mark.parametrize("target", [c.split()[1] for c in commands() if c.startswith("make")])
def test_each_make_target_of_the_readme_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_readme_shows_commands_of_these_kinds_only():
    assert {c.split()[0] for c in commands()} == {"make", "pip", "psa-engine"}


@pytest.mark.parametrize("code", blocks("python"))
def test_each_python_block_of_the_readme_runs(code, capsys):
    exec(compile(code, str(README), "exec"), {})
    assert "on frontier" in capsys.readouterr().out


def test_the_result_table_is_that_of_the_run(folder):
    results = json.loads(Path(folder, "results/ruxolitinib_ad_systemic_naive/results.json").read_text())
    (shown,) = [m[3] for m in TABLE.finditer(README.read_text(encoding="utf-8"))]
    assert numbers(shown) == pytest.approx(numbers(table(results)), rel=0.01, abs=1.0)


def test_the_worked_case_of_the_documentation_shows_the_numbers_of_the_run(folder):
    results = json.loads(Path(folder, "results/ruxolitinib_ad_systemic_naive/results.json").read_text())
    parts = dict(shown_of(DOCS / "case_id6602.md", results))
    assert len(parts) == 5
    for shown, expected in parts.items():
        if "standard error |" not in expected:
            assert numbers(shown) == pytest.approx(numbers(expected), rel=0.01, abs=1.0)


def test_the_worked_case_of_the_documentation_shows_estimates_of_the_run_within_their_error(folder):
    results = json.loads(Path(folder, "results/ruxolitinib_ad_systemic_naive/results.json").read_text())
    parts = dict(shown_of(DOCS / "case_id6602.md", results))
    (evppi,) = [both for both in parts.items() if "| EVPPI |" in both[1]]
    shown, expected = ({name: cells for name, *cells in rows_of(text)} for text in evppi)
    for name in list(expected)[:6]:
        (_, value, error), (_, other, _) = expected[name], shown[name]
        assert abs(float(value.replace(",", "")) - float(other.replace(",", ""))) <= 4 * float(error) + 1


def rows_of(table):
    """The rows of a Markdown table, as cells."""
    return [[c.strip() for c in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
