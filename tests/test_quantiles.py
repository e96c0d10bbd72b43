"""Quantile functions on the device against SciPy, over all normal scores that occur."""

import jax
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, log_ndtr, ndtr, ndtri_exp

import psa_engine as pe
from psa_engine.distributions import Form
from psa_engine.errors import InputError
from psa_engine.parameters.quantiles import prepare, quantile_inputs, quantiles

Z = np.concatenate([[-8.29], np.linspace(-8, 8, 1601), [8.29]])
MIRROR = slice(None, None, -1)


def scipy(frozen):
    """SciPy's quantiles at scores Z, each tail from its own function."""
    return np.where(Z > 0, frozen.isf(ndtr(-Z)), frozen.ppf(ndtr(Z)))


def triangular(low, mode, high):
    """Its own formula, since SciPy reads the upper tail off one minus the lower."""
    rising = low + np.sqrt(ndtr(Z) * (high - low) * (mode - low))
    return np.where(
        ndtr(Z) * (high - low) < mode - low, rising, high - np.sqrt(ndtr(-Z) * (high - low) * (high - mode))
    )


def normal_above(low):
    """A standard normal cut off below: the upper tail is its share of what is left."""
    left = log_ndtr(-low) + np.where(Z > 0, log_ndtr(-Z), np.log1p(-ndtr(Z)))
    return -ndtri_exp(left)


DISTRIBUTIONS = {
    "beta few events": (pe.Beta(0.5, 30), scipy(stats.beta(0.5, 30))),
    "beta trial": (pe.Beta(73, 242), scipy(stats.beta(73, 242))),
    "beta flat": (pe.Beta(1, 1), scipy(stats.beta(1, 1))),
    "beta at both ends": (pe.Beta(0.3, 0.2), scipy(stats.beta(0.3, 0.2))),
    "beta near one": (pe.Beta(200, 3), scipy(stats.beta(200, 3))),
    "beta registry": (pe.Beta(24_000, 81_000), scipy(stats.beta(24_000, 81_000))),
    "gamma skew": (pe.Gamma(0.4, 250.0), scipy(stats.gamma(0.4, scale=250))),
    "gamma exponential": (pe.Gamma(1, 3.0), scipy(stats.gamma(1, scale=3))),
    "gamma cost": (pe.Gamma(100, 20.0), scipy(stats.gamma(100, scale=20))),
    "gamma narrow": (pe.Gamma(9e4, 1e-3), scipy(stats.gamma(9e4, scale=1e-3))),
    "lognormal ratio": (pe.LogNormal(-0.2, 0.068), scipy(stats.lognorm(0.068, scale=np.exp(-0.2)))),
    "lognormal wide": (pe.LogNormal(5, 2.0), scipy(stats.lognorm(2, scale=np.exp(5)))),
    "logit-normal": (pe.LogitNormal(-1, 0.3), expit(-1 + 0.3 * Z)),
    "logit-normal wide": (pe.LogitNormal(2, 3.0), expit(2 + 3 * Z)),
    "uniform": (pe.Uniform(-3, 7), scipy(stats.uniform(-3, 10))),
    "triangular": (pe.Triangular(2, 3, 9), triangular(2, 3, 9)),
    "triangular rising": (pe.Triangular(0, 4, 4), triangular(0, 4, 4)),
    "triangular falling": (pe.Triangular(1, 1, 4), triangular(1, 1, 4)),
    "pert": (pe.PERT(10, 12, 30), scipy(stats.beta(1.4, 4.6, 10, 20))),
    "normal": (pe.Normal(-3, 2), scipy(stats.norm(-3, 2))),
    "normal above four": (pe.TruncatedNormal(0, 1, low=4), normal_above(4)),
    "normal below": (pe.TruncatedNormal(-5, 2, high=-6), -5 - 2 * normal_above(0.5)[MIRROR]),
    "normal between": (pe.TruncatedNormal(1, 2, low=-1, high=3), scipy(stats.truncnorm(-1, 1, 1, 2))),
}
AROUND_ZERO = ("uniform", "normal", "normal between")
"""These cross zero, where only an error beside the spread means something."""


@pytest.fixture(scope="module")
def on_device():
    """Every distribution at every score: name -> (n_z,), in double and in single precision."""
    marginals = {name: prepare(d.form) for name, (d, _) in DISTRIBUTIONS.items()}
    families = tuple(m.family for m in marginals.values())
    run = jax.jit(lambda inputs, z: quantiles(families, inputs, z))
    inputs, z = quantile_inputs(list(marginals.values())), np.tile(Z, (len(families), 1))
    single = jax.tree.map(lambda x: x.astype(np.float32) if x.dtype == np.float64 else x, inputs)
    results = {"double": run(inputs, z), "single": run(single, z.astype(np.float32))}
    return {
        precision: dict(zip(marginals, map(np.asarray, rows), strict=True))
        for precision, rows in results.items()
    }


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_device_quantiles_are_those_of_scipy(on_device, name):
    truth = DISTRIBUTIONS[name][1]
    spread = np.abs(truth).max() if name in AROUND_ZERO else np.abs(truth)
    assert np.all(np.abs(on_device["double"][name] - truth) <= 1e-9 * spread)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_single_precision_quantiles_are_those_of_double_rounded(on_device, name):
    double, single = (on_device[precision][name] for precision in ("double", "single"))
    likely = np.abs(Z) < 5
    assert np.all(np.abs(single - double)[likely] <= 2e-5 * np.abs(double[likely]).max())


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_never_leave_the_support(on_device, name):
    low, high = DISTRIBUTIONS[name][0].support
    values = on_device["double"][name]
    assert np.isfinite(values).all() and low <= values.min() and values.max() <= high


@pytest.mark.parametrize("family", ["polynomial", "table"])
def test_a_polynomial_and_a_table_give_the_same(family):
    marginal = prepare(pe.Gamma(8, 0.25).form, family)
    (x,) = quantiles((family,), quantile_inputs([marginal]), np.array([Z]))
    assert np.asarray(x) == pytest.approx(scipy(stats.gamma(8, scale=0.25)), rel=1e-9)


def test_a_quantile_function_too_steep_to_prepare_is_refused():
    step = Form("curve", "identity", 0.0, 1.0, lambda z: np.where(z > 0.1, 1.0, 0.0))
    with pytest.raises(InputError, match=r"too steep to be prepared to 1e-9; give rows \(Empirical\)"):
        prepare(step)
