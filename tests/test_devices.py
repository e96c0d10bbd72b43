"""Several devices, and the kernel for GPUs, give what one device and the plain loop give."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cohorts import WITH_DEATHS, cohort

from psa_engine.cohort.pallas import LANES, run_cycles

COUNT = """
import json, sys, psa_engine as pe
a = pe.load_analysis("two_state")
s = pe.run_psa(a.model, a.parameters, n_draws=1_500, seed=3)
print(json.dumps([s.cost_values.tolist(), s.effect_values.tolist(), s.metadata["devices"]]))
"""


def sample_on(n_devices, **more):
    inherited = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}  # this process has set its own
    environment = {**inherited, "PSA_ENGINE_DEVICES": str(n_devices), **more}
    return subprocess.run([sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True)


def test_eight_devices_give_the_bits_of_one():
    one, eight = (json.loads(sample_on(n).stdout) for n in (1, 8))
    assert (one[2][0], eight[2][0]) == ("1", "8")
    assert one[:2] == eight[:2]


def test_more_devices_than_there_are_is_an_error():
    done = sample_on(3, XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert "3 devices were asked for, and there are 2 (cpu)" in done.stderr


def test_a_number_of_devices_that_is_none_is_an_error():
    assert "PSA_ENGINE_DEVICES is 'all', and must be a whole number" in sample_on("all").stderr


def transitions(p):
    return lambda t: {
        ("well", "ill"): jnp.where(t.year >= 4, p["risk"], 0.02),
        ("ill", "well"): 0.25,
        ("ill", "dead"): p["risk"] / 3,
    }


def payoffs(p):
    return {
        "costs.care": {"ill": 90.0, ("well", "ill"): 7.0},
        "effects.qalys": {"well": lambda t: t.utility_multiplier},
    }


MODEL = cohort(
    transitions, payoffs, timeline=replace(WITH_DEATHS, n_cycles=11, discount_rate_costs=0.1), death="dead"
)


def simulated(kernel, precision):
    dtype = {"double": np.float64, "single": np.float32}[precision]
    structure = replace(MODEL.structure, kernel=kernel) if kernel else MODEL.structure
    inputs = {k: v.astype(dtype) for k, v in MODEL.inputs().items()}
    risk = np.linspace(0.05, 0.6, 2 * LANES).astype(dtype)
    return jax.jit(jax.vmap(lambda r: structure.simulate({"risk": r}, inputs)))(risk).outcomes


@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-13), ("single", 2e-6)])
def test_the_gpu_kernel_gives_what_the_plain_loop_does(precision, tolerance):
    plain = simulated(None, precision)
    kernel = simulated(partial(run_cycles, interpret=True), precision)
    for name, expected in plain.items():
        np.testing.assert_allclose(kernel[name], expected, rtol=tolerance, err_msg=name)
