"""A decision problem as value-of-information methods see it: a model, its parameters, conditional draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from psa_engine.engine import run_psa
from psa_engine.engine.compiled import Program, cast, on_host, scored, structure_of
from psa_engine.engine.devices import Device, Precision, devices
from psa_engine.engine.nested import InnerMeans, inner_means
from psa_engine.engine.progress import Advance
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet, Sampler, conditional, members
from psa_engine.sample import PsaSample

Arrays = Mapping[str, np.ndarray]
Remembered = Callable[[str, Callable[[], Arrays]], Arrays]
"""Given a key and what makes arrays: the arrays, made now or found where an earlier run left them."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A model with its parameters, how precisely and where to run it, and where its runs are remembered if at all."""

    model: Model
    parameters: ParameterSet
    precision: Precision = "double"
    device: Device = "auto"
    remembered: Remembered | None = None

    @property
    def strategies(self) -> tuple[str, ...]:
        """The names of the strategies."""
        return self.model.structure.strategies.names

    def members(self, of: Sequence[str]) -> tuple[str, ...]:
        """Return the parameters that names and groups stand for; raises InputError for unknown or none."""
        return members(self.parameters, of)

    def sample(self, n_draws: int, seed: int, sampler: Sampler = "random") -> PsaSample:
        """Return a PSA sample without outcome components."""
        return run_psa(
            self.model, self.parameters, n_draws, seed, sampler=sampler, precision=self.precision,
            device=self.device, keep="totals",
        )  # fmt: skip

    def split(self, of: Sequence[str]) -> "Split":
        """Return the loops for parameters of interest: their scores outside, all others inside."""
        return Split(self, self.members(of))


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

    def _program(self, sampler: Sampler) -> Program:
        problem = self.problem
        return Program(
            structure_of(problem.model, self.parameters), self.parameters.structure,
            sampler, problem.precision, problem.device,
            False, True,
        )  # fmt: skip

    def evaluate(self, z_outer: np.ndarray, z_inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return costs and effects (n, n_strategies) at independent scores (n_outer, n) and (n_inner, n)."""
        key = ("evaluate", z_outer, z_inner)
        found = self._remembered(key, lambda: self._evaluated(z_outer, z_inner))
        return found["costs"], found["effects"]

    def _evaluated(self, z_outer: np.ndarray, z_inner: np.ndarray) -> Arrays:
        program = self._program("random")
        n = z_inner.shape[1] if self.n_inner else z_outer.shape[1]
        inner_rows = [i for i in range(self.n_outer + self.n_inner) if i not in self.outer_rows]
        n_tiles = 1 << (-(-n // program.step) - 1).bit_length()
        z = np.zeros((self.n_outer + self.n_inner, n_tiles * program.step), program.dtype)
        z[list(self.outer_rows), :n] = z_outer
        z[inner_rows, :n] = z_inner
        tiled = z.reshape(len(z), n_tiles, len(devices(program.device)), program.tile).transpose(1, 2, 0, 3)
        wanted = -(-n // program.step)
        inputs = {
            "model": cast(self.problem.model.inputs(), program.dtype),
            "parameters": cast(self.parameters.inputs(), program.dtype),
        }
        result = scored(program, n_tiles)(inputs, tiled, np.int32(wanted))
        totals = on_host(result, program, wanted, n)["totals"]
        return {kind: totals[kind].T.astype(float) for kind in ("costs", "effects")}

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
        z = np.asarray(z_outer, float)

        def made() -> Arrays:
            return inner_means(
                self.problem.model, self.parameters, self.outer_rows, z, n_inner_draws,
                program=self._program(sampler), seed=seed, sampler=sampler, shared=shared, advance=advance,
            )._asdict()  # fmt: skip

        return InnerMeans(**self._remembered(("inner means", z, n_inner_draws, seed, sampler, shared), made))

    def _remembered(self, key: tuple[Any, ...], make: Callable[[], Arrays]) -> Arrays:
        """Return what `make()` does, by way of the problem's memory; the key names it among all of one problem."""
        if self.problem.remembered is None:
            return make()
        digest = sha256(repr((self.of, self.problem.precision)).encode())
        for part in key:
            digest.update(part.tobytes() if isinstance(part, np.ndarray) else f"|{part}".encode())
        return self.problem.remembered(digest.hexdigest(), make)
