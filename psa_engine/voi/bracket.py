"""EVPPI between two bounds: the value of a policy, and the nested estimate (both by the surrogate's runs).

Choosing by the surrogate's conditional mean is a policy, which other draws judge: its value is never above
the EVPPI in expectation. The mean of the highest noisy inner mean is never below.
"""

from dataclasses import replace

import numpy as np

from psa_engine.estimate import VoiEstimate
from psa_engine.voi import surrogate
from psa_engine.voi.problem import Problem


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    max_runs: int = 4_000_000,
) -> VoiEstimate:
    """Return the middle of the bracket (policy value, nested), with `bias_bound` half its width.

    Runs and options are those of `surrogate.estimate`; a poor surrogate makes the bracket wide, not wrong.
    """
    options = {"rtol": rtol, "seed": seed, "progress": progress, "max_runs": max_runs}
    found = surrogate.estimate(problem, of, wtp, fallback=False, **options)
    if found.bracket is None:
        return found
    low, high = found.bracket
    return replace(found, value=(low + high) / 2, bias_bound=(high - low) / 2, method="bracket")
