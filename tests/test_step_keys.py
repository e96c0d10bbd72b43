"""What is stored of one calculation is never taken for another: its key says all that its numbers depend on."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from voi_problems import P1

from psa_engine.engine import RunPlan
from psa_engine.sensitivity import sweep
from psa_engine.voi import problem, shared_design
from psa_engine.voi.evsi import Continuous, SingleArm, posterior_runs
from psa_engine.voi.evsi.posterior_runs import DataSets, PosteriorRuns
from psa_engine.voi.problem import Problem

PROBLEM = Problem(P1.model, P1.parameters)
Z = np.array([[0.5, -1.25, 2.0]])
NEXT = np.array([[0.5, np.nextafter(-1.25, 0), 2.0]])
MOST = np.array([[0.1] * 3] * 4)


class Noted(Exception):
    """The keys are known; nothing is to be run."""


@pytest.fixture
def keys(monkeypatch):
    """The keys under which a calculation would be stored."""
    found = []

    def note(make, given, where, key):
        found.extend(key(*one) for one in given)
        raise Noted

    for place in (problem, shared_design, posterior_runs):
        monkeypatch.setattr(place, "map_blocks", note)
    monkeypatch.setattr(sweep, "map_rows", note)

    def of(calculate):
        found.clear()
        with suppress(Noted):
            list(calculate())
        assert found
        return set(found)

    return of


def inner(z=Z, n=8, seed=1, sampler="antithetic", shared=False, of="t1", precision="double"):
    split = replace(PROBLEM, precision=precision).split([of])
    return split.inner_means(z, n, seed, sampler, shared)


@pytest.mark.parametrize(
    "change",
    [
        {"z": NEXT},
        {"z": Z[:, ::-1]},
        {"n": 16},
        {"seed": 2},
        {"sampler": "sobol"},
        {"shared": True},
        {"of": "t2"},
        {"precision": "single"},
    ],
    ids=str,
)
def test_inner_means_are_kept_by_scores_draws_seed_and_parameters(keys, change):
    assert keys(inner) == keys(inner) and not keys(inner) & keys(lambda: inner(**change))


@pytest.mark.parametrize(
    "z", [(NEXT, MOST), (Z, np.nextafter(MOST, 1)), (Z[:, :2], MOST[:, :2])], ids=["a", "b", "c"]
)
def test_evaluations_are_kept_by_both_scores(keys, z):
    split = PROBLEM.split(["t1"])
    assert not keys(lambda: split.evaluate(Z, MOST)) & keys(lambda: split.evaluate(*z))


def test_runs_of_one_kind_are_not_taken_for_those_of_another(keys):
    split = PROBLEM.split(["t1"])
    kinds = (inner, lambda: split.evaluate(Z, MOST), lambda: PROBLEM.sample(64, 1).costs)
    assert len(set().union(*map(keys, kinds))) == len(kinds)


@pytest.mark.parametrize("change", [(65, 1, "random"), (64, 2, "random"), (64, 1, "sobol")], ids=str)
def test_samples_are_kept_by_draws_seed_and_sampler(keys, change):
    assert not keys(lambda: PROBLEM.sample(64, 1, "random")) & keys(lambda: PROBLEM.sample(*change))


def posterior(n=20, of="t1", sd=4.0, outer=6, inner=8, seed=1):
    study = SingleArm({of: Continuous(sd)})
    runs = PosteriorRuns(PROBLEM, study, [n])
    return runs.inner_means([DataSets(0, outer, inner, np.random.default_rng(seed))])


@pytest.mark.parametrize(
    "change", [{"n": 21}, {"of": "t2"}, {"sd": 5.0}, {"outer": 7}, {"inner": 12}, {"seed": 2}], ids=str
)
def test_posterior_runs_are_kept_by_study_size_and_random_numbers(keys, change):
    assert keys(posterior) == keys(posterior) and not keys(posterior) & keys(lambda: posterior(**change))


def swept(labels=(("scenario", "base"),), over=(0.5, 0.7), wtp=(20_000.0,)):
    setting = sweep.Setting(dict(labels), P1.model, P1.parameters, RunPlan(64))
    return sweep.sweep([setting], sweep.grid_points({"t1": over}), wtp)


@pytest.mark.parametrize(
    "change",
    [{"labels": (("scenario", "x"),)}, {"over": (0.6, np.nextafter(0.7, 1))}, {"wtp": (30_000.0,)}],
    ids=str,
)
def test_points_of_a_sweep_are_kept_by_setting_point_and_wtp(keys, change):
    assert keys(swept) == keys(swept) and not keys(swept) & keys(lambda: swept(**change))


@pytest.mark.parametrize("place", range(4))
def test_sums_over_a_design_are_kept_by_all_they_are_given(place):
    given = [MOST, Z, NEXT, np.array([0, 0, 1])]
    runs = shared_design.DesignRuns(P1.model, P1.parameters, "double", "cpu")
    other = [
        np.nextafter(x, 9) if x.dtype == float and k == place else x + (k == place)
        for k, x in enumerate(given)
    ]
    assert runs.key(*given) == runs.key(*given) != runs.key(*other)
    assert runs.key(*given) != replace(runs, precision="single").key(*given)
    given_t4 = replace(P1.parameters, first=("t4",))  # the others follow from it
    assert runs.key(*given) != replace(runs, parameters=given_t4).key(*given)
