"""Parameters: names to distributions, correlation, groups; scores in, draws out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from numbers import Real
from typing import Any

import jax.numpy as jnp
import numpy as np

from psa_engine.distributions import Dirichlet, Empirical, Fixed, MultivariateNormal, Uniform
from psa_engine.errors import InputError, nearest
from psa_engine.parameters.correlation import Block, blocks_of
from psa_engine.parameters.quantiles import Family, Marginal, constant, prepare, quantile_inputs, quantiles


@dataclass(frozen=True)
class Output:
    """How parameters come out of score rows: one each, the sticks of a Dirichlet, or a row of a table."""

    kind: str
    names: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class ParameterStructure:
    """The compiled part of a parameter set: which rows exist and how they combine."""

    scores: tuple[str, ...]
    families: tuple[Family, ...]
    outputs: tuple[Output, ...]
    blocks: tuple[tuple[int, ...], ...]
    constants: tuple[str, ...]

    @property
    def varying(self) -> tuple[str, ...]:
        """The parameters that have a value a draw, those held at a number among them."""
        return tuple(name for output in self.outputs for name in output.names)

    def draw(self, inputs: Mapping[str, Any], z: Any) -> dict[str, Any]:
        """Return parameter name -> (n,) from independent normal scores z (n_scores, n)."""
        values = (
            quantiles(self.families, inputs["quantiles"], self.correlate(inputs, z)) if self.scores else []
        )
        out: dict[str, Any] = {name: inputs["constants"][i] for i, name in enumerate(self.constants)}
        for k, output in enumerate(self.outputs):
            rows = [values[i] for i in output.rows]
            out.update(
                zip(output.names, _combine(output.kind, rows, inputs["tables"].get(str(k))), strict=True)
            )
        return out

    def correlate(self, inputs: Mapping[str, Any], z: Any) -> Any:
        """Return the scores with each correlation block's factor applied."""
        for rows, factor in zip(self.blocks, inputs["factors"], strict=True):
            at = jnp.asarray(rows)
            z = z.at[at].set((factor[:, :, None] * z[at][None]).sum(1))
        return z


def _combine(kind: str, rows: list[Any], table: Any) -> list[Any]:
    if kind == "marginal":
        return rows
    if kind == "dirichlet":
        left, parts = 1.0, []
        for stick in rows:
            parts.append(left * stick)
            left = left * (1.0 - stick)
        return [*parts, left]
    n_rows = table.shape[1]
    row = jnp.clip((rows[0] * n_rows).astype(jnp.int32), 0, n_rows - 1)
    return list(table[:, row])


@dataclass(frozen=True, eq=False)
class ParameterSet:
    """Uncertain and fixed inputs by name, their correlation, and named groups of them.

    `entries`: name -> distribution or number; a joint distribution's key names the group of its
    parameters. `correlation`: {(a, b): rho} or {block: (names, matrix)} of the normal scores.
    `fixed`: parameters held at a number without changing what is compiled. `first`: parameters that
    are drawn before what they are correlated with (see `conditional`). Raises InputError for two
    parameters of one name, and for correlations that are unknown or not positive definite.
    """

    entries: Mapping[str, Any]
    correlation: Mapping[Any, Any] | None = None
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    first: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        entries = {k: _distribution(k, v) for k, v in self.entries.items()}
        object.__setattr__(self, "entries", entries)
        names = [n for k, d in entries.items() for n in _names(k, d)]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"Two parameters have the name '{name}'.")
        joint = {k: tuple(d.names) for k, d in entries.items() if hasattr(d, "names")}
        object.__setattr__(self, "groups", {**joint, **{k: tuple(v) for k, v in self.groups.items()}})
        for group, members in self.groups.items():
            for member in members:
                if member not in names:
                    raise InputError(f"The group '{group}' names '{member}'.", hint=nearest(member, names))
        _ = self.blocks

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every scalar parameter, in order."""
        return tuple(n for k, d in self.entries.items() for n in _names(k, d))

    @cached_property
    def uncertain(self) -> tuple[str, ...]:
        """The parameters that vary between draws."""
        constant_ = set(self.structure.constants) | set(self.fixed)
        return tuple(n for n in self.names if n not in constant_)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Correlation blocks, those of multivariate normals first."""
        joint = tuple(
            Block(key, tuple(d.names), _correlation_of(d))
            for key, d in self.entries.items()
            if isinstance(d, MultivariateNormal)
        )
        single = [k for k, d in self.entries.items() if not hasattr(d, "names") and not isinstance(d, Fixed)]
        return joint + blocks_of(self.correlation, single)

    @cached_property
    def _rows(self) -> tuple[dict[str, Marginal], list[tuple[str, tuple[str, ...], list[str]]]]:
        """Score name -> marginal, and the outputs (kind, parameter names, score names)."""
        marginals: dict[str, Marginal] = {}
        outputs = []
        for key, d in self.entries.items():
            if isinstance(d, Fixed):
                continue
            if isinstance(d, Dirichlet):
                d = _reordered(d, self.first)
            if isinstance(d, MultivariateNormal):
                sources = dict(d.marginals)
            elif isinstance(d, Dirichlet):
                sources = {f"{key}: stick {i + 1}": stick for i, stick in enumerate(d.sticks)}
            elif isinstance(d, Empirical):
                sources = {key: _ROW}
            else:
                sources = {key: d}
            for name, source in sources.items():
                try:
                    prepared = _prepared(source)
                except InputError as error:
                    raise InputError(f"'{name}': {error.message}", hint=error.hint) from None
                marginals[name] = (
                    constant(self.fixed[name], prepared.family) if name in self.fixed else prepared
                )
            if isinstance(d, Dirichlet | Empirical):
                outputs.append((type(d).__name__.lower(), tuple(d.names), list(sources)))
            else:
                outputs += [("marginal", (name,), [name]) for name in sources]
        return marginals, outputs

    @cached_property
    def structure(self) -> ParameterStructure:
        """What is compiled."""
        marginals, outputs = self._rows
        row = {name: i for i, name in enumerate(marginals)}
        return ParameterStructure(
            scores=tuple(marginals),
            families=tuple(m.family for m in marginals.values()),
            outputs=tuple(Output(k, names, tuple(row[s] for s in scores)) for k, names, scores in outputs),
            blocks=tuple(tuple(row[n] for n in b.parameters) for b in self.blocks),
            constants=tuple(k for k, d in self.entries.items() if isinstance(d, Fixed)),
        )

    def inputs(self) -> dict[str, Any]:
        """Return the arrays that `structure.draw` reads, float64."""
        marginals, _ = self._rows
        tables = {
            str(i): np.ascontiguousarray(np.asarray(self._empirical(o.names).rows, float).T)
            for i, o in enumerate(self.structure.outputs)
            if o.kind == "empirical"
        }
        return {
            "quantiles": quantile_inputs(list(marginals.values())),
            "factors": [b.factor(self.first) for b in self.blocks],
            "constants": np.array([self.entries[k].mean for k in self.structure.constants], float),
            "tables": tables,
        }

    def _empirical(self, names: tuple[str, ...]) -> Empirical:
        return next(d for d in self.entries.values() if isinstance(d, Empirical) and tuple(d.names) == names)

    def means(self) -> dict[str, float]:
        """Return the base case: every parameter at its mean, or where it is held."""
        means: dict[str, float] = {}
        for key, d in self.entries.items():
            means.update(d.mean if hasattr(d, "names") else {key: d.mean})
        return {name: float(self.fixed.get(name, value)) for name, value in means.items()}

    def replace(self, changes: Mapping[str, Any]) -> "ParameterSet":
        """Return a copy with parameters held at numbers or given other distributions.

        Raises InputError for an unknown name, for a number given to one member of a Dirichlet or
        Empirical set, whose members cannot be held one by one, and for a joint distribution of other names.
        """
        entries, fixed = dict(self.entries), dict(self.fixed)
        for name, change in changes.items():
            change = _distribution(name, change)
            if isinstance(change, Fixed) and name in self.structure.scores and name in self.names:
                fixed[name] = float(change.mean)
            elif name in entries:
                if _names(name, change) != _names(name, entries[name]):
                    names = ", ".join(_names(name, entries[name]))
                    raise InputError(f"'{name}' can only be replaced by something that gives {names}.")
                entries[name] = change
                fixed.pop(name, None)
            elif name in self.names:
                owner = next(k for k, d in entries.items() if name in _names(k, d))
                raise InputError(
                    f"'{name}' is drawn jointly as part of '{owner}'.", hint=f"Replace '{owner}' whole."
                )
            else:
                raise InputError(f"There is no parameter '{name}'.", hint=nearest(name, self.names))
        return replace(self, entries=entries, fixed=fixed)


_ROW = Uniform(0.0, 1.0)
"""What picks the row of an Empirical set."""


@lru_cache(maxsize=4096)
def _prepared(distribution: Any) -> Marginal:
    """Remembered, as a sweep holds one parameter after the other of a set whose others stay as they are."""
    return prepare(distribution.form)


def _distribution(name: str, given: Any) -> Any:
    """Return the distribution given for a parameter, a plain number being a fixed one."""
    if isinstance(given, Real):
        return Fixed(float(given))
    if not hasattr(given, "form") and not hasattr(given, "names"):
        raise InputError(
            f"The parameter '{name}' is {given!r}, which is neither a number nor a distribution.",
            hint="Write 0.3, or Beta(events=73, n=315).",
        )
    return given


def _names(key: str, d: Any) -> tuple[str, ...]:
    """Return the parameters that an entry gives: those of a joint distribution, or its own."""
    return tuple(getattr(d, "names", (key,)))


def _reordered(d: Dirichlet, first: Sequence[str]) -> Dirichlet:
    order = sorted(range(len(d.names)), key=lambda i: d.names[i] not in first)
    return Dirichlet([d.names[i] for i in order], [d.alpha[i] for i in order])


def _correlation_of(d: MultivariateNormal) -> np.ndarray:
    covariance = np.asarray(d.covariance, float)
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd)
