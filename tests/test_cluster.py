"""Blocks on a Dask cluster: the same bits whoever computes them, and errors in words."""

import contextlib
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from command_line import psa_engine
from distributed import Client, LocalCluster
from distributed.comm import CommClosedError
from documents import blocks
from stored_runs import (
    N_BLOCKS,
    N_DRAWS,
    RUN,
    SIZE,
    assert_same_bits,
    results,
    stored_blocks,
    without_seconds,
)

import psa_engine as pe
from psa_engine.cluster import connect, gather, hosts, tasks
from psa_engine.cluster.connect import connected
from psa_engine.cluster.gather import Cluster
from psa_engine.decision.reduced import Reduced, merged
from psa_engine.engine import where
from psa_engine.engine.blocks import BlockRunner
from psa_engine.engine.run import sample_of
from psa_engine.engine.where import HERE, Where
from psa_engine.errors import ClusterError, InputError, ModelError
from psa_engine.sample.parquet import read_parquet
from psa_engine.sensitivity.sweep import Setting, sweep
from psa_engine.store import Manifest, Store
from psa_engine.voi.evsi import evsi
from psa_engine.voi.problem import Problem

WTP = np.array([20_000.0, 30_000.0])


def in_threads(n_workers):
    how = {"threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    return LocalCluster(n_workers=n_workers, protocol="tcp", host="127.0.0.1", **how)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two workers that are threads of this process."""
    with in_threads(2) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    assert psa_engine(*RUN, "--out", folder).code == 0
    return folder


def runner(**changes):
    analysis = pe.load_analysis("two_state")
    asked = {"n_draws": N_DRAWS, "block": SIZE, "seed": 11, "device": "cpu"}
    plan = replace(analysis.plan, **{**asked, **changes})
    return BlockRunner(analysis.model, analysis.parameters, plan)


def sampled(made, compute):
    """The sample of a run whose blocks `compute` makes."""
    firsts = (first for first, _ in made.ranges)
    return sample_of(made, zip(firsts, compute(made.run, made.ranges), strict=True))


def test_a_run_on_a_cluster_gives_the_bits_of_one_here(cluster, whole, tmp_path):
    assert psa_engine(*RUN, "--cluster", cluster.scheduler_address, "--out", tmp_path).code == 0
    assert_same_bits(tmp_path, whole)


def test_blocks_come_in_the_order_they_were_asked_for_whichever_is_done_first(client):
    def late(k):
        time.sleep(0.05 * (4 - k))
        return k

    assert list(Cluster(client).compute(late, ((k,) for k in range(4)))) == [0, 1, 2, 3]


def test_a_sample_does_not_depend_on_who_made_its_blocks(client):
    made = runner()
    there, here = (sampled(made, compute) for compute in (Cluster(client).compute, where.here))
    assert there.cost_values.tobytes() == here.cost_values.tobytes()
    assert list(there.outcomes) == list(here.outcomes)


@pytest.mark.parametrize("direct", [True, False])
def test_blocks_come_straight_from_workers_that_can_be_reached(cluster, monkeypatch, direct):
    def unreachable(address, timeout):
        raise TimeoutError

    if not direct:
        monkeypatch.setattr(connect.socket, "create_connection", unreachable)
    with connected(cluster.scheduler_address) as client:
        assert client.direct_to_workers is direct
        assert list(Cluster(client).compute(abs, ((-k,) for k in range(5)))) == list(range(5))


def test_no_more_blocks_are_under_way_than_workers_can_hold(client, monkeypatch):
    submitted = []
    monkeypatch.setattr(gather, "AHEAD", 1)
    submit = client.submit
    monkeypatch.setattr(client, "submit", lambda *a, **k: submitted.append(a) or submit(*a, **k))
    made = runner()
    next(Cluster(client).compute(made.run, made.ranges))
    assert len(submitted) - 1 == len(client.scheduler_info()["workers"]) < N_BLOCKS


def test_a_function_is_sent_once_however_often_it_is_asked_for(client, monkeypatch):
    made, cluster, sent = runner(), Cluster(client), []
    monkeypatch.setattr(gather, "packed", lambda f: sent.append(f) or tasks.packed(f))
    for _ in range(2):
        list(cluster.compute(made.run, made.ranges[:2]))
    assert len(sent) == 1


def test_draws_are_reduced_on_the_cluster_to_the_bits_reduced_here(client):
    made = runner()
    reduce = partial(tasks.reduced_block, made, WTP, None)
    there = merged(Reduced(**block) for block in Cluster(client).compute(reduce, made.ranges))
    here = merged(tasks.reduced_by(made, first, n, WTP, None) for first, n in made.ranges)
    assert all(np.array_equal(one, other) for one, other in zip(there, here, strict=True))


def test_the_points_of_a_sweep_are_computed_on_a_cluster_to_the_same_rows(cluster, tmp_path, monkeypatch):
    over = ("--over", "hazard_ratio=0.6,0.7,0.8", "--scenario", "half_price")
    grid = ("sweep", "two_state", *over, "--draws", 200)
    assert psa_engine(*grid, "--out", tmp_path / "here.parquet").code == 0
    asked, submit = [], Client.submit
    monkeypatch.setattr(Client, "submit", lambda *a, **k: asked.append(a[1]) or submit(*a, **k))
    there = ("--cluster", cluster.scheduler_address, "--out", tmp_path / "there.parquet")
    done = psa_engine(*grid, *there)
    assert done.code == 0 and asked.count(tasks.call) == 6, done.err
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


def test_points_that_are_repeated_are_computed_once_and_keep_their_rows(cluster, tmp_path):
    grid = ("sweep", "two_state", "--draws", 100)
    once = ("--over", "hazard_ratio=0.6,0.8", "--scenario", "half_price", "--out", tmp_path / "once.parquet")
    twice = ("--over", "hazard_ratio=0.6,0.6,0.8", "--scenario", "half_price,half_price")
    there = ("--cluster", cluster.scheduler_address, "--out", tmp_path / "twice.parquet")
    assert psa_engine(*grid, *once).code == psa_engine(*grid, *twice, *there).code == 0
    assert (tmp_path / "twice.parquet").read_bytes() == (tmp_path / "once.parquet").read_bytes()


def test_rows_on_a_cluster_belong_to_their_point_even_if_it_is_asked_for_twice(client, tmp_path):
    setting = Setting(
        {}, (made := runner()).model, made.parameters, replace(made.plan, n_draws=50, block=None)
    )
    points = [{"hazard_ratio": x} for x in (0.6, 0.6, 0.8)]
    there_and_kept = Where(Cluster(client).compute, Store(tmp_path, Manifest("sweep", {}, {}), 0.0))
    there = list(sweep([setting], points, [20_000.0], there_and_kept))
    assert [rows[0]["hazard_ratio"] for rows in there] == [0.6, 0.6, 0.8]


def asked_of(cluster, monkeypatch, *command):
    """What a command says with and without a cluster, and how many tasks it sent."""
    asked, submit = [], Client.submit
    monkeypatch.setattr(Client, "submit", lambda *a, **k: asked.append(a[1]) or submit(*a, **k))
    done = [psa_engine(*command, "--json", *more) for more in ((), ("--cluster", cluster.scheduler_address))]
    assert [one.code for one in done] == [0, 0], done[1].err
    return *(without_seconds(json.loads(one.out)) for one in done), asked.count(tasks.call)


def test_both_loops_of_an_evppi_are_run_on_a_cluster_in_blocks(cluster, monkeypatch):
    nested = ("evppi", "two_state", "--of", "hazard_ratio", "--method", "nested", "--rtol", 0.1, "--seed", 3)
    here, there, n_tasks = asked_of(cluster, monkeypatch, *nested)
    assert there == here and n_tasks > 2


def test_the_sizes_of_an_evsi_are_fitted_on_a_cluster(client, monkeypatch):
    analysis, made = pe.load_analysis("two_state"), []
    study = analysis.studies["survival_trial"].study
    there = Where(lambda f, given: (made.append(1) or one for one in Cluster(client).compute(f, given)))
    values = [
        evsi(problem, study=study, n=[50, 400], wtp=20_000, method="moment_matching", n_draws=2_000).value
        for where in (HERE, there)
        for problem in [Problem(analysis.model, analysis.parameters, where=where)]
    ]
    assert values[0].tolist() == values[1].tolist() and len(made) == 1 + 2


def test_the_fits_of_a_sample_made_elsewhere_are_tasks(cluster, monkeypatch, tmp_path):
    made = pe.run_psa((analysis := pe.load_analysis("two_state")).model, analysis.parameters, 800, 5)
    made.to_csv(tmp_path)
    tables = (
        x for name in ("costs", "effects", "parameters") for x in (f"--{name}", tmp_path / f"{name}.csv")
    )
    here, there, n_tasks = asked_of(cluster, monkeypatch, "analyse", *tables)
    assert there == here and n_tasks == len(made.parameter_values) > 2


def test_scenarios_and_subgroups_are_tasks(cluster, monkeypatch, tmp_path):
    all_of_them = ("run", "two_state", "--draws", 500, "--scenario", "all", "--out", tmp_path)
    here, there, n_tasks = asked_of(cluster, monkeypatch, *all_of_them)
    assert there == here and n_tasks == 1 + len(pe.load_analysis("two_state").scenarios)


@pytest.mark.parametrize("rank", [0, N_BLOCKS])
def test_more_hosts_than_blocks_are_refused_by_each_before_any_work(monkeypatch, rank):
    assert len(runner().ranges) == N_BLOCKS
    monkeypatch.setattr("jax.process_count", lambda: N_BLOCKS + 1)
    monkeypatch.setattr("jax.process_index", lambda: rank)
    monkeypatch.setattr(hosts, "reduced_by", lambda *a: pytest.fail("it ran"))
    with pytest.raises(InputError, match=f"{N_BLOCKS + 1} processes cannot share the {N_BLOCKS} blocks"):
        hosts.reduced_on_hosts(runner(), WTP)


def test_hosts_with_other_numbers_of_devices_share_the_same_blocks(monkeypatch):
    monkeypatch.setattr("jax.process_count", lambda: 2)
    reduced = []
    monkeypatch.setattr(hosts, "reduced_by", lambda made, first, n, *a: reduced.append((first, n)))
    monkeypatch.setattr(hosts, "_of_all_hosts", lambda own, *a: own)
    monkeypatch.setattr(hosts, "merged", list)
    for rank, devices in ((0, 1), (1, 2)):
        monkeypatch.setenv("PSA_ENGINE_DEVICES", str(devices))
        monkeypatch.setattr("jax.process_index", lambda rank=rank: rank)
        hosts.reduced_on_hosts(runner(n_draws=450, block=100), WTP)
    assert sorted(reduced) == [(0, 100), (100, 100), (200, 100), (300, 100), (400, 50)]


def test_hosts_need_to_be_told_the_size_of_blocks(monkeypatch):
    monkeypatch.setattr("jax.process_count", lambda: 2)
    with pytest.raises(InputError, match="blocks of one size, and none is given"):
        hosts.reduced_on_hosts(runner(block=None), WTP)


def test_a_reduced_run_says_what_the_whole_run_says(whole, tmp_path):
    done = psa_engine(*RUN, "--reduce", "--out", tmp_path)
    said, expected = results(tmp_path), results(whole)
    assert done.code == 0 and "2 blocks" not in done.err
    for mine, theirs in zip(said["mean_outcomes"], expected["mean_outcomes"], strict=True):
        assert mine["costs"] == pytest.approx(theirs["costs"], rel=1e-12)
        assert mine["effects_standard_error"] == pytest.approx(theirs["effects_standard_error"], rel=1e-9)
    for mine, theirs in zip(said["decision"], expected["decision"], strict=True):
        assert mine["optimal"] == theirs["optimal"] and mine["evpi"] == pytest.approx(
            theirs["evpi"], rel=1e-9
        )


@pytest.mark.parametrize("place", ["{}/parts", "file://{}/parts"])
def test_the_sample_of_a_reduced_run_is_written_in_parts(whole, tmp_path, place):
    done = psa_engine(*RUN, "--sample-to", place.format(tmp_path), "--out", tmp_path / "out")
    assert done.code == 0, done.err
    parts = [read_parquet(path) for path in sorted((tmp_path / "parts").iterdir())]
    expected = read_parquet(whole / "sample.parquet")
    assert np.concatenate([p.cost_values for p in parts]).tobytes() == expected.cost_values.tobytes("C")
    assert len({tuple(p.outcomes) for p in parts}) == 1 and len(parts) == N_BLOCKS


def test_the_sample_can_go_to_any_store_that_fsspec_knows(client):
    import fsspec

    made, store = runner(), fsspec.filesystem("memory")
    list(Cluster(client).compute(partial(tasks.reduced_block, made, WTP, "memory://sample"), made.ranges))
    assert [name[-12:] for name in sorted(store.ls("/sample", detail=False))] == [
        f"{first:04}.parquet"[-12:] for first, _ in made.ranges
    ]


def test_more_draws_than_memory_holds_stay_on_the_cluster_and_it_is_said(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("psa_engine.cli.demand.memory_bytes", lambda: 1e4)
    done = psa_engine(*RUN, "--cluster", cluster.scheduler_address, "--out", tmp_path)
    assert done.code == 0 and "GiB: they are reduced on the cluster, as with --reduce" in done.err
    assert not (tmp_path / "sample.parquet").exists() and results(tmp_path)["decision"][0]["evpi"] > 0


@pytest.mark.parametrize("more", [("--figures",), ("--scenario", "all"), ("--excel", "a.xlsx")])
def test_what_needs_draws_is_refused_of_a_reduced_run(tmp_path, more):
    done = psa_engine(*RUN, "--reduce", *more, "--out", tmp_path)
    assert done.code == 2 and f"no draws together, which {' '.join(more)[:8]}" in done.err


def test_an_unknown_kind_of_store_is_refused(tmp_path):
    done = psa_engine(*RUN, "--sample-to", "floppy://a", "--out", tmp_path)
    assert done.code == 2 and "'floppy://a' is no place for a sample" in done.err


def test_a_reduced_run_goes_on_where_it_was(tmp_path, monkeypatch):
    assert psa_engine(*RUN, "--reduce", "--out", tmp_path).code == 0
    before, ran = results(tmp_path), []
    stored_blocks(tmp_path)[1].unlink()
    run = BlockRunner.run
    monkeypatch.setattr(BlockRunner, "run", lambda self, first, n: ran.append(first) or run(self, first, n))
    assert psa_engine("resume", tmp_path).code == 0
    assert ran == [SIZE] and results(tmp_path) == before


def test_a_whole_run_does_not_take_up_a_reduced_one(tmp_path):
    psa_engine(*RUN, "--reduce", "--out", tmp_path)
    assert "options is {" in psa_engine(*RUN, "--out", tmp_path).err


# What can go wrong.


def test_an_impossible_draw_on_a_worker_is_named_as_here(client):
    made = runner()
    bad = BlockRunner(made.model, made.parameters.replace({"mortality_rate": -5.0}), made.plan)
    with pytest.raises(ModelError, match="Draw 0") as caught:
        list(Cluster(client).compute(bad.run, bad.ranges))
    assert caught.value.draw == 0 and "--on-invalid clip" in str(caught.value)


def test_a_worker_of_other_versions_is_refused_by_name():
    with pytest.raises(ClusterError, match=r"A worker has jax 1 and not 2\. Install the same versions"):
        tasks.refuse_other_versions({"jax": "2", "numpy": "3"}, {"jax": "1", "numpy": "3"})


def test_a_scheduler_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("psa_engine.cluster.connect._ANSWER", 0.5)
    done = psa_engine(*RUN, "--cluster", "tcp://127.0.0.1:9", "--out", tmp_path)
    assert done.code == 5 and "No Dask scheduler answers at tcp://127.0.0.1:9" in done.err


def test_a_connection_that_breaks_while_a_block_is_sent_is_said_in_words(client, monkeypatch):
    def broken(*given, **more):
        raise CommClosedError("in <TCP>")

    monkeypatch.setattr(client, "submit", broken)
    with pytest.raises(ClusterError, match=r"The Dask scheduler is lost\."):
        list(Cluster(client).compute(abs, [(-1,)]))


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ((), "Nothing was kept. A run that names a folder with --out"),
        (("--out", "a"), "Nothing was stored yet"),
    ],
)
def test_what_a_lost_cluster_left_is_said(tmp_path, monkeypatch, out, words):
    def lost(self, make, given):
        raise ClusterError("The Dask scheduler is lost.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Cluster, "compute", lost)
    monkeypatch.setattr(connect, "connected", lambda address: contextlib.nullcontext())
    loops = ("evppi", "two_state", "--of", "hazard_ratio", "--method", "nested", "--cluster", "tcp://a:1")
    done = psa_engine(*loops, *out)
    assert done.code == 5 and f"The Dask scheduler is lost. {words}" in " ".join(done.err.split()), done.err


def test_an_address_that_is_none_is_refused(tmp_path):
    done = psa_engine(*RUN, "--cluster", "my-cluster", "--out", tmp_path)
    assert done.code in (2, 5) and "my-cluster" in done.err and "Traceback" not in done.err


def test_a_cluster_without_workers_is_given_up(monkeypatch):
    monkeypatch.setattr(gather, "PATIENCE", 0.5)
    made = runner()
    with (
        in_threads(0) as empty,
        Client(empty) as client,
        pytest.raises(ClusterError, match="no worker for"),
    ):
        list(Cluster(client).compute(made.run, made.ranges))


def test_dask_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    missing = r"Dask is not installed\. pip install psa-engine\[cluster\]"
    with pytest.raises(InputError, match=missing), connected("local"):
        pass


@pytest.mark.filterwarnings("ignore:Port 8787")
def test_the_script_of_the_documentation_makes_jobs_of_one_core_and_one_device(monkeypatch):
    jobqueue = pytest.importorskip("dask_jobqueue")
    page = Path(__file__).parents[1] / "docs" / "cluster.md"
    [script] = [b.text for b in blocks(page) if "SLURMCluster" in b.text]
    asked, kept = [], {}
    monkeypatch.setattr(jobqueue.SLURMCluster, "scale", lambda self, jobs: asked.append(jobs))
    exec(script, kept)
    with kept["cluster"] as cluster:
        job, address = cluster.job_script(), cluster.scheduler_address
    assert asked[0] == 100 and "--cpus-per-task=1" in job and "--nthreads 1 " in job and address in job
    assert "\nexport XLA_FLAGS=--xla_force_host_platform_device_count=1\n" in job
