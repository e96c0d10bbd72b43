"""Posterior mean outcomes of simulated data sets, in blocks: data outside, posterior draws and model runs inside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from psa_engine.engine.where import HERE, map_blocks
from psa_engine.errors import InputError
from psa_engine.voi.evsi.posterior import PRIOR_SHARE, Informed, proposal
from psa_engine.voi.evsi.studies import Study
from psa_engine.voi.problem import Problem

_RUNS_AT_ONCE = 2**17


@dataclass(frozen=True, eq=False)
class Inner:
    """Posterior mean outcomes (q, 2 n_strategies) of all inner draws and each half; effective draws (q,)."""

    whole: np.ndarray
    halves: tuple[np.ndarray, np.ndarray]
    n_effective: np.ndarray


@dataclass(frozen=True)
class DataSets:
    """`n_outer` data sets of a study's size number `size`, `n_inner` posterior draws each, a multiple of 4."""

    size: int
    n_outer: int
    n_inner: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        if self.n_inner < 4 or self.n_inner % 4:
            raise InputError(f"The number of inner draws must be a multiple of 4, and is {self.n_inner}.")

    @property
    def blocks(self) -> list[tuple[int, int, int, np.random.Generator]]:
        """Data sets that are run at once, each block with random numbers of its own."""
        at_once = max(1, _RUNS_AT_ONCE // self.n_inner)
        counts = [min(at_once, self.n_outer - k) for k in range(0, self.n_outer, at_once)]
        streams = self.rng.spawn(len(counts))
        return [(self.size, q, self.n_inner, stream) for q, stream in zip(counts, streams, strict=True)]


class PosteriorRuns:
    """The model runs that nested methods make for a study of one size or several."""

    def __init__(self, problem: Problem, study: Study, n: Sequence[int]):
        self.where, self.n = problem.where, n
        alone = replace(problem, where=HERE)  # a block is made, and kept, as a whole
        self.informed = [Informed(alone, study, int(size)) for size in n]

    def inner_means(self, sets: Iterable[DataSets]) -> Iterator[Inner]:
        """Yield posterior mean outcomes of each of the data sets; a cluster works some ahead."""
        planned = [(one, one.blocks) for one in sets]
        given = (block for _, blocks in planned for block in blocks)
        made = map_blocks(self.block, given, self.where, self._key)
        for _, blocks in planned:
            parts = [next(made) for _ in blocks]
            whole, first, second, effective = (np.concatenate([p[k] for p in parts]) for k in _FIELDS)
            yield Inner(whole, (first, second), effective)
        assert next(made, None) is None  # and so what wants to stop is heard

    def _key(self, size: int, q: int, m: int, rng: np.random.Generator) -> str:
        informed, seeds = self.informed[size], rng.bit_generator.seed_seq
        of = informed.split.of, informed.problem.precision
        return repr(("posterior", of, informed.study, informed.n, q, m, seeds.entropy, seeds.spawn_key))  # type: ignore[attr-defined]

    def block(self, size: int, q: int, m: int, rng: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Return the fields of `Inner` for q data sets of m posterior draws each."""
        informed = self.informed[size]
        split = informed.split
        truth = rng.standard_normal((split.n_outer, q))
        z = _antithetic(rng, split.n_outer, q, m)
        z_inner = _antithetic(rng, split.n_inner, q, m)
        from_prior = np.repeat(rng.random((q, m // 2)) < PRIOR_SHARE, 2, axis=1)
        data = informed.study.generate(informed.values(truth), informed.n, rng)
        fitted = proposal(informed, data, truth)
        x = fitted.draw(z, from_prior)
        log_weights = informed.log_posterior(x, data) - fitted.log_density(x)
        weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        costs, effects = split.evaluate(x.reshape(len(x), q * m), z_inner.reshape(len(z_inner), q * m))
        outcomes = np.hstack([costs - costs[:, :1], effects - effects[:, :1]]).reshape(q, m, -1)
        halves = [slice(0, m // 2), slice(m // 2, m)]
        sums = [np.einsum("qm,qmc->qc", weights[:, half], outcomes[:, half]) for half in halves]
        sizes = [weights[:, half].sum(axis=1)[:, None] for half in halves]
        means = [total / np.maximum(size, 1e-300) for total, size in zip(sums, sizes, strict=True)]
        effective = weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)
        whole = (sums[0] + sums[1]) / (sizes[0] + sizes[1])
        return dict(zip(_FIELDS, (whole, *means, effective), strict=True))


_FIELDS = ("whole", "first half", "second half", "effective draws")


def _antithetic(rng: np.random.Generator, d: int, q: int, m: int) -> np.ndarray:
    """Return normals (d, q, m) whose neighbours are each other's negatives."""
    z = rng.standard_normal((d, q, m // 2))
    return np.stack([z, -z], axis=-1).reshape(d, q, m)
