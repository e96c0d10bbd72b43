"""A decision problem as value-of-information methods see it: a model, its parameters, conditional draws."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from psa_engine.engine import RunPlan
from psa_engine.engine.blocks import BlockRunner
from psa_engine.engine.devices import Device, Precision
from psa_engine.engine.nested import InnerMeans, outer_draws_in_a_block
from psa_engine.engine.progress import Advance
from psa_engine.engine.run import sample_of
from psa_engine.engine.where import HERE, Where, map_blocks
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet, Sampler, conditional, members
from psa_engine.sample import PsaSample
from psa_engine.voi.conditional_runs import ConditionalRuns


@dataclass(frozen=True, eq=False)
class Problem:
    """A model with its parameters, how precisely to run it on what, and where its runs are made and kept."""

    model: Model
    parameters: ParameterSet
    precision: Precision = "double"
    device: Device = "auto"
    where: Where = HERE

    @property
    def strategies(self) -> tuple[str, ...]:
        """The names of the strategies."""
        return self.model.structure.strategies.names

    def members(self, of: Sequence[str]) -> tuple[str, ...]:
        """Return the parameters that names and groups stand for; raises InputError for unknown or none."""
        return members(self.parameters, of)

    def sample(self, n_draws: int, seed: int, sampler: Sampler = "random") -> PsaSample:
        """Return a PSA sample without outcome components."""
        plan = RunPlan(
            n_draws=n_draws, seed=seed, sampler=sampler, precision=self.precision, device=self.device
        )
        runner = BlockRunner(self.model, self.parameters, plan, keep="totals")

        def key(first: int, n: int) -> str:
            return repr(("sample", plan.n_draws, seed, sampler, self.precision, first, n))

        blocks = map_blocks(runner.run, runner.ranges, self.where, key)
        return sample_of(runner, zip((first for first, _ in runner.ranges), blocks, strict=True))

    def split(self, of: Sequence[str]) -> "Split":
        """Return the loops for parameters of interest: their scores outside, all others inside."""
        return Split(self, self.members(of))


class OuterSet(NamedTuple):
    """A set of outer draws: scores (n_outer, N), how many inner draws each gets, and the seed of these."""

    scores: np.ndarray
    n_inner: int
    seed: int


@dataclass(frozen=True, eq=False)
class Split:
    """Parameters of interest and all others as independent normal scores: exact conditional draws."""

    problem: Problem
    of: tuple[str, ...]

    @cached_property
    def _arranged(self) -> tuple[ParameterSet, tuple[int, ...]]:
        # A parameter held at a number keeps its score for what it is correlated with, and tells nothing.
        varying = self.problem.parameters.uncertain
        return conditional(self.problem.parameters, [name for name in self.of if name in varying])

    @property
    def parameters(self) -> ParameterSet:
        """The parameters, rearranged so that those of interest come first."""
        return self._arranged[0]

    @property
    def outer_rows(self) -> tuple[int, ...]:
        """The score rows that determine the parameters of interest."""
        return self._arranged[1]

    @property
    def n_outer(self) -> int:
        """How many scores determine the parameters of interest (0 where all are constant)."""
        return len(self.outer_rows)

    @property
    def n_inner(self) -> int:
        """How many scores are left."""
        return len(self.parameters.structure.scores) - self.n_outer

    @cached_property
    def runs(self) -> ConditionalRuns:
        """The model runs of both loops, apart from where they are made."""
        problem = self.problem
        return ConditionalRuns(
            problem.model, self.parameters, self.outer_rows, problem.precision, problem.device
        )

    def evaluate(self, z_outer: np.ndarray, z_inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return costs and effects (n, n_strategies) at independent scores (n_outer, n) and (n_inner, n)."""
        [found] = self.evaluations([(z_outer, z_inner)])
        return found

    def evaluations(
        self, scores: Iterable[tuple[np.ndarray, np.ndarray]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield what `evaluate` returns for each pair of scores."""
        for found in map_blocks(
            self.runs.evaluate, scores, self.problem.where, partial(self._key, "evaluate")
        ):
            yield found["costs"], found["effects"]

    def inner_means(
        self,
        z_outer: np.ndarray,
        n_inner_draws: int,
        seed: int,
        sampler: Sampler = "random",
        shared: bool = False,
        advance: Advance | None = None,
    ) -> InnerMeans:
        """Return mean costs and effects over each half of the inner draws at outer scores (n_outer, N).

        `n_inner_draws` is a power of two; `sampler` "antithetic" pairs neighbours, "sobol" gives each
        outer draw its own net; `shared` uses the same inner draws for all. (N, n_strategies, 2) each.
        """
        [found] = self.inner_means_of([OuterSet(z_outer, n_inner_draws, seed)], sampler, shared, advance)
        return found

    def inner_means_of(
        self,
        sets: Iterable[OuterSet],
        sampler: Sampler = "antithetic",
        shared: bool = False,
        advance: Advance | None = None,
    ) -> Iterator[InnerMeans]:
        """Yield what `inner_means` returns for each set of outer draws; a cluster works some sets ahead."""
        begun: deque[OuterSet] = deque()

        def blocks() -> Iterator[tuple[Any, ...]]:
            for one in sets:
                begun.append(one)
                z, m = np.asarray(one.scores, float), one.n_inner
                n, size = z.shape[1], outer_draws_in_a_block(m)
                for first in range(0, n, size):
                    yield z[:, first : first + size], first, n, m, one.seed, sampler, shared

        key, parts = partial(self._key, "inner means"), []
        for found in map_blocks(self.runs.inner_means, blocks(), self.problem.where, key):
            parts.append(found)
            if advance is not None:
                advance(len(found["costs"]) * begun[0].n_inner)
            if sum(len(part["costs"]) for part in parts) == begun[0].scores.shape[1]:
                yield InnerMeans(*(np.concatenate([p[k] for p in parts]) for k in InnerMeans._fields))
                parts = []
                begun.popleft()

    def _key(self, what: str, *given: Any) -> str:
        """Return what names a block among all of one problem."""
        digest = sha256(repr((self.of, self.problem.precision, what)).encode())
        for part in given:
            digest.update(part.tobytes() if isinstance(part, np.ndarray) else f"|{part}".encode())
        return digest.hexdigest()
