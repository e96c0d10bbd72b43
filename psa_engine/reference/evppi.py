"""The expected value of partial perfect information: plain nested Monte Carlo and plain regression."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from psa_engine.reference.decision import net_monetary_benefit, value_of_choosing
from psa_engine.reference.sampling import conditional, correlated, score_rows, values_at

Evaluate = Callable[[Mapping[str, np.ndarray]], tuple[np.ndarray, np.ndarray]]


def nested_evppi(
    evaluate: Evaluate,
    parameters: Any,
    of: Sequence[str],
    wtp: float,
    n_outer: int,
    n_inner: int,
    seed: int = 1,
) -> tuple[float, float]:
    """Return the EVPPI of the entries `of` and its standard error, money per person (Brennan 2007).

    `evaluate` turns parameter values (n_draws,) into costs and effects (n_draws, n_strategies). For each
    outer draw of the entries the others are drawn given them. The maximum of noisy inner means biases
    the estimate up, by about the inner variance / n_inner. A Dirichlet or a table of rows is named by its
    entry and taken whole.
    """
    rng = np.random.default_rng(seed)
    place = score_rows(parameters)
    rows = [row for name in of for row in place[name]]
    n_scores = 1 + max(row for entry in place.values() for row in entry)
    outer = correlated(parameters, rng.standard_normal((n_scores, n_outer)))
    means = []
    for draw in range(n_outer):
        y = conditional(parameters, rows, outer[rows, draw], rng.standard_normal((n_scores, n_inner)))
        costs, effects = evaluate(values_at(parameters, y))
        means.append(net_monetary_benefit(costs, effects, wtp).mean(0))
    return value_of_choosing(np.array(means))


def regression_evppi(
    x: np.ndarray, costs: np.ndarray, effects: np.ndarray, wtp: float, n_knots: int = 5
) -> tuple[float, float]:
    """Return the EVPPI of one parameter x (n_draws,) and its standard error, from a sample (Strong 2014).

    The net benefit of each strategy is regressed on a cubic spline with knots at quantiles of x. The
    standard error is that of the net benefit gained by choosing by the fit, so it has the noise that the
    regression had to average out; it has no part for a spline too stiff or too loose.
    """
    u = (x - x.mean()) / x.std()
    knots = np.quantile(u, np.linspace(0, 1, n_knots + 2)[1:-1])
    basis = np.column_stack([u**k for k in range(4)] + [np.maximum(u - knot, 0) ** 3 for knot in knots])
    benefit = net_monetary_benefit(costs, effects, wtp)
    fitted = basis @ np.linalg.lstsq(basis, benefit, rcond=None)[0]
    gain = benefit[np.arange(len(x)), fitted.argmax(1)] - benefit[:, benefit.mean(0).argmax()]
    return value_of_choosing(fitted)[0], float(gain.std(ddof=1) / np.sqrt(len(x)))
