"""One strategy: `p` as a model's functions read it, and outcome names filled with its attributes."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np


class Strategy:
    """A strategy's name and attributes (numbers, or names of other things)."""

    def __init__(self, name: str, attributes: Mapping[str, Any]):
        self.name, self.attributes = name, dict(attributes)

    def outcome(self, template: str) -> str | None:
        """Fill `{attribute}` and `{strategy}` in an outcome's name; None where an attribute is 'none'."""
        words = {"strategy": self.name, **self.attributes}
        if any(words[word] == "none" for word in re.findall(r"{(\w+)}", template)):
            return None
        return re.sub(r"{(\w+)}", lambda found: str(words[found[1]]), template)


def strategies_of(model: Any) -> list[Strategy]:
    """Return the strategies of a model, given as names or as a mapping of name to attributes."""
    given = model.strategies
    return [Strategy(name, given[name] if isinstance(given, Mapping) else {}) for name in given]


class Draws:
    """`p`: all draws of the parameters, (n_draws,) each, as one strategy sees them.

    `p["name"]` is "name[strategy]", else the strategy's numeric attribute, else "name";
    `p.at("next_line")["name"]` is "name[X]" for the text X of that attribute, else "name".
    """

    def __init__(self, values: Mapping[str, np.ndarray], strategy: Strategy, attribute: str | None = None):
        self.values, self.strategy, self.attribute = values, strategy, attribute

    @property
    def n_draws(self) -> int:
        """The number of draws."""
        return len(next(iter(self.values.values())))

    def at(self, attribute: str) -> "Draws":
        """Return the view for the thing that a text attribute names."""
        return Draws(self.values, self.strategy, attribute)

    def __getitem__(self, name: str) -> Any:
        if self.attribute is not None:
            own = f"{name}[{self.strategy.attributes[self.attribute]}]"
            return self.values[own] if own in self.values else self.values[name]
        own = f"{name}[{self.strategy.name}]"
        if own in self.values:
            return self.values[own]
        number = self.strategy.attributes.get(name)
        return np.float64(number) if isinstance(number, int | float) else self.values[name]
