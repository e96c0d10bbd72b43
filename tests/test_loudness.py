"""How much commands say: as much as asked, plain text into a pipe, and errors always."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from command_line import psa_engine

RUN = ("run", "two_state", "--draws", 50, "--wtp", 20_000)


@pytest.fixture
def sample(tmp_path):
    """Costs and effects of two strategies as CSV files: the options that name them."""
    draws = np.random.default_rng(3).normal([[10.0, 14.0]], 1.0, (40, 2))
    for name in ("costs", "effects"):
        np.savetxt(tmp_path / f"{name}.csv", draws, delimiter=",", header="old,new", comments="")
    return "--costs", tmp_path / "costs.csv", "--effects", tmp_path / "effects.csv"


def test_a_quiet_run_prints_nothing_and_writes_its_results(tmp_path):
    done = psa_engine(*RUN, "--out", tmp_path, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "") and (tmp_path / "results.json").is_file()


def test_a_quiet_analysis_of_tables_prints_nothing(sample):
    assert psa_engine("analyse", *sample, "-q").out == ""


def test_a_quiet_check_says_by_its_exit_code_whether_a_configuration_is_valid(tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\n")
    assert (psa_engine("check", "two_state", "--quiet").out, psa_engine("check", tmp_path / "bad.yaml", "-q").code) == (
        "", 2,
    )  # fmt: skip


def test_quiet_does_not_silence_errors():
    done = psa_engine("run", "no_such", "--quiet")
    assert done.code == 2 and done.err.startswith("psa-engine: There is no configuration 'no_such'.")


def test_quiet_does_not_silence_json(sample):
    assert json.loads(psa_engine("analyse", *sample, "--quiet", "--json").out)["n_draws"] == 40


def test_quiet_holds_for_one_command_only(sample):
    psa_engine("analyse", *sample, "--quiet")
    assert "Fully incremental analysis" in psa_engine("analyse", *sample).out


def test_a_verbose_run_says_on_what_it_ran_and_how_long_each_part_took(tmp_path):
    done = psa_engine(*RUN, "--out", tmp_path, "--verbose")
    for words in ("in blocks of up to", "with compilation", "draws a second", "jax 0.", "Configuration SHA-256",
                  "Reading and checking: ", "Writing: ", "s of processor time"):  # fmt: skip
        assert words in done.out


def test_without_verbose_nothing_is_said_of_the_parts(sample):
    assert "processor time" not in psa_engine("analyse", *sample).out
    assert "processor time" in psa_engine("analyse", *sample, "--verbose").out


@pytest.mark.parametrize("command", ["tornado", "gradient"])
def test_verbose_says_where_the_time_of_a_sensitivity_command_went(command):
    assert "processor time" not in psa_engine(command, "two_state").out
    said = psa_engine(command, "two_state", "--verbose").out
    assert "Reading and checking: " in said and "Runs, with compilation" in said


def test_quiet_and_verbose_contradict_each_other():
    done = psa_engine("run", "two_state", "--quiet", "--verbose")
    assert done.code == 2 and "contradict" in done.err and done.err.count("\n") == 1


def test_nothing_but_plain_text_goes_into_a_pipe(sample):
    printed = subprocess.check_output([sys.executable, "-m", "psa_engine", "analyse", *map(str, sample)])
    assert b"\x1b" not in printed and "│".encode() in printed


def test_numbers_have_thousands_separators_and_stand_to_the_right():
    printed = psa_engine("check", "two_state", "--no-ledger").out.splitlines()
    (costs,) = [line for line in printed if line.startswith("│ costs ")]
    (effects,) = [line for line in printed if line.startswith("│ effects ")]
    assert re.fullmatch(r"│ costs +│ +\d\d,\d{3} │ +\d\d,\d{3} │", costs)
    assert re.fullmatch(r"│ effects +│ +\d\.\d{3} │ +\d\.\d{3} │", effects)
