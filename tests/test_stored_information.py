"""Value of information that is stopped part of the way, and goes on to the same numbers."""

import json
import os
import shutil
import signal

import pytest
from command_line import psa_engine
from stored_runs import without_seconds

from psa_engine.voi.conditional_runs import ConditionalRuns

EVPPI = ("evppi", "two_state", "--of", "hazard_ratio", "--method", "nested", "--rtol", 0.05, "--seed", 3)
EVSI = ("evsi", "two_state", "--method", "nested", "--n", "50,400", "--seed", 3)
MLMC = ("evppi", "two_state", "--of", "costs", "--method", "mlmc", "--rtol", 0.05, "--seed", 3)


def stored(*command, folder):
    return psa_engine(*command, "--keep-blocks", "--out", folder)


def rows(folder):
    said = json.loads((folder / "results.json").read_text())
    return without_seconds(said.get("evppi") or said["evsi"])


def steps(folder):
    return sorted((folder / "blocks").glob("step-*"))


@pytest.fixture
def model_runs(monkeypatch):
    """The calls that run the model inside the two loops, or at given scores."""
    calls, inner, evaluated = [], ConditionalRuns.inner_means, ConditionalRuns.evaluate
    monkeypatch.setattr(ConditionalRuns, "inner_means", lambda *a: calls.append(a) or inner(*a))
    monkeypatch.setattr(ConditionalRuns, "evaluate", lambda *a: calls.append(a) or evaluated(*a))
    return calls


@pytest.mark.parametrize("command", [EVPPI, EVSI, MLMC])
def test_finished_steps_are_not_run_again_and_the_numbers_are_the_same(tmp_path, model_runs, command):
    stored(*command, folder=tmp_path / "whole")
    n = len(model_runs)
    assert n > 2
    shutil.copytree(tmp_path / "whole" / "blocks", tmp_path / "half" / "blocks")
    for step in steps(tmp_path / "half")[::2]:
        step.unlink()
    model_runs.clear()
    assert psa_engine("resume", tmp_path / "half").code == 0
    assert 0 < len(model_runs) <= n // 2 + 1 and rows(tmp_path / "half") == rows(tmp_path / "whole")


def test_storing_changes_no_number(tmp_path):
    stored(*EVPPI, folder=tmp_path / "stored")
    psa_engine(*EVPPI, "--out", tmp_path / "plain")
    assert rows(tmp_path / "plain") == rows(tmp_path / "stored")
    assert not (tmp_path / "plain" / "blocks").exists()


def test_a_signal_is_heard_once_the_step_in_hand_is_stored(tmp_path, monkeypatch):
    inner = ConditionalRuns.inner_means

    def interrupted(*given):
        os.kill(os.getpid(), signal.SIGTERM)
        return inner(*given)

    with monkeypatch.context() as patch:
        patch.setattr(ConditionalRuns, "inner_means", interrupted)
        done = stored(*EVPPI, folder=tmp_path)
    assert done.code == 143 and "psa-engine resume" in done.err and len(steps(tmp_path)) == 1
    assert psa_engine("resume", tmp_path).code == 0


@pytest.mark.parametrize("change", [("--rtol", 0.04), ("--of", "costs"), ("--method", "mlmc")])
def test_other_options_into_the_folder_are_refused(tmp_path, change):
    stored(*EVPPI, folder=tmp_path)
    done = stored(*EVPPI, *change, folder=tmp_path)
    assert done.code == 2 and "options." in done.err and "there and" in done.err


def test_a_sweep_goes_on_at_the_points_that_are_missing(tmp_path, monkeypatch):
    from psa_engine.sensitivity import sweep

    out, ran, run = tmp_path / "grid.parquet", [], sweep.run_psa
    command = ("sweep", "two_state", "--over", "hazard_ratio=0.6,0.7,0.8", "--scenario", "half_price")
    assert psa_engine(*command, "--draws", 200, "--keep-blocks", "--out", out).code == 0
    whole = out.read_bytes()
    for step in sorted(tmp_path.glob("grid.parquet.unfinished/blocks/step-*"))[:2]:
        step.unlink()
    out.unlink()
    monkeypatch.setattr(sweep, "run_psa", lambda *a, **k: ran.append(a) or run(*a, **k))
    assert psa_engine("resume", f"{out}.unfinished").code == 0
    assert len(ran) == 2 and out.read_bytes() == whole


def test_a_sweep_that_ends_leaves_its_rows_alone(tmp_path):
    out = tmp_path / "grid.parquet"
    psa_engine("sweep", "two_state", "--over", "hazard_ratio=0.6,0.7", "--draws", 200, "--out", out)
    assert [path.name for path in tmp_path.iterdir()] == ["grid.parquet"]
