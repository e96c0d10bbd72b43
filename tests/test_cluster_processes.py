"""Workers that are processes of one device each: they make what this process makes, even if one is killed."""

import json
import os
import signal

import numpy as np
import pytest
from command_line import psa_engine
from stored_runs import SIZE, without_seconds

import psa_engine as pe
from psa_engine.cluster.connect import connected
from psa_engine.cluster.gather import Cluster
from psa_engine.engine import RunPlan
from psa_engine.engine.blocks import BlockRunner

SEED = ("--seed", 3)
COMMANDS = {
    "nested EVPPI": ("evppi", "two_state", "--of", "hazard_ratio", "--method", "nested", "--rtol", 0.05, *SEED),
    "multilevel EVPPI": ("evppi", "two_state", "--of", "costs", "--method", "mlmc", "--rtol", 0.05, *SEED),
    "randomised multilevel EVPPI": (
        "evppi", "two_state", "--of", "costs", "--method", "mlmc_randomised", "--rtol", 0.05, *SEED,
    ),
    "curves": ("evppi", "two_state", "--rtol", 0.02, *SEED),
    "a surrogate": ("evppi", "two_state", "--of", "costs", "--method", "surrogate", "--rtol", 0.05, *SEED),
    "nested EVSI": ("evsi", "two_state", "--method", "nested", "--n", "50,400", *SEED),
    "multilevel EVSI": ("evsi", "two_state", "--method", "mlmc", "--n", "50,400", *SEED),
    "regression on data": ("evsi", "two_state", "--method", "regression", "--n", "50,400", *SEED),
    "importance sampling": ("evsi", "two_state", "--method", "importance", "--n", "50,400", *SEED),
    "moment matching": ("evsi", "two_state", "--method", "moment_matching", "--n", "50,400", *SEED),
}  # fmt: skip


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes."""
    with connected("local", n_workers=2) as client:
        yield client


def test_what_a_killed_worker_had_in_hand_is_given_to_another(client):
    analysis = pe.load_analysis("two_state")
    made = BlockRunner(analysis.model, analysis.parameters, RunPlan(n_draws=30 * SIZE, block=SIZE))
    blocks = Cluster(client).compute(made.run, made.ranges)
    found = [next(blocks)]
    killed = client.run(os.getpid).popitem()[1]
    os.kill(killed, signal.SIGKILL)
    for one, (_, other) in zip([*found, *blocks], made.over(made.ranges), strict=True):
        assert one["totals"]["costs"].tobytes() == other["totals"]["costs"].tobytes()
    assert killed not in client.run(os.getpid).values()


@pytest.mark.slow
@pytest.mark.parametrize("config", ["ruxolitinib_ad_systemic_naive", "ruxolitinib_ad_post_systemic"])
def test_workers_of_one_device_make_the_flagship_to_the_bit(client, config):
    analysis = pe.load_analysis(config)
    made = BlockRunner(analysis.model, analysis.parameters, RunPlan(n_draws=2_048, block=1_024))
    for there, (_, here) in zip(
        Cluster(client).compute(made.run, made.ranges), made.over(made.ranges), strict=True
    ):
        for kind in ("parameters", "outcomes"):
            for name, values in here[kind].items():
                np.testing.assert_array_equal(there[kind][name], values, err_msg=name)


def said(*command):
    done = psa_engine(*command, "--json")
    assert done.code == 0, done.err
    return without_seconds(json.loads(done.out))


@pytest.mark.slow
@pytest.mark.parametrize("what", COMMANDS)
def test_the_value_of_information_is_the_same_on_a_cluster_to_the_bit(client, what):
    command = COMMANDS[what]
    assert said(*command, "--cluster", client.scheduler.address) == said(*command)
