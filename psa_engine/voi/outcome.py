"""One number a draw: an outcome of a strategy, or its difference from a comparator, at given scores."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from psa_engine.engine.compiled import Program, cast, on_host, scored, structure_of
from psa_engine.engine.devices import devices
from psa_engine.errors import InputError, ModelError, nearest
from psa_engine.model import outcome_names
from psa_engine.parameters import ParameterSet
from psa_engine.voi.problem import Problem

_BATCH = 2**13
_TOTALS = ("net_benefit", "costs", "effects")


@dataclass(eq=False)
class Outcome:
    """What is looked at: `name` (a total or a component), times `weights` (n_strategies,), and the runs made."""

    problem: Problem
    name: str
    weights: np.ndarray
    label: str
    wtp: float | None = None
    runs: int = field(default=0)

    def values(self, parameters: ParameterSet, z: np.ndarray) -> np.ndarray:
        """Return the outcome (n,) at independent scores (n_scores, n), parameters as arranged."""
        out = np.zeros(z.shape[1])
        for first in range(0, len(out), _BATCH):
            here = slice(first, first + _BATCH)
            out[here] = self.weights @ self._per_strategy(self._batch(parameters, z[:, here]))
        self.runs += len(out)
        if not np.isfinite(out).all():
            raise ModelError(
                f"The outcome '{self.name}' is not finite in some draws.",
                hint="Run the PSA first: it names the draw and the reason.",
            )
        return out

    def check(self) -> None:
        """Raise InputError where no strategy has an outcome of this name."""
        if self.name in _TOTALS:
            return
        parameters = self.problem.parameters
        outcomes = self._batch(parameters, np.zeros((len(parameters.structure.scores), 1)))["outcomes"]
        known = {name for names in self._names(outcomes) for name in names if name is not None}
        if self.name not in known:
            hint = nearest(self.name, [*_TOTALS, *sorted(known)])
            raise InputError(f"The model has no outcome '{self.name}'.", hint=hint)

    def _batch(self, parameters: ParameterSet, z: np.ndarray) -> dict[str, Any]:
        problem, n = self.problem, z.shape[1]
        program = Program(
            structure_of(problem.model, parameters), parameters.structure,
            "random", problem.precision, problem.device, False,
            self.name in _TOTALS,
        )  # fmt: skip
        n_tiles = -(-_BATCH // program.step)
        padded = np.zeros((len(z), n_tiles * program.step), program.dtype)
        padded[:, :n] = z
        shape = (len(z), n_tiles, len(devices(program.device)), program.tile)
        inputs = {
            "model": cast(problem.model.inputs(), program.dtype),
            "parameters": cast(parameters.inputs(), program.dtype),
        }
        wanted = -(-n // program.step)
        run = scored(program, n_tiles)
        return on_host(
            run(inputs, padded.reshape(shape).transpose(1, 2, 0, 3), np.int32(wanted)), program, wanted, n
        )

    def _per_strategy(self, result: dict[str, Any]) -> np.ndarray:
        """Return the outcome (n_strategies, n) of each strategy."""
        totals = {k: np.asarray(v, float) for k, v in result["totals"].items()}
        if self.name == "net_benefit":
            assert self.wtp is not None
            return self.wtp * totals["effects"] - totals["costs"]
        if self.name in totals:
            return totals[self.name]
        out = np.zeros_like(totals["costs"])
        for names, values in zip(self._names(result["outcomes"]), result["outcomes"].values(), strict=True):
            for s, name in enumerate(names):
                out[s] += values[s] if name == self.name else 0.0
        return out

    def _names(self, outcomes: dict[str, Any]) -> list[list[str | None]]:
        return outcome_names(outcomes, self.problem.model.structure.strategies)


def outcome_of(
    problem: Problem, name: str, strategy: str | None, comparator: str | None, wtp: float | None
) -> Outcome:
    """Return an outcome of a strategy, less that of a comparator where one is named; raises InputError."""
    known = problem.strategies
    if strategy is None and comparator is None and len(known) == 2:
        comparator, strategy = known
    if strategy is None:
        raise InputError("Name the strategy whose outcome it is.", hint=nearest("", known))
    for asked in (strategy, comparator):
        if asked is not None and asked not in known:
            raise InputError(f"There is no strategy '{asked}'.", hint=nearest(asked, known))
    if name == "net_benefit" and not (isinstance(wtp, int | float) and np.isfinite(wtp) and wtp > 0):
        raise InputError(f"Net benefit needs a WTP above 0, got {wtp!r}.")
    weights = np.array([float(s == strategy) - float(s == comparator) for s in known])
    label = f"{name} of {strategy}" + (f" v {comparator}" if comparator is not None else "")
    outcome = Outcome(problem, name, weights, label, wtp)
    outcome.check()
    return outcome
