"""How a test says that two numbers agree."""

import numpy as np


def assert_within_mc_error(estimate, truth, standard_error, z=4.0):
    """Assert that Monte Carlo estimates lie within z standard errors of the truth, each of them."""
    off = np.abs(np.asarray(estimate, float) - truth) / standard_error
    assert np.all(off < z), f"{estimate} is {np.max(off):.1f} standard errors from {truth}"


def assert_mean(draws, truth, z=4.0):
    """Assert that the mean of independent draws (n,) is the truth, within z of its standard errors."""
    draws = np.asarray(draws, float)
    assert_within_mc_error(draws.mean(), truth, draws.std(ddof=1) / np.sqrt(len(draws)), z)
