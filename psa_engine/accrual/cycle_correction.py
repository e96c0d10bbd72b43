"""Cycle correction: the weight of each time point when a cohort's occupancy is summed over time.

A trace has n_cycles + 1 points, 0 to n_cycles. The conventions differ in the total of their weights,
so they are named and stated in every result.
"""

from typing import Literal, get_args

import numpy as np

from psa_engine.errors import InputError, nearest

CycleCorrection = Literal[
    "none", "half_cycle", "simpson", "start_of_cycle", "end_of_cycle", "darthtools_simpson"
]


def cycle_weights(correction: CycleCorrection, n_cycles: int) -> np.ndarray:
    """Return the (n_cycles + 1,) weights of the time points, in cycles.

    `none` counts every point once, both ends included (n_cycles + 1 in all, as DARTH does);
    `start_of_cycle` and `end_of_cycle` leave out the last or the first point; `half_cycle` is the
    trapezium rule; `simpson` is the textbook composite rule (1/3, 4/3, 2/3, ..., 4/3, 1/3), the last
    three cycles by the 3/8 rule where n_cycles is odd; `darthtools_simpson` swaps 4/3 and 2/3 as
    darthtools 0.4.0 does, to reproduce totals published with it.
    """
    if correction not in get_args(CycleCorrection):
        raise InputError(
            f"The cycle correction '{correction}' does not exist.",
            hint=nearest(correction, get_args(CycleCorrection)),
        )
    weights = np.ones(n_cycles + 1)
    if correction == "start_of_cycle":
        weights[-1] = 0.0
    elif correction == "end_of_cycle":
        weights[0] = 0.0
    elif correction == "half_cycle":
        weights[[0, -1]] = 0.5
    elif correction == "simpson":
        weights = _simpson(n_cycles)
    elif correction == "darthtools_simpson":
        weights = np.where(np.arange(n_cycles + 1) % 2 == 0, 4 / 3, 2 / 3)
        weights[[0, -1]] = 1 / 3
    return weights


def _simpson(n_cycles: int) -> np.ndarray:
    if n_cycles < 2:
        raise InputError(
            f"Simpson's rule needs at least 2 cycles, and there are {n_cycles}.", hint="Use half_cycle."
        )
    weights = np.zeros(n_cycles + 1)
    even_part = n_cycles if n_cycles % 2 == 0 else n_cycles - 3
    for start in range(0, even_part, 2):
        weights[start : start + 3] += np.array([1, 4, 1]) / 3
    if even_part < n_cycles:
        weights[even_part:] += np.array([3, 9, 9, 3]) / 8
    return weights
