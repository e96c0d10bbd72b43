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

import psa_engine as pe
from psa_engine.cohort import chain as plain
from psa_engine.cohort.chain import Chain, Rows
from psa_engine.cohort.pallas import LANES, REGISTERS, run_cycles
from psa_engine.engine.compiled import Names, Program, cast, evaluated, structure_of
from psa_engine.engine.draws import draw_inputs, drawn_block

COUNT = """
import json, sys, psa_engine as pe
a = pe.load_analysis(sys.argv[1])
s = pe.run_psa(a.model, a.parameters, n_draws=1_500, seed=3)
print(json.dumps([s.cost_values.tolist(), s.effect_values.tolist(), s.metadata["devices"]]))
"""


def sample_on(n_devices, config="two_state", **more):
    inherited = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}  # this process has set its own
    environment = {**inherited, "PSA_ENGINE_DEVICES": str(n_devices), **more}
    words = [sys.executable, "-c", COUNT, config]
    return subprocess.run(words, env=environment, capture_output=True, text=True)


FLAGSHIPS = ["ruxolitinib_ad_systemic_naive", "ruxolitinib_ad_post_systemic"]


@pytest.mark.parametrize(
    "config", ["two_state", *(pytest.param(name, marks=pytest.mark.slow) for name in FLAGSHIPS)]
)
def test_eight_devices_give_the_bits_of_one(config):
    one, eight = (json.loads(sample_on(n, config).stdout) for n in (1, 8))
    assert (one[2][0], eight[2][0]) == ("1", "8")
    assert one[:2] == eight[:2]


def test_more_devices_than_there_are_is_an_error():
    done = sample_on(3, XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert "3 devices were asked for, and there are 2 (cpu)" in done.stderr


def test_a_number_of_devices_that_is_none_is_an_error():
    assert "PSA_ENGINE_DEVICES is 'all', and must be a whole number" in sample_on("all").stderr


@pytest.fixture
def flagship(monkeypatch):
    """The flagship where a CPU device is taken for a GPU."""
    monkeypatch.setattr(Program, "on_gpu", True)
    monkeypatch.setattr(Program, "devices", jax.devices()[:1])
    return pe.load_analysis("ruxolitinib_ad_systemic_naive")


def lowered_for_a_gpu(analysis, precision):
    """The program of a GPU for draws and for outcomes, made ready for it on a machine without one."""
    structure, model = analysis.parameters.structure, analysis.model
    program = Program(
        structure_of(model, analysis.parameters), structure, "random", precision, "cpu", False, False
    )
    names, dtype = Names(structure.varying, structure.constants), program.dtype
    values = jax.ShapeDtypeStruct((len(program.devices), len(names.varying), program.tile), dtype)
    constants = np.zeros(len(names.constant), dtype)
    outcomes = (cast(model.inputs(), dtype), values, constants, np.int32(1))
    draws = (draw_inputs(analysis.parameters, 1, "random", 1000, dtype), np.uint32(0), np.int32(1))
    compiled = {
        "outcomes": (evaluated(program.of_the_model, names, 1), outcomes),
        "draws": (drawn_block(program.of_the_draws, 1), draws),
    }
    return {
        name: run.jitted.trace(*given).lower(lowering_platforms=("cuda",)).as_text()
        for name, (run, given) in compiled.items()
    }


@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_flagship_is_lowered_for_a_gpu_with_a_kernel_for_each_kind_of_strategy(flagship, precision):
    text = lowered_for_a_gpu(flagship, precision)
    kinds = 3  # the cream, used as needed; a drug; supportive care
    assert text["outcomes"].count("__gpu$xla.gpu.triton") == 2 * kinds  # before and after all are assessed


def test_the_flagship_is_lowered_for_a_gpu_without_the_kernel(flagship, monkeypatch):
    monkeypatch.setenv("PSA_ENGINE_KERNEL", "plain")
    evaluated.cache_clear()
    text = lowered_for_a_gpu(flagship, "single")
    evaluated.cache_clear()
    assert "triton" not in text["outcomes"] and "stablehlo.while" in text["draws"]


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


def test_more_states_than_registers_hold_take_the_plain_loop(monkeypatch):
    n, went = REGISTERS // 2, []
    monkeypatch.setattr(plain, "run_cycles", lambda *a: went.append(a))
    held = Rows(jnp.ones((n, LANES)), jnp.zeros((0, n, LANES)), jnp.zeros((0, 0, LANES)))
    chain = Chain((), tuple(range(n)), (), ())
    run_cycles(chain, held, jnp.zeros((0, LANES)), jnp.zeros((4, 0)), jnp.zeros((4, 0)), 0, 4)
    assert went


@pytest.mark.gpu
@pytest.mark.skipif(all(d.platform == "cpu" for d in jax.devices()), reason="there is no GPU")
@pytest.mark.parametrize("kernel", ["pallas", "plain"])
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-11), ("single", 2e-4)])
def test_a_gpu_gives_what_a_cpu_does(kernel, precision, tolerance, monkeypatch):
    monkeypatch.setenv("PSA_ENGINE_KERNEL", kernel)
    evaluated.cache_clear()
    a = pe.load_analysis("ruxolitinib_ad_systemic_naive")
    values = {**a.parameters.means(), **pe.run_psa(a.model, a.parameters, 200, device="cpu").parameter_values}
    expected = pe.evaluate(a.model, values, device="cpu")
    got = pe.evaluate(a.model, values, device="gpu", precision=precision)
    np.testing.assert_allclose(got.cost_values, expected.cost_values, rtol=tolerance)
    np.testing.assert_allclose(got.effect_values, expected.effect_values, rtol=tolerance)
