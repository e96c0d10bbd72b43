"""The units a parameter may have, and the range of each: a value or 95 % interval outside it is refused."""

import math
from dataclasses import dataclass

CURRENCIES = ("GBP", "EUR", "USD")


@dataclass(frozen=True)
class Unit:
    """The range of a unit, both ends included unless `open_low`; `advice` is said when a value lies outside.

    `whole` units take a single whole number.
    """

    low: float = -math.inf
    high: float = math.inf
    advice: str = ""
    open_low: bool = False
    whole: bool = False

    def holds(self, value: float) -> bool:
        """Whether a finite `value` lies within the range."""
        if not math.isfinite(value) or value > self.high:
            return False
        return value > self.low if self.open_low else value >= self.low

    @property
    def range_text(self) -> str:
        """The range in words: 'between 0 and 1', 'at least 0', 'above 0'."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"between {self.low:g} and {self.high:g}"
        if math.isfinite(self.low):
            return f"{'above' if self.open_low else 'at least'} {self.low:g}"
        return f"at most {self.high:g}" if math.isfinite(self.high) else "finite"


_SHARE = Unit(0, 1, "A beta or logit-normal distribution stays between 0 and 1; write 30 % as 0.3.")
_RATIO = Unit(0, advice="A log-normal distribution stays above 0.", open_low=True)
_AMOUNT = Unit(0, advice="A gamma or log-normal distribution stays above 0.")
_MONEY_PER = (
    "",
    " per year",
    " per cycle",
    " per week",
    " per pack",
    " per gram",
    " per visit",
    " per event",
)

UNITS: dict[str, Unit] = {
    "probability": _SHARE,
    "proportion": _SHARE,
    # EQ-5D values reach -0.594 (United Kingdom, 3L) and no instrument goes below -1.
    "utility": Unit(-1, 1, "Utility 1 is full health."),
    "disutility": Unit(0, 2, "A disutility is a loss, written as a positive number."),
    **dict.fromkeys(("rate per year", "rate per cycle", "rate per week", "rate per month"), _AMOUNT),
    **dict.fromkeys(("hazard ratio", "odds ratio", "rate ratio", "risk ratio"), _RATIO),
    "log odds ratio": Unit(),
    "mean difference": Unit(),
    **{currency + per: _AMOUNT for currency in CURRENCIES for per in _MONEY_PER},
    **dict.fromkeys(("count", "count per year", "people", "packs", "packs per year"), _AMOUNT),
    **dict.fromkeys(("grams", "grams per week", "grams per year", "kilograms"), _AMOUNT),
    **dict.fromkeys(("years", "months", "weeks", "days", "hours", "cycles"), _AMOUNT),
    "multiplier": _AMOUNT,
    "switch": Unit(0, 1, "A switch is 0 (off) or 1 (on).", whole=True),
    "number": Unit(),
}


def currency_of(unit: str) -> str | None:
    """Return the currency of a money unit, None for any other."""
    first = unit.split(" ")[0]
    return first if first in CURRENCIES else None
