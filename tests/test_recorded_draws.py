"""The draws of a seed stay what they are, from version to version of this package, of NumPy and of JAX.

The engine is held to draws and results of each sampler that were worked out apart from it and kept in
recorded_draws.json and recorded_samplers.json: to one part in 10^8 in double precision, and to one in 10^4 in
single. A change of the draws breaks every result that anyone has published with them: it needs a new major version.
"""

import json

import numpy as np
import pytest
import recorded_draws
import recorded_samplers
from recorded_draws import DRAWS, PARAMETERS, SEED, threefry
from recorded_samplers import N_DRAWS

from psa_engine.config import load_analysis
from psa_engine.engine import run_psa

KEPT = {
    "random": json.loads(recorded_draws.FILE.read_text(encoding="utf-8")),
    **json.loads(recorded_samplers.FILE.read_text(encoding="utf-8")),
}
DRAW = list(DRAWS)


@pytest.fixture(scope="module", params=[("double", 1e-8), ("single", 1e-4)], ids=lambda p: p[0])
def precision(request):
    return request.param


@pytest.fixture(scope="module", params=KEPT)
def run(request, precision):
    """A run, what was kept of one, and how close they must be."""
    digits, tolerance = precision
    analysis = load_analysis("two_state").with_settings(precision=digits)
    how = {"sampler": request.param, "precision": digits}
    return run_psa(analysis.model, analysis.parameters, N_DRAWS, SEED, **how), KEPT[request.param], tolerance


@pytest.mark.parametrize(
    ("key", "counter", "bits"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_generator_is_the_published_threefry(key, counter, bits):
    """The known answers of Salmon et al. 2011 (Random123, threefry2x32, 20 rounds)."""
    assert threefry(key, counter) == bits


@pytest.mark.parametrize("sampler", KEPT)
def test_the_file_is_what_the_independent_calculation_gives(sampler):
    worked_out = {"random": recorded_draws.recorded(), **recorded_samplers.recorded()}[sampler]
    for row, again in zip(KEPT[sampler], worked_out, strict=True):
        for part in ("scores", "values"):
            assert row[part] == pytest.approx(again[part], rel=1e-11)
        assert row["costs"] + row["effects"] == pytest.approx(again["costs"] + again["effects"], rel=1e-11)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_draws_of_a_seed_are_those_recorded(run, name):
    sample, kept, tolerance = run
    values = [row["values"][name] for row in kept]
    np.testing.assert_allclose(sample.parameter_values[name][DRAW], values, rtol=tolerance)


@pytest.mark.parametrize("what", ["costs", "effects"])
def test_the_results_of_a_seed_are_those_recorded(run, what):
    sample, kept, tolerance = run
    values = getattr(sample, what).to_numpy()[DRAW]
    np.testing.assert_allclose(values, [row[what] for row in kept], rtol=tolerance)
