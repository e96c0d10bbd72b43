"""Quantile functions prepared for a device: a short polynomial where it is exact enough, else a table.

Both approximate the smooth curve of the normal score that a distribution names, on its link scale, and
both are checked against SciPy when they are built.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import chebyshev

from psa_engine.distributions import Form
from psa_engine.errors import InputError

REACH = 8.3
"""Normal scores never lie beyond: 52 random bits give at most 8.21."""
DEGREE = 31
TOLERANCE = 1e-9
_CHECKED = np.linspace(-REACH, REACH, 523)
_NODES = REACH * np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
_LINKS = ("identity", "log", "logit")
INTERVALS = 4096

Family = Literal["polynomial", "table", "uniform", "triangular"]


class Marginal(NamedTuple):
    """One marginal as arrays: family, place, and the coefficients of its family."""

    family: Family
    low: float
    scale: float
    link: int
    coefficients: np.ndarray


def prepare(form: Form, family: Family | None = None) -> Marginal:
    """Prepare a marginal; raises InputError where no approximation comes within 1e-9 of SciPy."""
    if form.family == "uniform":
        return Marginal("uniform", form.low, form.scale, 0, np.zeros(0))
    if form.family == "triangular":
        assert form.mode is not None
        return Marginal("triangular", form.low, form.scale, 0, np.array([form.mode]))
    assert form.curve is not None
    link = _LINKS.index(form.link)
    with np.errstate(all="ignore"):
        truth, at_nodes = form.curve(_CHECKED), form.curve(_NODES)
    if not (np.isfinite(truth).all() and np.isfinite(at_nodes).all()):
        raise InputError(
            "Its quantiles are beyond what numbers can hold; check its parameters and their scale."
        )
    polynomial = chebyshev.chebfit(_NODES / REACH, at_nodes, DEGREE)
    if family in (None, "polynomial") and _close(
        chebyshev.chebval(_CHECKED / REACH, polynomial), truth, link
    ):
        return Marginal("polynomial", form.low, form.scale, link, polynomial)
    table = _table(form)
    if not _close(_read_table(table, _CHECKED), truth, link):
        raise InputError("This quantile function is too steep to be prepared to 1e-9; give rows (Empirical).")
    return Marginal("table", form.low, form.scale, link, table)


def constant(value: float, family: Family) -> Marginal:
    """Prepare a constant in the shape of a family, so that what was compiled for a distribution serves it."""
    if family == "polynomial":
        return Marginal(family, 0.0, 1.0, 0, np.append(value, np.zeros(DEGREE)))
    if family == "table":
        table = np.zeros((INTERVALS, 4))
        table[:, 0] = value
        return Marginal(family, 0.0, 1.0, 0, table)
    return Marginal(family, value, 0.0, 0, np.full(1 if family == "triangular" else 0, value))


def _close(got: np.ndarray, truth: np.ndarray, link: int) -> bool:
    """An error on the log or logit scale is a relative error of the value; else relative to the spread."""
    unit = max(float(np.abs(truth).max()), 1e-300) if link == 0 else 1.0
    return bool(np.all(np.abs(got - truth) <= 0.3 * TOLERANCE * unit))


def _table(form: Form) -> np.ndarray:
    from scipy.interpolate import CubicSpline

    assert form.curve is not None
    nodes = np.linspace(-REACH, REACH, INTERVALS + 1)
    return np.ascontiguousarray(CubicSpline(nodes, form.curve(nodes)).c[::-1].T)


def _read_table(table: np.ndarray, z: np.ndarray) -> np.ndarray:
    width = 2 * REACH / INTERVALS
    cell = np.clip(((z + REACH) / width).astype(int), 0, INTERVALS - 1)
    s = z + REACH - cell * width
    c = table[cell]
    return c[:, 0] + s * (c[:, 1] + s * (c[:, 2] + s * c[:, 3]))


def quantile_inputs(marginals: Sequence[Marginal]) -> dict[str, dict[str, np.ndarray]]:
    """Stack the marginals of each family into arrays, a row each."""
    by_family: dict[str, list[Marginal]] = {}
    for marginal in marginals:
        by_family.setdefault(marginal.family, []).append(marginal)
    return {
        family: {
            "low": np.array([m.low for m in group]),
            "scale": np.array([m.scale for m in group]),
            "link": np.array([m.link for m in group], np.int32),
            "coefficients": np.stack([m.coefficients for m in group]),
        }
        for family, group in by_family.items()
    }


def quantiles(families: Sequence[Family], inputs: dict[str, dict[str, Any]], z: Any) -> list[Any]:
    """Return the value of each row of normal scores z (n_rows, n) under its marginal: a list of (n,) arrays."""
    out: list[Any] = [None] * len(families)
    for family, place in inputs.items():
        rows = [i for i, f in enumerate(families) if f == family]
        place = {k: v if k == "coefficients" else v[:, None] for k, v in place.items()}
        # Without the barrier XLA copies the evaluation into every row's consumer and compiles for seconds.
        values = jax.lax.optimization_barrier(_EVALUATE[family](place, z[jnp.asarray(rows)]))
        for k, row in enumerate(rows):
            out[row] = values[k]
    return out


def _linked(place: dict[str, Any], y: Any) -> Any:
    link = place["link"]
    exponential = jnp.exp(jnp.where(link == 1, y, jnp.where(link == 2, -y, 0.0)))
    x = jnp.where(link == 0, y, jnp.where(link == 1, exponential, 1.0 / (1.0 + exponential)))
    return place["low"] + place["scale"] * x


def _polynomial(place: dict[str, Any], z: Any) -> Any:
    t = z * (1.0 / REACH)
    c = place["coefficients"]
    b1 = b2 = jnp.zeros_like(z)
    for k in range(DEGREE, 0, -1):  # Clenshaw 1955
        b1, b2 = c[:, k : k + 1] + 2.0 * t * b1 - b2, b1
    return _linked(place, c[:, :1] + t * b1 - b2)


def _tabulated(place: dict[str, Any], z: Any) -> Any:
    width = 2 * REACH / INTERVALS
    cell = jnp.clip(((z + REACH) / width).astype(jnp.int32), 0, INTERVALS - 1)
    s = z + REACH - cell.astype(z.dtype) * width
    c = place["coefficients"][jnp.arange(z.shape[0])[:, None], cell]
    return _linked(place, c[..., 0] + s * (c[..., 1] + s * (c[..., 2] + s * c[..., 3])))


def _uniform(place: dict[str, Any], z: Any) -> Any:
    from jax.scipy.special import ndtr

    return place["low"] + place["scale"] * ndtr(z)


def _triangular(place: dict[str, Any], z: Any) -> Any:
    from jax.scipy.special import ndtr

    low, scale, mode = place["low"], place["scale"], place["coefficients"]
    below, above = ndtr(z), ndtr(-z)
    rising = low + jnp.sqrt(below * scale * (mode - low))
    falling = low + scale - jnp.sqrt(above * scale * (low + scale - mode))
    return jnp.where(below * scale <= mode - low, rising, falling)


_EVALUATE = {"polynomial": _polynomial, "table": _tabulated, "uniform": _uniform, "triangular": _triangular}
