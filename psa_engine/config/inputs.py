"""The inputs a configuration gives: parameters and product prices, each checked against its unit's range."""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from psa_engine.config.document import Document, YamlPath
from psa_engine.config.prices import price_record
from psa_engine.config.schema import Configuration, Parameter
from psa_engine.config.units import UNITS
from psa_engine.distributions import Distribution, Fixed, parse
from psa_engine.errors import InputError, nearest


@dataclass(frozen=True)
class Input:
    """One entry: a parameter, a joint distribution of several, or a price.

    `given` is the distribution that `written`, the value in the file at `path`, stands for.
    """

    name: str
    given: Distribution
    written: Any
    path: YamlPath
    evidence: Parameter

    @property
    def unit(self) -> str | Mapping[str, str]:
        """Its unit, or that of each name of a joint distribution of unlike parameters."""
        return self.evidence.unit

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters it gives: itself, or the names of a joint distribution."""
        return self.given.names if hasattr(self.given, "names") else (self.name,)  # type: ignore[union-attr]

    @property
    def is_fixed(self) -> bool:
        """Whether it is a value known without error."""
        return isinstance(self.given, Fixed)

    def unit_of(self, name: str) -> str:
        """Return the unit of one of its names."""
        return self.unit if isinstance(self.unit, str) else self.unit[name]

    def summary(self, name: str) -> tuple[float, float, float]:
        """Return (mean, low, high) of one of its names, low and high the ends of the 95 % interval."""
        given: Any = self.given
        if hasattr(given, "names"):
            return (given.mean[name], *given.marginal_interval(name))
        return (given.mean, *given.interval(0.95))


def inputs_of(config: Configuration, document: Document, known: Iterable[Input] = ()) -> tuple[Input, ...]:
    """Return the inputs in the file's order, prices after parameters; InputError for an impossible one.

    Inputs that are the same in `known` were checked before and are taken from there.
    """
    before = {entry.name: entry for entry in known}
    inputs = []
    for name, path, written, record in _entries(config):
        entry = before.get(name)
        if entry is None or (entry.written, entry.evidence, entry.path) != (written, record, path):
            entry = Input(name, _parsed(written, path, document), written, path, record)
            _check_range(entry, document)
        inputs.append(entry)
    _check_names(inputs, document)
    return tuple(inputs)


def _entries(config: Configuration) -> Iterator[tuple[str, YamlPath, Any, Parameter]]:
    for name, parameter in config.parameters.items():
        key = "value" if parameter.distribution is None else "distribution"
        yield name, ("parameters", name, key), getattr(parameter, key), parameter
    for name, product in config.products.items():
        for key in ("list_price", "discount"):
            yield (
                f"{key}[{name}]",
                ("products", name, key),
                getattr(product, key),
                price_record(name, product, key),
            )


def _check_names(inputs: Iterable[Input], document: Document) -> None:
    seen: dict[str, Input] = {}
    for entry in inputs:
        for name in entry.names:
            if name in seen:
                raise document.error(
                    entry.path[:2],
                    f"The parameter '{name}' is given twice, here and in '{seen[name].name}'",
                    "Give it once (list_price[X] and discount[X] come with the product X).",
                )
            seen[name] = entry


def _parsed(given: Any, path: YamlPath, document: Document) -> Distribution:
    """Build the distribution; its warnings and errors get the path and line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            built = parse(given, document.folder)
        except InputError as error:
            raise document.error((*path, *_culprit(given, error)), error.message, error.hint) from None
        except (TypeError, ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            # A form of the wrong shape, as a number where names are listed, or numbers that overflow.
            raise document.error(path, f"The distribution cannot be built: {error}") from None
    for warning in caught:
        warnings.warn(str(document.error(path, str(warning.message))), warning.category, stacklevel=2)
    return built


def _culprit(given: Any, error: InputError) -> tuple[str, ...]:
    """The keys of the distribution mapping that the message is about: its name, and the first keyword."""
    if not isinstance(given, Mapping):
        return ()
    family, keywords = next(iter(given.items()))
    if not isinstance(keywords, Mapping):
        return (family,)
    reason = error.message.rpartition("): ")[2]
    named = [word for word in re.findall(r"\w+", reason) if word in keywords]
    return (family, named[0]) if named else (family,)


def _summary(entry: Input, name: str, document: Document) -> tuple[float, float, float]:
    try:
        with np.errstate(all="ignore"):
            return entry.summary(name)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        raise document.error(
            entry.path,
            f"The mean or the interval of '{name}' is beyond what numbers can hold",
            "Check its parameters and their scale.",
        ) from None


def _check_range(entry: Input, document: Document) -> None:
    unit_path = ("parameters", entry.name, "unit")
    if isinstance(entry.unit, Mapping) and set(entry.unit) != set(entry.names):
        missing = sorted(set(entry.names) ^ set(entry.unit))
        raise document.error(
            unit_path,
            f"Units must be given for exactly the names of the distribution; see '{missing[0]}'",
            nearest(missing[0], entry.names),
        )
    for name in entry.names:
        unit_name = entry.unit_of(name)
        unit = UNITS[unit_name]
        mean, low, high = _summary(entry, name, document)
        if unit.whole and not (entry.is_fixed and float(mean).is_integer()):
            raise document.error(
                entry.path, f"'{name}' is a {unit_name} and must be one whole number", unit.advice
            )
        if all(unit.holds(x) for x in (mean, low, high)):
            continue
        what = f"{mean:g}" if entry.is_fixed else f"{mean:.4g} (95 % interval {low:.4g} to {high:.4g})"
        raise document.error(
            entry.path, f"'{name}' is {what}, and a {unit_name} is {unit.range_text}", unit.advice or None
        )
