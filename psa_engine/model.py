"""What a model is to the engine: functions of one draw and one strategy, seen through `p`.

A structure (static, hashable: what is compiled) is kept apart from its inputs (arrays: what may
change without compiling again). Both kinds of model, `FunctionModel` here and `CohortModel`, offer
`structure.simulate(values, inputs) -> Simulated` for one draw.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from psa_engine.errors import InputError, nearest

NONE = "none"


class Simulated(NamedTuple):
    """One draw's results: outcome name -> (n_strategies,), and how far each strategy is from invalid.

    `slack` (n_strategies,) is zero or above where every probability is possible: the smallest constant one, or minus
    the sum of the negative ones at the worst time, or minus the distance of the initial distribution from one. Below
    zero (beyond rounding) or NaN means invalid. `clipped` is 1.0 where probabilities were clipped.
    """

    outcomes: dict[str, Any]
    slack: Any
    clipped: Any


class Structure(Protocol):
    """The compiled part of a model."""

    @property
    def strategies(self) -> "Strategies": ...

    def simulate(self, values: Mapping[str, Any], inputs: Any) -> Simulated: ...


class Model(Protocol):
    """A model: a structure to compile and the inputs it reads, float64 arrays by name."""

    @property
    def structure(self) -> Structure: ...

    def inputs(self) -> dict[str, Any]: ...


Attributes = tuple[tuple[str, float | str], ...]


@dataclass(frozen=True)
class Strategies:
    """The strategies compared: names, and for each its attributes (numbers, or names of other things)."""

    names: tuple[str, ...]
    attributes: tuple[Attributes, ...]

    @classmethod
    def of(
        cls, given: "Strategies | Sequence[str] | Mapping[str, Mapping[str, float | str]]"
    ) -> "Strategies":
        """Build from names, or from a mapping of name to attributes; refuses duplicates and none at all."""
        if isinstance(given, Strategies):
            return given
        names = tuple(given)
        if not names:
            raise InputError("A model needs at least one strategy.")
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise InputError(f"Two strategies have the name '{twice[0]}'; give each its own.")
        table = given if isinstance(given, Mapping) else {name: {} for name in names}
        return cls(names, tuple(tuple(sorted(table[n].items())) for n in names))

    def attribute(self, index: int, name: str) -> float | str | None:
        """Return the attribute of the strategy at `index`, or None where it has none of that name."""
        return dict(self.attributes[index]).get(name)

    def resolve(self, template: str, index: int) -> str | None:
        """Fill `{attribute}` in an outcome name for one strategy; None where the attribute is 'none'."""
        if "{" not in template:
            return template
        known = {"strategy": self.names[index], **dict(self.attributes[index])}
        wanted = template[template.index("{") + 1 : template.index("}")]
        if wanted not in known:
            raise InputError(
                f"The outcome '{template}' names the attribute '{wanted}', which the strategy "
                f"'{self.names[index]}' does not have.",
                hint=nearest(wanted, known),
            )
        if known[wanted] == NONE:
            return None
        return self.resolve(template.replace("{" + wanted + "}", str(known[wanted])), index)


class Draw:
    """`p` in a model: the parameter values of one draw as one strategy sees them.

    `p["name"]` is parameter "name[strategy]" where there is one, else the strategy's numeric attribute,
    else parameter "name". `p.at("next_line")["name"]` reads "name[X]" for the X that the strategy's
    attribute `next_line` names. With a traced strategy index one compiled program serves all strategies.
    """

    def __init__(self, values: Mapping[str, Any], strategies: Strategies, index: Any, by: str | None = None):
        self._values, self._strategies, self._index, self._by = values, strategies, index, by
        self._seen: dict[str, Any] = {}
        self._made_in = None if isinstance(index, int) else _trace()

    def __getitem__(self, name: str) -> Any:
        if name in self._seen:
            return self._seen[name]
        value = self._find(name)
        # What is first read within a loop belongs to the loop and cannot be used outside it.
        if self._made_in is None or self._made_in == _trace():
            self._seen[name] = value
        return value

    def at(self, attribute: str) -> "Draw":
        """Return the view in which names resolve for what the strategy's text attribute names."""
        return Draw(self._values, self._strategies, self._index, attribute)

    def _find(self, name: str) -> Any:
        # Never a plain number: `~(p["x"] > 0)` and `p["x"].clip(0, 1)` mean what they do for an array.
        if isinstance(self._index, int):
            value = self._source(name, self._index)[1]
            return np.float64(value) if isinstance(value, int | float) else value
        import jax.numpy as jnp

        sources = [self._source(name, i) for i in range(len(self._strategies.names))]
        if len({key for key, _ in sources}) == 1:
            value = sources[0][1]
            return jnp.asarray(value, self._dtype()) if isinstance(value, int | float) else value
        return jnp.stack([jnp.asarray(value, self._dtype()) for _, value in sources])[self._index]

    def _dtype(self) -> Any:
        return next((v.dtype for v in self._values.values() if hasattr(v, "dtype")), float)

    def _source(self, name: str, index: int) -> tuple[Any, Any]:
        label: Any = self._strategies.names[index]
        if self._by is not None:
            label = self._strategies.attribute(index, self._by)
            if not isinstance(label, str):
                raise InputError(
                    f"The model reads '{name}' of each strategy's '{self._by}', and the strategy "
                    f"'{self._strategies.names[index]}' has no such text attribute."
                )
        own = f"{name}[{label}]"
        if own in self._values:
            return own, self._values[own]
        attribute = self._strategies.attribute(index, name) if self._by is None else None
        if isinstance(attribute, int | float):
            return ("attribute", float(attribute)), float(attribute)
        if name in self._values:
            return name, self._values[name]
        raise InputError(
            f"The model needs the parameter '{name}' for '{label}': neither '{own}' nor '{name}' is given.",
            hint=nearest(name, self._values),
        )


def _trace() -> Any:
    from jax.extend.core import get_opaque_trace_state

    return get_opaque_trace_state()


Outcomes = Callable[[Any], tuple[Any, Any]]


@dataclass(frozen=True)
class FunctionStructure:
    """The compiled part of a `FunctionModel`."""

    function: Outcomes
    strategies: Strategies

    def simulate(self, values: Mapping[str, Any], inputs: Any) -> Simulated:
        import jax.numpy as jnp

        p = _FlatDraw(values)
        result = self.function(p)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise InputError("The function of a FunctionModel must return two things: costs and effects.")
        outcomes = {}
        for kind, plain, given in (("costs", "total", result[0]), ("effects", "total", result[1])):
            by_name = given if isinstance(given, Mapping) else {plain: given}
            for name, per_strategy in by_name.items():
                outcomes[f"{kind}.{name}"] = self._per_strategy(kind, per_strategy)
        zero = jnp.zeros(len(self.strategies.names))
        return Simulated(outcomes, zero, zero)

    def _per_strategy(self, kind: str, given: Any) -> Any:
        import jax.numpy as jnp

        try:
            row = [jnp.asarray(x) + 0.0 for x in given]
        except TypeError:
            row = []
        if len(row) != len(self.strategies.names) or any(x.ndim for x in row):
            shapes = ", ".join(str(x.shape) for x in row)
            raise InputError(
                f"The function returned {kind} {f'of shapes {shapes}' if row else 'that are no list'} for "
                f"{len(self.strategies.names)} strategies; it is written for one draw and returns one number "
                "a strategy."
            )
        return jnp.stack(row)


class _FlatDraw(dict):
    def __missing__(self, name: str) -> Any:
        raise InputError(f"The model needs the parameter '{name}'.", hint=nearest(name, self))


@dataclass(frozen=True)
class FunctionModel:
    """A model given as a function of one draw: `outcomes(p) -> (costs, effects)`, one value per strategy.

    `costs` and `effects` are tuples in the order of `strategies`, or mappings from component name to
    such a tuple; money and (usually) QALYs per person.
    """

    outcomes: Outcomes
    strategies: Sequence[str]

    @property
    def structure(self) -> FunctionStructure:
        return FunctionStructure(self.outcomes, Strategies.of(self.strategies))

    def inputs(self) -> dict[str, Any]:
        """Return nothing: a function model reads only its parameters."""
        return {}


def cost_rate_applies(outcome: str) -> bool:
    """Whether an outcome is discounted as a cost: costs, and packs since they are what prices multiply."""
    return outcome.startswith(("costs.", "packs."))


def outcome_names(templates: Iterable[str], strategies: Strategies) -> list[list[str | None]]:
    """Return for each template the resolved name per strategy (None where it does not apply)."""
    return [[strategies.resolve(t, i) for i in range(len(strategies.names))] for t in templates]
