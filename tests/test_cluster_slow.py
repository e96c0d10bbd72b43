"""A cluster of processes, of which some are killed: workers while they are at work, and the scheduler."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from stored_runs import N_DRAWS, RUN, SIZE, assert_same_bits, results, started, stored_blocks, wait_for_blocks

import psa_engine as pe
from psa_engine.cluster.connect import connected
from psa_engine.cluster.gather import Cluster
from psa_engine.engine.blocks import BlockRunner
from psa_engine.engine.run import sample_of

pytestmark = pytest.mark.slow


def runner(n_blocks):
    analysis = pe.load_analysis("two_state")
    plan = replace(analysis.plan, n_draws=n_blocks * SIZE, block=SIZE, device="cpu")
    return BlockRunner(analysis.model, analysis.parameters, plan)


def test_the_commands_of_the_documentation_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[1] / "docs" / "cluster.md").read_text(encoding="utf-8")
    smaller = {
        "ruxolitinib_ad_systemic_naive": f"two_state --block {SIZE} --keep-blocks",
        "1000000 ": f"{N_DRAWS} ",
        "100000000 ": f"{N_DRAWS} ",
        "tcp://scheduler:8786": "local",
    }
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    for command in (line for line in lines if line.startswith("psa-engine")):
        for long, short in smaller.items():
            command = command.replace(long, short)
        process = started(*command.split()[1:])
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, (command, said)


def test_the_costs_of_blocks_are_measured():
    script = Path(__file__).parents[1] / "benchmarks" / "cluster_costs.py"
    command = [sys.executable, str(script), "two_state", "--tasks", "50"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True).stdout
    seconds = [float(line.split("|")[2]) for line in said.splitlines()[2:]]
    assert len(seconds) == 12 and min(seconds) >= 0 < max(seconds)


def test_three_of_four_workers_killed_during_a_run_cost_nothing_but_time():
    made = runner(60)
    with connected("local", n_workers=4) as client:
        firsts = (first for first, _ in made.ranges)
        blocks = zip(firsts, Cluster(client).compute(made.run, made.ranges), strict=True)
        taken, workers = [next(blocks)], list(client.run(os.getpid).values())
        assert len(set(workers)) == 4
        for worker in workers[:3]:
            taken += [next(blocks) for _ in range(10)]
            os.kill(worker, signal.SIGKILL)
        sample = sample_of(made, [*taken, *blocks])
    whole = sample_of(made, made.over(made.ranges))
    assert sample.cost_values.tobytes() == whole.cost_values.tobytes()


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler and a worker in processes of their own: its process and its address."""
    file = str(tmp_path / "scheduler.json")
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    words = [
        ["-m", "distributed.cli.dask_scheduler", "--port", "0", *here, "--scheduler-file", file],
        ["-m", "distributed.cli.dask_worker", "--scheduler-file", file, "--nthreads", "1", *here],
    ]
    processes = [subprocess.Popen([sys.executable, *w], stderr=subprocess.DEVNULL) for w in words]
    from distributed import Client

    with Client(scheduler_file=file, timeout=60) as client:
        client.wait_for_workers(1, timeout=60)
        address = client.scheduler.address
    yield processes[0], address
    for process in processes:
        process.kill()
        process.wait()


def test_a_run_whose_scheduler_is_lost_says_so_and_goes_on_elsewhere(scheduler, tmp_path):
    process, address = scheduler
    lost, whole = tmp_path / "lost", tmp_path / "whole"
    many = (*RUN[:3], 40 * SIZE, *RUN[4:])
    run = started(*many, "--cluster", address, "--out", lost)
    wait_for_blocks(run, lost, 3)
    process.kill()
    _, said = run.communicate(timeout=120)
    assert run.returncode == 5 and "scheduler is lost" in said and f"psa-engine resume {lost}" in said, said
    assert 3 <= len(stored_blocks(lost)) < 40
    for words in (("resume", lost, "--cluster", "none"), (*many, "--out", whole)):
        done = started(*words)
        assert done.communicate(timeout=120) and done.returncode == 0
    assert_same_bits(lost, whole)


def test_an_evppi_whose_scheduler_is_lost_goes_on_elsewhere_to_the_same_numbers(scheduler, tmp_path):
    process, address = scheduler
    lost, whole = tmp_path / "lost", tmp_path / "whole"
    loops = ("evppi", "two_state", "--of", "hazard_ratio", "--method", "nested", "--rtol", 0.004, "--seed", 3)
    run = started(*loops, "--keep-blocks", "--cluster", address, "--out", lost)
    while run.poll() is None and len(list((lost / "blocks").glob("step-*"))) < 3:
        time.sleep(0.01)
    process.kill()
    _, said = run.communicate(timeout=120)
    assert run.returncode == 5 and "scheduler is lost" in said and f"psa-engine resume {lost}" in said, said
    for words in (("resume", lost, "--cluster", "none"), (*loops, "--out", whole)):
        done = started(*words)
        assert done.communicate(timeout=200) and done.returncode == 0
    assert results(lost)["evppi"] == results(whole)["evppi"]
