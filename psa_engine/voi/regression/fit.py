"""Costs and effects regressed once: the fit, the held-out fit, and how far both may be off."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from psa_engine.sample import PsaSample
from psa_engine.voi.regression.design import Columns, Design
from psa_engine.voi.regression.smoother import (
    Spectrum,
    best_penalty,
    fold_edges,
    held_out_coefficients,
    moments,
    predict,
    spectrum,
    total,
)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Increments over the first strategy, rows shuffled into folds, ready to be regressed on any parameters.

    `increments` (q, n) hold costs then effects of strategies 2, 3, ...; `standard` the varying ones at mean
    0 and SD 1, which `scatter` (q,) and `mean` (q,) undo; `order` (n,) is the shuffle, `edges` its folds.
    """

    strategies: tuple[str, ...]
    increments: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray
    varying: np.ndarray
    standard: np.ndarray
    order: np.ndarray
    edges: np.ndarray

    @property
    def n_draws(self) -> int:
        """The number of draws."""
        return self.increments.shape[1]


def outcomes(sample: PsaSample, seed: int) -> Outcomes:
    """Return the increments of a sample in an order drawn from `seed`."""
    order = np.random.default_rng(seed).permutation(sample.n_draws)
    rows = []
    for table in (sample.cost_values, sample.effect_values):
        first = table[:, 0]
        rows += [(table[:, d] - first)[order] for d in range(1, table.shape[1])]
    increments = np.array(rows)
    mean, scatter = increments.mean(axis=1), increments.std(axis=1)
    varying = scatter > 1e-12 * np.abs(mean)
    standard = (increments[varying] - mean[varying, None]) / scatter[varying, None]
    return Outcomes(
        sample.strategies, increments, mean, scatter, varying, standard, order, fold_edges(sample.n_draws)
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression of the outcomes on columns that are functions of parameters.

    `plug_in` (q, n) is the fit on all draws (smoothed twice, since its scale matters), `held_out` each draw's
    prediction by the other folds; `penalty` (k,), `residual` (k, k) covariance and held-out `r_squared` (k,)
    belong to the varying outcomes at SD 1.
    """

    design: Design
    columns: Columns
    spectrum: Spectrum
    column_means: np.ndarray
    penalty: np.ndarray
    plug_in: np.ndarray
    held_out: np.ndarray
    residual: np.ndarray
    r_squared: np.ndarray

    @property
    def effective_columns(self) -> np.ndarray:
        """The effective number of columns of each varying outcome."""
        return self.spectrum.effective_columns(self.penalty)


def fit(design: Design, x: np.ndarray, y: Outcomes) -> Fit:
    """Return the regression of the outcomes on shuffled parameters `x` (n, d) in a design's columns."""
    n, k = y.n_draws, len(y.standard)
    columns = Columns(design, x)
    parts = moments(columns, y.standard)
    whole = total(parts)
    s = spectrum(whole.gram, design.n_free, n)
    free, rest = s.coordinates(whole.cross)
    penalty, _ = best_penalty(s, rest, n - (free**2).sum(axis=0))
    everywhere = s.coefficients(free, s.shrink_little(rest, penalty))
    plug_in, held_out = np.empty_like(y.standard), np.empty_like(y.standard)
    left_out = held_out_coefficients(parts, design.n_free, penalty)
    for (first, last), others in zip(pairwise(y.edges), left_out, strict=True):
        both = predict(columns, slice(first, last), np.hstack([everywhere, others]))
        plug_in[:, first:last], held_out[:, first:last] = both[:k], both[k:]
    residuals = y.standard - plug_in
    return Fit(
        design, columns, s, whole.gram[0] / n, penalty, _unscaled(plug_in, y), _unscaled(held_out, y),
        residuals @ residuals.T / n, 1 - ((y.standard - held_out) ** 2).mean(axis=1),
    )  # fmt: skip


def _unscaled(values: np.ndarray, y: Outcomes) -> np.ndarray:
    """Return standardised outcomes in money and effect, with those that do not vary at their constant."""
    if y.varying.all():
        return y.scatter[:, None] * values + y.mean[:, None]
    out = np.repeat(y.mean[:, None], values.shape[1], axis=1)
    out[y.varying] += y.scatter[y.varying, None] * values
    return out
