"""The innermost loop as one GPU kernel: a block of draws keeps its states and sums in registers over all cycles.

XLA launches a kernel a cycle on a GPU and the states go through memory each time; here they go once a span.
Made from the same chain as the plain loop and held against it in interpret mode on a CPU. It compiles for
GPUs (benchmarks/NOTES.md) but has not run on one yet; PSA_ENGINE_KERNEL=plain does without it.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from psa_engine.cohort import chain as plain
from psa_engine.cohort.chain import Chain, Rows, advanced, leaving

LANES = 128
"""Draws of one block of threads, one a thread."""
REGISTERS = 255
"""What a thread of a GPU has of them, 32 bits each; what they do not hold would go through memory each cycle."""


def run_cycles(chain: Chain, held: Rows, probability: Any, *time: Any, interpret: bool = False) -> Rows:
    """Run the cycles of `time` (weights, moments, first, last) like `chain.run_cycles`.

    A number of draws that is no multiple of LANES goes there, and so do more states than registers hold.
    """
    weights, moments, first, last = time
    n = held.states.shape[-1]
    if n % LANES or _registers(held, probability) > REGISTERS:
        return plain.run_cycles(chain, held, probability, *time)
    span = jnp.stack([jnp.asarray(first, jnp.int32), jnp.asarray(last, jnp.int32)])
    flows = held.flows if chain.counted else jnp.zeros((*held.flows.shape[:1], 1, n), held.flows.dtype)
    edges = probability if chain.edges else jnp.zeros((1, n), held.states.dtype)
    arrays = (held.states, held.sums, flows, edges)
    out = pl.pallas_call(
        partial(_kernel, chain),
        grid=(n // LANES,),
        in_specs=[_block(a) for a in arrays]
        + [pl.BlockSpec(a.shape, _whole(a)) for a in (weights, moments, span)],
        out_specs=[_block(a) for a in arrays[:3]],
        out_shape=[jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays[:3]],
        interpret=interpret,
        compiler_params=triton.CompilerParams(num_warps=LANES // 32),
    )(*arrays, weights, moments, span)
    return Rows(out[0], out[1], out[2] if chain.counted else held.flows)


def _registers(held: Rows, probability: Any) -> int:
    """Return the registers that one draw's states, who leave them, sums, flows and probabilities take."""
    leave = held.states
    numbers = sum(a.size // a.shape[-1] for a in (*held, leave, probability))
    return numbers * held.states.dtype.itemsize // 4


def _block(array: Any) -> pl.BlockSpec:
    """Return the block of a program: all rows of LANES draws."""
    rows = array.ndim - 1
    return pl.BlockSpec((*array.shape[:-1], LANES), lambda i: (*(0,) * rows, i))


def _whole(array: Any) -> Any:
    return lambda i: (0,) * array.ndim


def _kernel(
    chain: Chain, x: Any, sums: Any, flows: Any, p: Any, weights: Any, moments: Any, span: Any, *out: Any
):
    n_weights, n_states, _ = sums.shape
    probability = [p[k, :] for k in range(len(chain.edges))]
    leave = leaving(chain, probability)

    def added(table: Any, weight: Any, t: Any, rows: Any) -> Any:
        return [[a + weight[t, w] * b for a, b in zip(row, rows, strict=True)] for w, row in enumerate(table)]

    def cycle(t: Any, carry: Any) -> Any:
        states, sums, flows = carry
        sums = [
            [total + weights[t, w] * s for total, s in zip(row, states, strict=True)]
            for w, row in enumerate(sums)
        ]
        moved = [states[chain.edges[k][0]] * probability[k] for k in chain.counted]
        flows = [
            [total + moments[t, m] * f for total, f in zip(row, moved, strict=True)]
            for m, row in enumerate(flows)
        ]
        return advanced(chain, states, probability, leave), sums, flows

    begin = (
        [x[i, :] for i in range(n_states)],
        [[sums[w, i, :] for i in range(n_states)] for w in range(n_weights)],
        [[flows[m, k, :] for k in range(len(chain.counted))] for m in range(flows.shape[0])],
    )
    states, totals, counted = jax.lax.fori_loop(span[0], span[1], cycle, begin)
    for i, row in enumerate(states):
        out[0][i, :] = row
    for target, table in ((out[1], totals), (out[2], counted)):
        for w, row in enumerate(table):
            for i, total in enumerate(row):
                target[w, i, :] = total
