"""EVPPI by nested Monte Carlo and nested quasi-Monte Carlo (Brennan, Kharroubi, O'Hagan, Chilcott 2007).

Outside, the parameters of interest are drawn; inside, all others given those, in antithetic pairs. The mean
of the highest inner mean is biased up by about 1 / n_inner; the two halves of the inner draws show by how
much, and it is taken off (Richardson).
"""

from time import perf_counter
from typing import Any, Literal

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.engine.progress import Advance, progress_bar
from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import OUTER_AT_ONCE, stream
from psa_engine.voi.pilot import Pilot, checked_budget, nothing_to_know, planned_pilot, sized_on
from psa_engine.voi.problem import Problem, Split
from psa_engine.voi.scrambles import SCRAMBLES, sobol_scores
from psa_engine.voi.tally import Tally

_BETWEEN = {"random": 1.0, "sobol": 0.05}
"""The part of the variance between outer draws that counts when inner draws are chosen: a net takes most away."""
_BIAS_WEIGHT = 2
_LARGEST = 14
_FIRST_POINTS = 64


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    n_runs: int | None = None,
    sampler: Literal["sobol", "random"] = "sobol",
    n_outer: int | None = None,
    n_inner: int | None = None,
    max_runs: int = 2**25,
) -> VoiEstimate:
    """Return the EVPPI (n_wtp,) of parameters or groups by two loops, money per person.

    The outer draws are independent ("random"; the standard error is theirs) or `SCRAMBLES` scrambled Sobol
    nets ("sobol"; the standard error is that between nets, widened so that 1.96 of them make a 95 %
    interval). A pilot chooses the inner draws, then outer draws are added until the 95 % half-width is
    `rtol` of the EVPPI or of a twentieth of the EVPI, or `max_runs` model runs are made; or `n_runs` runs
    are made whatever the error. `n_outer` and `n_inner` (a power of two from 4) together do without a pilot.

    `bias_bound` is for what the correction leaves; `bracket` is (a policy's value, the uncorrected
    estimate), whose expectations lie below and above the EVPPI. Raises InputError for unknown parameters
    and options out of range.
    """
    started = perf_counter()
    if sampler not in _BETWEEN:
        raise InputError(f"The sampler of the outer draws must be 'sobol' or 'random', and is '{sampler}'.")
    if (n_outer is None) != (n_inner is None):
        raise InputError("Give n_outer and n_inner together, or neither.", hint="A pilot chooses both.")
    budget = checked_budget(rtol, n_runs, max_runs)
    split = problem.split(of)
    if not split.n_outer:
        return nothing_to_know(of, wtp)
    run = _Run(split, wtp, sampler, seed, progress)
    pilot = None
    if n_outer is not None and n_inner is not None:
        run.start(_checked_inner(split, n_inner))
        run.add(_rounded(n_outer, sampler))
    elif not split.n_inner:  # nothing is left to average over: the EVPPI is the EVPI
        run.start(1)
        _to_the_end(run, None, rtol, n_runs, budget)
    else:
        pilot = planned_pilot(split, wtp[sized_on(wtp)], n_runs, budget, seed, progress)
        run.start(2 ** _size_of_inner(pilot, sampler, rtol, n_runs))
        _to_the_end(run, pilot, rtol, n_runs, budget - pilot.runs)
    return _record(of, run, pilot, rtol, perf_counter() - started)
