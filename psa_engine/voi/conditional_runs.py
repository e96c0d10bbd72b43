"""Model runs given the scores of the parameters of interest: what a process needs to make them, wherever it is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from psa_engine.engine.compiled import Program, cast, on_host, scored, structure_of
from psa_engine.engine.devices import Device, Precision, devices
from psa_engine.engine.nested import inner_means
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet, Sampler

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ConditionalRuns:
    """A model, its parameters arranged so that those of interest come first, and the rows of their scores."""

    model: Model
    parameters: ParameterSet
    outer_rows: tuple[int, ...]
    precision: Precision
    device: Device

    def inner_means(
        self,
        z_outer: np.ndarray,
        first: int,
        n_all: int,
        n_inner_draws: int,
        seed: int,
        sampler: Sampler,
        shared: bool,
    ) -> Arrays:
        """Return inner means of outer draws `first` and following of `n_all`: see `engine.nested`."""
        return inner_means(
            self.model, self.parameters, self.outer_rows, z_outer, n_inner_draws,
            program=self._program(sampler), seed=seed, sampler=sampler, shared=shared, place=(first, n_all),
        )._asdict()  # fmt: skip

    def evaluate(self, z_outer: np.ndarray, z_inner: np.ndarray) -> Arrays:
        """Return costs and effects (n, n_strategies) at independent scores (n_outer, n) and (n_inner, n)."""
        program, rows = self._program("random"), list(self.outer_rows)
        n_scores = len(self.parameters.structure.scores)
        n = z_outer.shape[1] if rows else z_inner.shape[1]
        n_tiles = 1 << (-(-n // program.step) - 1).bit_length()
        z = np.zeros((n_scores, n_tiles * program.step), program.dtype)
        z[rows, :n] = z_outer
        z[[i for i in range(n_scores) if i not in rows], :n] = z_inner
        tiled = z.reshape(n_scores, n_tiles, len(devices(program.device)), program.tile).transpose(1, 2, 0, 3)
        wanted = -(-n // program.step)
        inputs = {
            "model": cast(self.model.inputs(), program.dtype),
            "parameters": cast(self.parameters.inputs(), program.dtype),
        }
        result = scored(program, n_tiles)(inputs, tiled, np.int32(wanted))
        totals = on_host(result, program, wanted, n)["totals"]
        return {kind: totals[kind].T.astype(float) for kind in ("costs", "effects")}

    def _program(self, sampler: Sampler) -> Program:
        return Program(
            structure_of(self.model, self.parameters), self.parameters.structure,
            sampler, self.precision, self.device,
            False, True,
        )  # fmt: skip
