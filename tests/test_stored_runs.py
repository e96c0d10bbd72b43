"""Runs that are stopped in every way, and go on to the same bits."""

import json
import os
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import psa_engine
from stored_runs import (
    N_BLOCKS,
    N_DRAWS,
    RUN,
    SIZE,
    assert_same_bits,
    results,
    started,
    stored_blocks,
    wait_for_blocks,
)

from psa_engine.engine.blocks import BlockRunner
from psa_engine.store import read_manifest


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The result folder of a run that was never stopped, its blocks kept."""
    folder = tmp_path_factory.mktemp("whole")
    assert psa_engine(*RUN, "--out", folder).code == 0
    return folder


@pytest.fixture
def half(whole, tmp_path):
    """The result folder of a run that was killed after half of its blocks."""
    shutil.copytree(whole / "blocks", tmp_path / "half" / "blocks")
    for block in stored_blocks(tmp_path / "half")[N_BLOCKS // 2 :]:
        block.unlink()
    return tmp_path / "half"


@pytest.fixture
def blocks_run(monkeypatch):
    """The first draws of the blocks that the engine runs."""
    firsts, run = [], BlockRunner.run
    monkeypatch.setattr(
        BlockRunner, "run", lambda self, first, n: firsts.append(first) or run(self, first, n)
    )
    return firsts


def stop_in_block(monkeypatch, number, stop):
    """Have `stop()` called while the engine is at work on a block."""
    run = BlockRunner.run

    def stopped(self, first, n):
        block = run(self, first, n)
        if first // n == number:
            stop()
        return block

    monkeypatch.setattr(BlockRunner, "run", stopped)


def test_a_run_keeps_every_block_that_was_asked_for(whole):
    assert len(stored_blocks(whole)) == N_BLOCKS


def test_a_stored_run_gives_the_bits_of_one_that_is_not(whole, tmp_path):
    assert psa_engine(*[x for x in RUN if x != "--keep-blocks"], "--out", tmp_path).code == 0
    assert_same_bits(tmp_path, whole)
    assert not (tmp_path / "blocks").exists()


def test_a_resumed_run_makes_only_the_missing_blocks_and_the_same_bits(half, whole, blocks_run):
    done = psa_engine("resume", half)
    assert done.code == 0 and "2 blocks were found finished" in done.err
    assert blocks_run == [2 * SIZE, 3 * SIZE]
    assert_same_bits(half, whole)


def test_a_run_asked_for_again_goes_on_where_it_was(half, whole, blocks_run):
    assert psa_engine(*RUN, "--out", half).code == 0
    assert len(blocks_run) == N_BLOCKS // 2
    assert_same_bits(half, whole)


def test_a_run_goes_on_from_its_own_copy_of_a_configuration_that_has_changed_since(tmp_path):
    text = psa_engine("show", "two_state").out
    (tmp_path / "mine.yaml").write_text(text)
    folder = tmp_path / "out"
    assert psa_engine("run", tmp_path / "mine.yaml", *RUN[2:], "--out", folder).code == 0
    before = results(folder)
    stored_blocks(folder)[1].unlink()
    (tmp_path / "mine.yaml").write_text("spoilt")
    assert psa_engine("resume", folder).code == 0 and results(folder) == before


def test_overlays_are_taken_up_with_the_run(tmp_path):
    overlays = (
        "--scenario",
        "half_price",
        "--subgroup",
        "older",
        "--set",
        "utility_alive=0.7",
        "--wtp",
        9000,
    )
    assert psa_engine(*RUN, *overlays, "--out", tmp_path).code == 0
    before = results(tmp_path)
    stored_blocks(tmp_path)[0].unlink()
    assert psa_engine("resume", tmp_path).code == 0 and results(tmp_path) == before
    assert before["applied"] and before["wtp"] == [9000]


def test_finished_scenarios_are_not_run_again(tmp_path, blocks_run):
    assert psa_engine(*RUN, "--scenario", "all", "--out", tmp_path).code == 0
    before, _ = results(tmp_path), blocks_run.clear()
    assert psa_engine("resume", tmp_path).code == 0
    assert blocks_run == [] and results(tmp_path) == before and len(before["scenarios"]) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("--seed", 12), "configuration.settings.seed is 11 there and 12 now"),
        (
            ("--draws", N_DRAWS + 1),
            f"configuration.settings.n_draws is {N_DRAWS} there and {N_DRAWS + 1} now",
        ),
        (("--set", "cost_alive=1"), "configuration.parameters.cost_alive"),
        (("--precision", "single"), "configuration.settings.precision is null there"),
    ],
)
def test_another_run_into_the_folder_is_refused_with_the_difference(half, change, words):
    done = psa_engine(*RUN, *change, "--out", half)
    assert done.code == 2 and words in done.err and done.err.count("\n") == 1


def test_a_run_of_another_version_is_refused_with_the_difference(half, monkeypatch):
    said = read_manifest(half / "blocks")
    versions = {**said.identity["versions"], "jax": "0.0.1"}
    replace(said, identity={**said.identity, "versions": versions}).write(half / "blocks")
    done = psa_engine("resume", half)
    assert done.code == 2 and 'versions.jax is "0.0.1" there and' in done.err


@pytest.mark.parametrize("name", ["manifest.json", "manifest.copy.json"])
@pytest.mark.parametrize("damage", [lambda d: d.replace(b'"seed": 11', b'"seed": 12'), lambda d: d[:-40]])
def test_one_of_two_manifests_is_enough(half, whole, name, damage):
    manifest = half / "blocks" / name
    content = manifest.read_bytes()
    assert damage(content) != content
    manifest.write_bytes(damage(content))
    done = psa_engine("resume", half)
    assert done.code == 0 and "2 blocks were found finished" in done.err
    assert_same_bits(half, whole)


@pytest.fixture
def without_manifest(half):
    """The folder of a killed run, neither of whose manifests says anything."""
    for name in ("manifest.json", "manifest.copy.json"):
        (half / "blocks" / name).write_bytes(b"\0" * 4096)
    return half


def test_without_a_manifest_the_same_command_finds_its_blocks(without_manifest, whole):
    assert "Give the command that started the run again" in psa_engine("resume", without_manifest).err
    done = psa_engine(*RUN, "--out", without_manifest)
    assert done.code == 0 and "2 blocks were found finished" in done.err
    assert_same_bits(without_manifest, whole)


def test_without_a_manifest_another_command_is_refused(without_manifest):
    done = psa_engine(*RUN, "--seed", 12, "--out", without_manifest)
    assert done.code == 2 and "is damaged, and its copy too" in done.err and "--restart" in done.err


def test_a_damaged_copy_of_the_configuration_is_named_and_the_same_command_goes_on(half, whole):
    copy = half / "blocks" / "configuration" / "two_state.yaml"
    copy.write_text(copy.read_text().replace("1500", "1501"))
    assert "'configuration/two_state.yaml' in" in psa_engine("resume", half).err
    assert "2 blocks were found" in psa_engine(*RUN, "--out", half).err
    assert_same_bits(half, whole)


def test_an_unfinished_run_can_be_discarded(half, whole):
    assert psa_engine(*RUN, "--seed", 12, "--restart", "--out", half).code == 0
    assert results(half)["run"]["seed"] == 12


def test_where_nothing_is_unfinished_there_is_nothing_to_resume(tmp_path):
    assert "holds no unfinished run" in psa_engine("resume", tmp_path).err
    assert psa_engine("resume", tmp_path / "missing").code == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_heard_once_the_block_in_hand_is_stored(tmp_path, whole, monkeypatch, number, code):
    with monkeypatch.context() as patch:
        stop_in_block(patch, 2, lambda: os.kill(os.getpid(), number))
        done = psa_engine(*RUN, "--out", tmp_path)
    assert done.code == code and f"Go on with: psa-engine resume {tmp_path}" in done.err
    assert len(stored_blocks(tmp_path)) == 3 and not (tmp_path / ".lock").exists()
    said = json.loads((tmp_path / "blocks" / "manifest.json").read_text())
    assert (said["status"], said["blocks"]) == ("interrupted", 3)
    assert psa_engine("resume", tmp_path).code == 0
    assert_same_bits(tmp_path, whole)


def test_a_second_signal_stops_at_once(tmp_path, monkeypatch):
    stop_in_block(monkeypatch, 2, lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)])
    assert psa_engine(*RUN, "--out", tmp_path).code == 130
    assert len(stored_blocks(tmp_path)) == 2


def test_after_a_run_signals_are_as_they_were(tmp_path):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    psa_engine(*RUN, "--out", tmp_path)
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_run_in_the_folder_is_refused(tmp_path, monkeypatch):
    second = []
    stop_in_block(monkeypatch, 2, lambda: second.append(second or psa_engine(*RUN, "--out", tmp_path)))
    assert psa_engine(*RUN, "--out", tmp_path).code == 0
    assert second[0].code == 2 and "Another process is at work" in second[0].err


def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(tmp_path, whole, monkeypatch):
    from psa_engine.store import files

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        stop_in_block(patch, 2, lambda: patch.setattr(files.os, "fsync", full))
        done = psa_engine(*RUN, "--out", tmp_path)
    assert done.code == 4 and "The disk is full" in done.err and "psa-engine resume" in done.err
    assert len(stored_blocks(tmp_path)) == 2
    assert psa_engine("resume", tmp_path).code == 0
    assert_same_bits(tmp_path, whole)


def test_a_folder_removed_during_a_run_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    stop_in_block(monkeypatch, 2, lambda: shutil.rmtree(folder))
    done = psa_engine(*RUN, "--out", folder)
    assert done.code == 4 and "The folder was removed during the run" in done.err


@pytest.mark.parametrize("n", [1, 3])
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, whole, n):
    process = started(*RUN, "--out", tmp_path)
    wait_for_blocks(process, tmp_path, n)
    process.kill()
    process.communicate()
    assert psa_engine("resume", tmp_path).code == 0
    assert_same_bits(tmp_path, whole)


def test_the_commands_of_the_documentation_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[1] / "docs" / "reliability.md").read_text(encoding="utf-8")
    smaller = {
        "ruxolitinib_ad_systemic_naive": "two_state",
        "1000000": f"{N_DRAWS} --keep-blocks --block {SIZE}",
        "4711": "17",
    }
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for command in block.strip().splitlines():
            for long, short in smaller.items():
                command = command.replace(long, short)
            assert psa_engine(*command.split()[1:]).code == 0, command
