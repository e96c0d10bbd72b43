"""Normal scores belong to (seed, name, draw): the generator, the samplers, and what may never move a draw."""

import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from assertions import assert_mean
from scipy.special import ndtr, ndtri

import psa_engine as pe
from psa_engine.errors import InputError
from psa_engine.parameters import normal_scores, score_inputs
from psa_engine.parameters.scores import threefry2x32

SAMPLERS = ["random", "antithetic", "latin_hypercube", "sobol"]
ONES = 0xFFFFFFFF


compiled = jax.jit(normal_scores, static_argnums=(0, 3))


def scores(sampler="random", seed=1, names=("a", "b"), n_draws=8, index=None, dtype=np.float64):
    """Scores (n_scores, n) of the draws `index`, all by default; few sizes are compiled."""
    index = np.arange(n_draws) if index is None else np.array(index)
    padded = np.resize(index, max(64, 1 << (len(index) - 1).bit_length())).astype(np.uint32)
    return np.asarray(compiled(sampler, score_inputs(sampler, seed, names, n_draws), padded, dtype))[
        :, : len(index)
    ]


@pytest.mark.parametrize(
    ("key", "counter", "encrypted"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_cipher_gives_the_known_answers_of_random123(key, counter, encrypted):
    words = threefry2x32(*(jnp.uint32(word) for word in (*key, *counter)))
    assert tuple(int(word) for word in words) == encrypted


def threefry_twin(k0, k1, x0, x1):
    """Threefry2x32-20 in Python's own integers (Salmon et al. 2011)."""
    keys = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)
    x0, x1 = (x0 + k0) & ONES, (x1 + k1) & ONES
    for i in range(20):
        rotation = (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]
        x0 = (x0 + x1) & ONES
        x1 = (x1 << rotation | x1 >> (32 - rotation)) & ONES ^ x0
        if i % 4 == 3:
            n = i // 4 + 1
            x0, x1 = (x0 + keys[n % 3]) & ONES, (x1 + keys[(n + 1) % 3] + n) & ONES
    return x0, x1


def score_twin(seed, name, draw):
    """The score of one draw: a key from seed and name, 64 bits from the draw's number, SciPy's quantile."""
    k0, k1 = np.frombuffer(blake2b(f"{seed}|{name}".encode(), digest_size=48).digest(), "<u4")[:2].tolist()
    high, low = threefry_twin(k0, k1, 0, draw)
    tail = (((high & 0x7FFFFFFF) << 21 | low >> 11) + 0.5) / 2**53
    return -ndtri(tail) if high >> 31 else ndtri(tail)


@pytest.mark.parametrize(("seed", "name"), [(1, "response"), (20_260_401, "log_odds_ratio[dupilumab]")])
def test_no_draw_ever_changes(seed, name):
    draws = [*range(200), 10**6, 2**32 - 2]
    expected = [score_twin(seed, name, draw) for draw in draws]
    assert scores(seed=seed, names=(name,), index=draws)[0] == pytest.approx(expected, rel=1e-13)


def test_single_precision_rounds_the_draws_of_double():
    assert scores(n_draws=5000, dtype=np.float32) == pytest.approx(scores(n_draws=5000), rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_random_scores_have_the_moments_of_a_normal(moment):
    truth = {1: 0, 2: 1, 3: 0, 4: 3}[moment]
    assert_mean(scores(names=("z",), n_draws=100_000)[0] ** moment, truth)


@pytest.mark.parametrize("sampler", ["random", "latin_hypercube"])
def test_scores_of_two_names_are_independent(sampler):
    a, b = scores(sampler, n_draws=50_000)
    assert_mean(a * b, 0)
    assert_mean((a**2 - 1) * (b**2 - 1), 0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_another_seed_gives_other_draws(sampler):
    assert not np.any(scores(sampler, seed=1) == scores(sampler, seed=2))


def test_antithetic_draws_come_in_opposite_pairs():
    z = scores("antithetic", n_draws=50)
    assert np.array_equal(z[:, 0::2], -z[:, 1::2])


@pytest.mark.parametrize("n_draws", [2, 7, 100, 1000, 4097])
def test_a_latin_hypercube_has_exactly_one_draw_in_each_stratum(n_draws):
    strata = np.floor(ndtr(scores("latin_hypercube", n_draws=n_draws)) * n_draws)
    assert np.array_equal(np.sort(strata), np.tile(np.arange(n_draws), (2, 1)))


def test_the_middle_stratum_of_an_odd_latin_hypercube_is_filled_on_both_sides():
    middle = scores("latin_hypercube", names=tuple("abcdefghijklmnop"), n_draws=1)
    assert middle.min() < 0 < middle.max()


def test_a_latin_hypercube_does_not_go_through_its_strata_in_order():
    strata = ndtr(scores("latin_hypercube", names=tuple(f"p{i}" for i in range(40)), n_draws=1000)) - 0.5
    neighbours = 12 * (strata[:, 1:] * strata[:, :-1]).mean(1)
    assert np.abs(neighbours * np.sqrt(1000)).max() < 4.5


def test_names_of_a_latin_hypercube_go_through_their_strata_apart():
    strata = ndtr(scores("latin_hypercube", names=tuple(f"p{i}" for i in range(40)), n_draws=1000))
    apart = np.corrcoef(strata)[np.triu_indices(40, 1)]
    assert np.abs(apart * np.sqrt(1000)).max() < 4.5


@pytest.mark.parametrize("log_block", [0, 1, 4, 9])
def test_sobol_puts_one_point_in_each_dyadic_interval_of_every_block(log_block):
    size = 2**log_block
    blocks = ndtr(scores("sobol", names=tuple("abcdefg"), n_draws=1024)).reshape(7, -1, size)
    assert np.array_equal(np.sort(np.floor(blocks * size)), np.broadcast_to(np.arange(size), blocks.shape))


@pytest.mark.parametrize("log_columns", range(7))
def test_the_first_two_sobol_scores_put_one_point_in_each_elementary_box(log_columns):
    columns = 2**log_columns
    a, b = ndtr(
        scores("sobol", n_draws=640, index=np.arange(576, 640))
    )  # a block of 64 that is not the first
    boxes = np.floor(a * columns) + columns * np.floor(b * 64 / columns)
    assert np.array_equal(np.sort(boxes), np.arange(64))


def test_sobol_integrates_a_smooth_function_far_better_than_random_draws():
    def error(seed):
        z = scores("sobol", seed=seed, names=tuple("abcd"), n_draws=4096)
        return np.exp(np.array([0.3, -0.2, 0.1, 0.4]) @ z).mean() - np.exp(0.15)

    sd = np.exp(0.15) * np.sqrt(np.exp(0.3) - 1)
    assert np.sqrt(np.mean([error(seed) ** 2 for seed in range(10)])) < 0.1 * sd / np.sqrt(4096)


def test_sobol_is_unbiased_over_scrambles():
    means = [
        np.exp(scores("sobol", seed=seed, names=("a", "b"), n_draws=4).sum(0)).mean() for seed in range(300)
    ]
    assert_mean(means, np.exp(1.0))


@pytest.mark.parametrize("sampler", ["random", "antithetic", "latin_hypercube"])
def test_adding_a_parameter_anywhere_moves_no_other(sampler):
    before, after = scores(sampler, names=("a", "b")), scores(sampler, names=("new", "a", "newer", "b"))
    assert np.array_equal(before, after[[1, 3]])


def test_adding_a_last_parameter_moves_no_other_sobol_score():
    assert np.array_equal(scores("sobol"), scores("sobol", names=("a", "b", "new"))[:2])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_draw_can_be_made_alone(sampler):
    assert scores(sampler, n_draws=100, index=[71])[:, 0] == pytest.approx(
        scores(sampler, n_draws=100)[:, 71], rel=0
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_without_uncertain_parameters_there_are_no_scores(sampler):
    assert scores(sampler, names=(), n_draws=3).shape == (0, 3)


@pytest.mark.parametrize("n_draws", [0, 2**32])
def test_a_number_of_draws_that_cannot_be_counted_is_refused(n_draws):
    with pytest.raises(InputError, match=f"between 1 and 2\\^32 - 1, and is {n_draws}"):
        score_inputs("random", 1, ("a",), n_draws)


def test_an_unknown_sampler_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no sampler 'sobel'. Did you mean 'sobol'"):
        score_inputs("sobel", 1, ("a",), 10)


PARAMETERS = pe.ParameterSet(
    {"risk": pe.Beta(3, 17), "cost": pe.Gamma(mean=900.0, se=80.0), "effect": pe.Normal(0.4, 0.1)},
    correlation={("risk", "effect"): -0.6},
)


def outcomes(p):
    return (0.0, p["cost"] * p["risk"]), (1.0, p["effect"] + p["risk"])


MODEL = pe.FunctionModel(outcomes, strategies=("old", "new"))


def bits(sampler, **plan):
    sample = pe.run_psa(MODEL, PARAMETERS, n_draws=2000, seed=7, sampler=sampler, **plan)
    values = [sample.cost_values, sample.effect_values, *sample.parameter_values.values()]
    return b"".join(np.ascontiguousarray(v).tobytes() for v in values)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_size_of_a_block_changes_no_bit(sampler):
    whole = bits(sampler, block=2000)
    assert all(bits(sampler, block=block) == whole for block in (1, 300))


def started_with(n_devices):
    """Another process with so many host devices, that prints a digest of every sampler's bits."""
    code = (
        "import hashlib, test_scores as t; print(hashlib.sha256(b''.join(map(t.bits, t.SAMPLERS))).digest())"
    )
    flags = f"--xla_force_host_platform_device_count={n_devices}"
    env = os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE)


def test_the_number_of_devices_changes_no_bit():
    processes = [started_with(n_devices) for n_devices in (1, 2, 8)]
    digests = {process.communicate()[0] for process in processes}
    assert len(digests) == 1 and b"" not in digests
